"""Airflow's own parts: which are silent, why, and what that means."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING

import pytest

from stationmaster.monitor.checks.infrastructure.airflowparts import (
    api_server_unreachable,
    dag_import_error,
    dag_processor_dead,
    pipeline_paused,
    scheduler_dead,
    triggerer_dead,
)
from stationmaster.monitor.facts.airflow import AirflowPipeline, AirflowRun, ImportProblem
from stationmaster.monitor.facts.given import GivenAirflow
from stationmaster.monitor.monitoring import Monitoring, PipelineExpectation
from tests.monitor_infrastructure.infrastructure import (
    NOW,
    airflow,
    away,
    cluster,
    condition,
    found,
    minutes,
    node,
    outcome,
    part,
    pod,
    task,
)

if TYPE_CHECKING:
    from stationmaster.monitor.checks.check import Check

PARTS = [
    (scheduler_dead, "scheduler"),
    (dag_processor_dead, "dag-processor"),
    (triggerer_dead, "triggerer"),
]
RAN = AirflowRun(
    pipeline="morning",
    run_id="r1",
    state="success",
    kind="scheduled",
    run_after=NOW - minutes(1500),
    ended_at=NOW - minutes(1400),
)
SCHEDULER = {"app.kubernetes.io/component": "scheduler"}


@pytest.mark.parametrize(("check", "name"), PARTS)
def test_a_silent_part_is_found_since_it_beat_last(check: Check, name: str) -> None:
    """The heartbeat is when the trouble began; one that beats is clear."""
    (finding,) = found(check, airflow=airflow(part(name, healthy=False, ago=9)))

    assert str(finding.key) == f"{name}-dead part:{name}"
    assert finding.since == NOW - minutes(9)
    assert f"component={name}" in finding.next_action
    assert found(check, airflow=airflow()) == []


@pytest.mark.parametrize(("check", "name"), PARTS)
def test_nothing_is_known_of_parts_while_airflow_cannot_ask(check: Check, name: str) -> None:
    """With its database away Airflow calls every part dead: that is not known."""
    cut_off = airflow(part("metadatabase", healthy=False), part(name, healthy=False))

    assert outcome(check, airflow=cut_off).outcome == "unknown"
    assert outcome(check, airflow=GivenAirflow(away=away())).outcome == "unknown"


def test_a_part_that_was_never_wanted_is_not_missed() -> None:
    """Airflow without a triggerer has none; a scheduler that never beat is missed."""
    without = airflow(part("triggerer", healthy=None))
    never = GivenAirflow(
        given_parts=(part("metadatabase"), part("scheduler", healthy=False, ago=0))
    )

    assert found(triggerer_dead, airflow=without) == []
    assert len(found(scheduler_dead, airflow=never)) == 1
    assert outcome(triggerer_dead, airflow=never).outcome == "not-here"


def test_a_dead_triggerer_is_urgent_while_tasks_sleep() -> None:
    """What was deferred does not wake by itself."""
    dead = part("triggerer", healthy=False, ago=5)
    sleeping = airflow(dead, given_tasks=(task("wait_for_web", "deferred", 30),))

    (idle,), (urgent,) = (found(triggerer_dead, airflow=each) for each in (airflow(dead), sleeping))

    assert (idle.severity, urgent.severity) == ("warning", "critical")
    assert "1 tasks that were deferred do not wake" in urgent.what


def test_a_part_that_is_being_installed_is_not_dead() -> None:
    """It has never beaten, and its image is still being pulled; after ten minutes it is told."""
    never = airflow(dataclasses.replace(part("scheduler", healthy=False), heartbeat=None))
    new, old = (pod("s", labels=SCHEDULER, created_at=NOW - minutes(each)) for each in (3, 12))

    assert found(scheduler_dead, airflow=never, cluster=cluster(new)) == []
    assert len(found(scheduler_dead, airflow=never, cluster=cluster(old))) == 1


def test_the_log_of_a_part_without_pods_is_looked_for_where_the_others_are() -> None:
    """A command that lacks the namespace finds nothing."""
    other = pod("d", namespace="airflow", labels={"app.kubernetes.io/component": "dag-processor"})
    dead = airflow(part("scheduler", healthy=False, ago=9))

    (finding,) = found(scheduler_dead, airflow=dead, cluster=cluster(other))

    assert "kubectl -n airflow logs" in finding.next_action


def test_the_pod_or_node_of_a_silent_part_is_its_cause() -> None:
    """What Kubernetes says of its pods explains it: one incident, not two."""
    dead = airflow(part("scheduler", healthy=False, ago=9))
    unready = (condition("Ready", "False", 9),)
    crashing = pod(
        "s", labels=SCHEDULER, conditions=unready, owner_kind="ReplicaSet", owner="s-5d9c7b8"
    )
    lost = pod("s", labels=SCHEDULER, node="n1")
    silent = node("n1", condition("Ready", "Unknown"))

    (by_pod,) = found(scheduler_dead, airflow=dead, cluster=cluster(crashing))
    (by_node,) = found(scheduler_dead, airflow=dead, cluster=cluster(lost, nodes=(silent,)))

    assert [str(each) for each in by_pod.caused_by] == ["pod:airflow/s"]
    assert [str(each) for each in by_node.caused_by] == ["node:n1"]


def test_an_api_server_that_is_away_is_found_not_unknown() -> None:
    """That facts do not answer is itself a finding of this one check."""
    (finding,) = found(api_server_unreachable, airflow=GivenAirflow(away=away()))

    assert finding.since == NOW - minutes(5)
    assert "Connection refused" in finding.what
    assert found(api_server_unreachable, airflow=airflow()) == []
    assert outcome(api_server_unreachable).outcome == "not-here"


def test_a_broken_dag_file_names_its_pipeline() -> None:
    """The subject is the pipeline where the file has one: lineage knows what it affects."""
    problem = ImportProblem(file="a.py", since=NOW - minutes(3), sentence="NameError: x")
    lost = ImportProblem(file="new.py", since=NOW, sentence="SyntaxError")
    given = airflow(
        given_problems=(problem, lost),
        given_pipelines=(AirflowPipeline(name="morning", file="a.py", broken=True),),
    )

    known, unknown = found(dag_import_error, airflow=given)

    assert str(known.subject) == "pipeline:morning"
    assert str(unknown.subject) == "pipeline:new.py"
    assert known.what == "a.py cannot be read: NameError: x."
    assert found(dag_import_error, airflow=airflow()) == []


def test_a_pipeline_that_has_never_run_is_not_missed() -> None:
    """On a new cluster all are paused; what somebody ran by hand is not due by itself."""
    monitoring = Monitoring(pipelines={"morning": PipelineExpectation(due=dt.time(6, 35))})
    pipelines = (AirflowPipeline(name="morning", paused=True),)
    by_hand = dataclasses.replace(RAN, kind="manual")

    for runs in ((), (by_hand,)):
        given = airflow(given_pipelines=pipelines, given_runs=runs)
        assert found(pipeline_paused, airflow=given, monitoring=monitoring) == []


def test_a_paused_pipeline_is_found_only_where_somebody_waits_for_it() -> None:
    """A pipeline without a due time may be paused for ever."""
    due = PipelineExpectation(due=dt.time(6, 35), readers=("management",), owner="analytics")
    monitoring = Monitoring(pipelines={"morning": due, "free": PipelineExpectation()})
    pipelines = [AirflowPipeline(name=name, paused=True) for name in ("free", "morning", "other")]
    given = airflow(given_pipelines=(*pipelines, AirflowPipeline(name="on")), given_runs=(RAN,))

    (finding,) = found(pipeline_paused, airflow=given, monitoring=monitoring)

    assert finding.pipeline == "morning"
    assert (finding.owner, finding.affected) == ("analytics", ("management",))
    assert "due at 06:35" in finding.what
