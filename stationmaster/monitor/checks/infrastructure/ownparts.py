"""What monitoring itself stands on: the recorder, the watcher, the cluster's API, Prometheus."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.check import check
from stationmaster.monitor.checks.finding import Finding, Layer, Severity, Subject, SubjectKind
from stationmaster.monitor.checks.infrastructure.underneath import causes_of_part
from stationmaster.monitor.checks.infrastructure.wording import (
    OWNER,
    ago,
    and_more,
    if_known,
    logs_of,
    said,
)
from stationmaster.monitor.facts.cluster import FINALIZER
from stationmaster.monitor.facts.trouble import TroubleKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.monitor.facts.facts import Facts
    from stationmaster.monitor.facts.parts import SpoolState

__all__ = [
    "kubernetes_unreachable",
    "ledger_recording_behind",
    "prometheus_unreachable",
    "watcher_silent",
]

BEHIND: Final = dt.timedelta(minutes=5)
UNRECORDED: Final = dt.timedelta(minutes=10)
SILENT: Final = dt.timedelta(minutes=10)
RECORDER: Final = Subject(SubjectKind.PART, "recorder")


@check(
    "ledger-recording-behind",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.WARNING,
    owner=OWNER,
    hold=dt.timedelta(minutes=2),
    clear_after=dt.timedelta(minutes=2),
)
def ledger_recording_behind(facts: Facts) -> Iterator[Finding]:
    """Attempts have ended and are not in the ledger: it is away, or does not take them."""
    spools = facts.platform.spools()
    for spool in spools:
        if spool.since is not None and facts.now - spool.since >= BEHIND:
            yield _kept_in_file(facts, spool)
            return
        if spool.refused:
            yield _put_aside(facts, spool)
            return
    yield from _unrecorded_pods(facts)


@check(
    "watcher-silent",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.CRITICAL,
    owner=OWNER,
    hold=dt.timedelta(minutes=2),
)
def watcher_silent(facts: Facts) -> Iterator[Finding]:
    """No watcher has looked for ten minutes: whatever else breaks, nobody is told."""
    watcher = facts.platform.watcher()
    looked_at = watcher.looked_at
    if looked_at is not None and facts.now - looked_at >= SILENT:
        yield watcher_silent.finding(
            Subject(SubjectKind.PART, "watcher"),
            what=f"The watcher {watcher.holder} has not looked {ago(looked_at, facts.now)}.",
            next_action=f"Look whether it runs and read its log ({logs_of(facts, 'watcher')}); on "
            "a laptop start it: `stationmaster watch`.",
            since=looked_at,
        )


@check(
    "kubernetes-unreachable",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.CRITICAL,
    owner=OWNER,
    hold=dt.timedelta(minutes=3),
    clear_after=dt.timedelta(minutes=2),
)
def kubernetes_unreachable(facts: Facts) -> Iterator[Finding]:
    """The Kubernetes API does not answer: nothing can be started, and nothing seen."""
    trouble = facts.cluster.trouble()
    if trouble is not None:
        refused = trouble.kind in {TroubleKind.FORBIDDEN, TroubleKind.LOGIN}
        yield kubernetes_unreachable.finding(
            Subject(SubjectKind.PART, "kubernetes"),
            severity=Severity.WARNING if refused else Severity.CRITICAL,
            what=f"The Kubernetes API has not answered {ago(trouble.since, facts.now)} "
            f"{said(trouble)}.",
            next_action=(
                "Give the watcher's service account its role again: docs/chart.md."
                if refused
                else "Look at the control plane (`kubectl get --raw '/readyz?verbose'`), and at "
                "what network policies let through."
            ),
            since=trouble.since,
            evidence={"kind": trouble.kind.value},
        )


@check(
    "prometheus-unreachable",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.WARNING,
    owner=OWNER,
    hold=dt.timedelta(minutes=10),
    clear_after=dt.timedelta(minutes=5),
)
def prometheus_unreachable(facts: Facts) -> Iterator[Finding]:
    """Prometheus does not answer: what fills, and what it watches for us, is not known."""
    trouble = facts.prometheus.trouble()
    if trouble is not None:
        yield prometheus_unreachable.finding(
            Subject(SubjectKind.PART, "prometheus"),
            what=f"Prometheus has not answered {ago(trouble.since, facts.now)} {said(trouble)}.",
            next_action="Look whether it runs and has disk left, and at "
            "STATIONMASTER_PROMETHEUS_URL.",
            since=trouble.since,
            caused_by=causes_of_part(facts, "prometheus"),
            evidence={"kind": trouble.kind.value},
        )


def _kept_in_file(facts: Facts, spool: SpoolState) -> Finding:
    since = spool.since or facts.now
    return ledger_recording_behind.finding(
        RECORDER,
        what=f"{spool.records} attempts have waited for the ledger {ago(since, facts.now)}, in "
        f"{spool.path}; none is lost.",
        next_action="See why the ledger's database takes nothing: `stationmaster checks run "
        "--check database-unreachable`.",
        since=since,
        evidence={"records": spool.records},
    )


def _put_aside(facts: Facts, spool: SpoolState) -> Finding:
    return ledger_recording_behind.finding(
        RECORDER,
        what=f"The ledger did not take {spool.refused} attempts; they are in "
        f"{spool.path}.refused, each with the reason.",
        next_action=f"Read {spool.path}.refused, and report it; move the file away when it is "
        "settled.",
        since=spool.refused_since or facts.now,
        evidence={"refused": spool.refused},
    )


def _unrecorded_pods(facts: Facts) -> Iterator[Finding]:
    """Find pods that ended long ago and are still held: their attempts are not recorded."""
    held = [
        (pod, pod.ended_at)
        for pod in if_known(facts, lambda f: f.cluster.pods()) or ()
        if pod.is_step and FINALIZER in pod.finalizers and pod.ended_at is not None
    ]
    late = [(pod, ended) for pod, ended in held if facts.now - ended >= UNRECORDED]
    if late:
        since = min(ended for _, ended in late)
        yield ledger_recording_behind.finding(
            RECORDER,
            what=f"{len(late)} attempts have ended, the first {ago(since, facts.now)}, and are not "
            "recorded; their pods are kept until they are.",
            next_action="Read what the launcher waits for, which records them: "
            f"{logs_of(facts, 'scheduler')}.",
            since=since,
            affected=tuple(sorted({pod.pipeline for pod, _ in late} - {""})),
            evidence={"pods": and_more(pod.name for pod, _ in late), "unrecorded": len(late)},
        )
