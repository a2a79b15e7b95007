"""What Prometheus finds by rules of its own, and whether it still looks."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.check import check
from stationmaster.monitor.checks.finding import (
    Finding,
    Layer,
    Link,
    Severity,
    Subject,
    SubjectKind,
)
from stationmaster.monitor.checks.infrastructure.underneath import causes_of_part
from stationmaster.monitor.checks.infrastructure.wording import (
    OWNER,
    ago,
    if_known,
    logs_of,
    said,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stationmaster.monitor.facts.alertmanager import PrometheusAlert
    from stationmaster.monitor.facts.facts import Facts

__all__ = ["HEARTBEAT", "prometheus_alert", "prometheus_silent"]

HEARTBEAT: Final = "StationmasterHeartbeat"
"""A rule of the chart that always fires: its absence is what says something."""

OURS: Final = "stationmaster"
"""Label `source` of what the watcher itself hands to an Alertmanager: its own incidents."""


@check(
    "prometheus-alert",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.WARNING,
    owner=OWNER,
    clear_after=dt.timedelta(minutes=1),
)
def prometheus_alert(facts: Facts) -> Iterator[Finding]:
    """Prometheus found something by a rule of its own that names what is wrong by `subject`."""
    by_subject: dict[Subject, list[PrometheusAlert]] = {}
    for alert in facts.alertmanager.alerts():
        subject = _subject(facts, alert)
        if subject is not None and _severity(alert) is not None:
            by_subject.setdefault(subject, []).append(alert)
    for subject, alerts in by_subject.items():
        yield _found(facts, subject, sorted(alerts, key=_importance))


@check(
    "prometheus-silent",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.CRITICAL,
    owner=OWNER,
    hold=dt.timedelta(minutes=5),
    clear_after=dt.timedelta(minutes=1),
)
def prometheus_silent(facts: Facts) -> Iterator[Finding]:
    """Alertmanager does not answer, or hears nothing from Prometheus: its alerts would not come."""
    trouble = facts.alertmanager.trouble()
    if trouble is not None:
        yield prometheus_silent.finding(
            Subject(SubjectKind.PART, "alertmanager"),
            what=f"Alertmanager has not answered {ago(trouble.since, facts.now)} {said(trouble)}.",
            next_action="Look whether it runs and read its log: "
            f"{logs_of(facts, 'alertmanager')}; and at STATIONMASTER_ALERTMANAGER_URL.",
            since=trouble.since,
            caused_by=causes_of_part(facts, "alertmanager"),
        )
    elif HEARTBEAT not in {alert.name for alert in facts.alertmanager.alerts()}:
        yield prometheus_silent.finding(
            Subject(SubjectKind.PART, "prometheus"),
            what=f"Alertmanager does not have {HEARTBEAT}, which always fires: Prometheus does not "
            "evaluate our rules, or does not reach Alertmanager.",
            next_action="Look at Prometheus' pages /rules and /status: are the rules of the chart "
            "loaded, and is this Alertmanager among those it sends to?",
            since=facts.now,
            caused_by=causes_of_part(facts, "prometheus"),
        )


def _found(facts: Facts, subject: Subject, alerts: Sequence[PrometheusAlert]) -> Finding:
    """Return one finding of all that is said of one thing, in the words of the worst."""
    worst = alerts[0]
    told = worst.annotations
    what = told.get("summary") or told.get("description") or f"{worst.name} fires."
    others = sorted({alert.name for alert in alerts} - {worst.name})
    links = (("runbook", told.get("runbook_url", "")), ("rule", worst.url))
    finding = prometheus_alert.finding(
        subject,
        severity=_severity(worst),
        owner=worst.labels.get("owner") or OWNER,
        what=f"{what} (also: {', '.join(others)})" if others else what,
        next_action=told.get("next_action") or f"Look at {worst.name} in Prometheus.",
        since=min(alert.starts_at for alert in alerts),
        caused_by=_causes(facts, subject),
        links=tuple(
            Link(title, url) for title, url in links if url.startswith(("http://", "https://"))
        ),
        evidence={"alert": worst.name},
    )
    return finding.model_copy(update={"layer": _layer(worst)})


def _importance(alert: PrometheusAlert) -> tuple[int, str]:
    severity = _severity(alert)
    return (-severity.rank if severity else 0, alert.name)


def _subject(facts: Facts, alert: PrometheusAlert) -> Subject | None:
    """Return what an alert is about; None for one that is none of ours to tell."""
    if alert.labels.get("source") == OURS:
        return None
    try:
        subject = Subject.parse(alert.labels.get("subject", ""))
    except ValueError:
        return None
    return _workload(facts, subject) if subject.kind is SubjectKind.POD else subject


def _workload(facts: Facts, subject: Subject) -> Subject | None:
    """Return a pod as our own checks call it: by its workload, which Prometheus does not know.

    None for a pod that is gone: an alert outlives it by a minute, and nothing is wrong any more.
    """
    namespace = subject.name.partition("/")[0]
    pods = if_known(facts, lambda f: f.cluster.pods()) or ()
    beside = [pod for pod in pods if pod.namespace == namespace]
    for pod in beside:
        if f"{pod.namespace}/{pod.name}" == subject.name:
            return Subject(SubjectKind.POD, f"{pod.namespace}/{pod.workload}")
    return None if beside else subject


def _causes(facts: Facts, subject: Subject) -> tuple[Subject, ...]:
    """Return the pods and nodes that explain why a part does not run; it may run unseen there."""
    return causes_of_part(facts, subject.name) if subject.kind is SubjectKind.PART else ()


def _severity(alert: PrometheusAlert) -> Severity | None:
    named = alert.labels.get("severity", Severity.WARNING)
    return Severity(named) if named in set(Severity) else None


def _layer(alert: PrometheusAlert) -> Layer:
    named = alert.labels.get("layer")
    return Layer(named) if named in set(Layer) else Layer.INFRASTRUCTURE
