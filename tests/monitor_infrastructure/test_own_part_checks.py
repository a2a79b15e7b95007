"""Our own parts: a recorder that is behind, a silent watcher, sources that do not answer."""

from __future__ import annotations

from stationmaster.monitor.checks.infrastructure.ownparts import (
    kubernetes_unreachable,
    ledger_recording_behind,
    prometheus_unreachable,
    watcher_silent,
)
from stationmaster.monitor.facts.cluster import FINALIZER
from stationmaster.monitor.facts.given import GivenCluster, GivenParts, GivenPrometheus
from stationmaster.monitor.facts.parts import SpoolState, WatcherState
from stationmaster.monitor.facts.trouble import TroubleKind
from tests.monitor_infrastructure.infrastructure import (
    NOW,
    away,
    cluster,
    found,
    minutes,
    outcome,
    step_pod,
)


def spool(**fields: object) -> GivenParts:
    """Return a recorder's file."""
    return GivenParts(given_spools=(SpoolState(path="/home/spool", **fields),))  # type: ignore[arg-type]  # (as given)


def test_attempts_that_wait_in_a_file_are_found_since_the_first() -> None:
    """A minute is the recorder's own patience; five are trouble."""
    (finding,) = found(ledger_recording_behind, platform=spool(records=12, since=NOW - minutes(7)))

    assert str(finding.subject) == "part:recorder"
    assert finding.since == NOW - minutes(7)
    assert "12 attempts have waited for the ledger for 7 min" in finding.what
    young = spool(records=1, since=NOW - minutes(3))
    assert found(ledger_recording_behind, platform=young) == []


def test_attempts_that_no_database_takes_need_a_person() -> None:
    """They wait for nobody but the reader of the file."""
    (finding,) = found(ledger_recording_behind, platform=spool(refused=2))

    assert "/home/spool.refused" in finding.next_action


def test_pods_that_are_kept_unrecorded_are_found() -> None:
    """A pod that ended ten minutes ago and is still held has not been recorded."""
    held = {"phase": "Succeeded", "finalizers": (FINALIZER,)}
    late = step_pod("late", ended_at=NOW - minutes(11), **held)
    fresh = step_pod("fresh", ended_at=NOW - minutes(2), **held)
    free = step_pod("free", ended_at=NOW - minutes(50), phase="Succeeded")
    given = {"platform": GivenParts(), "cluster": cluster(late, fresh, free)}

    (finding,) = found(ledger_recording_behind, **given)

    assert finding.evidence["unrecorded"] == 1
    assert finding.since == NOW - minutes(11)
    assert found(ledger_recording_behind, platform=GivenParts(), cluster=cluster(fresh)) == []


def test_a_watcher_that_has_not_looked_is_found_by_whoever_looks() -> None:
    """The dashboard or a person sees it; where none ever looked there is none to miss."""

    def parts(ago: float) -> GivenParts:
        looked = NOW - minutes(ago)
        return GivenParts(given_watcher=WatcherState(holder="w-1", looked_at=looked, until=looked))

    (finding,) = found(watcher_silent, platform=parts(11))

    assert finding.since == NOW - minutes(11)
    assert found(watcher_silent, platform=parts(9)) == []
    assert outcome(watcher_silent, platform=GivenParts()).outcome == "not-here"


def test_sources_of_facts_that_are_silent_are_findings() -> None:
    """That facts do not answer is found, once, by the check of whoever has them."""
    (cluster_,) = found(kubernetes_unreachable, cluster=GivenCluster(away=away()))
    (prometheus,) = found(prometheus_unreachable, prometheus=GivenPrometheus(away=away()))
    refused = GivenCluster(away=away(TroubleKind.FORBIDDEN))
    (no_right,) = found(kubernetes_unreachable, cluster=refused)

    assert (cluster_.severity, prometheus.severity) == ("critical", "warning")
    assert no_right.severity == "warning"
    assert "role" in no_right.next_action
    assert found(kubernetes_unreachable, cluster=GivenCluster()) == []
    assert found(prometheus_unreachable, prometheus=GivenPrometheus()) == []
