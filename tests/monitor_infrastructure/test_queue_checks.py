"""Queues and pools: what is stuck, and what only takes long."""

from __future__ import annotations

from typing import Any

from stationmaster.monitor.checks.infrastructure.queues import (
    launcher_dead,
    pool_full_for_long,
    queue_stuck,
)
from stationmaster.monitor.facts.airflow import AirflowPool
from stationmaster.monitor.facts.given import GivenAirflow
from tests.monitor_infrastructure.infrastructure import (
    NOW,
    airflow,
    away,
    cluster,
    found,
    minutes,
    outcome,
    part,
    step_pod,
    task,
)


def queued(ago: float, start_ago: float | None = None, **fields: Any) -> GivenAirflow:  # noqa: ANN401 (GivenAirflow's)
    """Return an Airflow with a task that was queued some minutes ago, and when one began last."""
    start = None if start_ago is None else NOW - minutes(start_ago)
    return airflow(given_tasks=(task("extract_web", "queued", ago),), given_start=start, **fields)


def test_a_queue_is_stuck_when_nothing_starts() -> None:
    """Ten minutes in the queue, and no start of anything since."""
    (finding,) = found(queue_stuck, airflow=queued(14, 30))

    assert str(finding.subject) == "part:queue"
    assert finding.since == NOW - minutes(14)
    assert finding.affected == ("morning_analytics",)
    assert finding.what.endswith("nothing has started for 30 min.")


def test_a_queue_that_moves_is_long_not_stuck() -> None:
    """While anything starts, who is queued has his turn to come."""
    assert found(queue_stuck, airflow=queued(90, 2)) == []
    assert found(queue_stuck, airflow=queued(8, 60)) == []
    assert found(queue_stuck, airflow=airflow(given_start=None)) == []


def test_why_a_queue_is_stuck_is_known_where_its_part_is_dead() -> None:
    """A dead scheduler, or a launcher that makes no pod, is the cause."""
    dead = airflow(
        part("scheduler", healthy=False, ago=20),
        given_tasks=(task("extract_web", "queued", 14),),
    )

    (by_scheduler,) = found(queue_stuck, airflow=dead)
    (by_launcher,) = found(queue_stuck, airflow=queued(14, 30), cluster=cluster())

    assert [str(each) for each in by_scheduler.caused_by] == ["part:scheduler"]
    assert [str(each) for each in by_launcher.caused_by] == ["part:launcher"]


def test_a_launcher_is_dead_when_it_makes_no_pod_for_queued_steps() -> None:
    """The scheduler beats, steps wait, and no pod is younger than they wait."""
    old = step_pod("old", created_at=NOW - minutes(30))

    (finding,) = found(launcher_dead, airflow=queued(6), cluster=cluster(old))

    assert str(finding.subject) == "part:launcher"
    assert finding.since == NOW - minutes(6)


def test_a_launcher_that_works_or_has_nothing_to_do_is_clear() -> None:
    """A pod made since, a short wait, an empty queue, or a dead scheduler are no dead launcher."""
    young = cluster(step_pod("new", created_at=NOW - minutes(1)))
    dead = airflow(
        part("scheduler", healthy=False), given_tasks=(task("extract_web", "queued", 9),)
    )

    assert found(launcher_dead, airflow=queued(6), cluster=young) == []
    assert found(launcher_dead, airflow=queued(3), cluster=cluster()) == []
    assert found(launcher_dead, airflow=airflow(), cluster=cluster()) == []
    assert found(launcher_dead, airflow=dead, cluster=cluster()) == []
    assert outcome(launcher_dead, airflow=queued(6)).outcome == "not-here"


def test_a_small_task_of_another_executor_is_not_the_launchers() -> None:
    """Where executors are named, only the steps' own counts."""
    other = task("callable", "queued", 9, executor="FewWorkersExecutor")
    mine = task("extract", "queued", 9, executor="stationmaster.airflow.executor.StepExecutor")

    own = found(launcher_dead, airflow=airflow(given_tasks=(other, mine)), cluster=cluster())
    none = found(launcher_dead, airflow=airflow(given_tasks=(other,)), cluster=cluster())

    assert own[0].evidence["queued"] == 1
    assert none == []


def pool(*tasks: Any, running: int = 2) -> GivenAirflow:  # noqa: ANN401 (AirflowTask)
    """Return an Airflow with a pool of two slots."""
    full = AirflowPool(name="api", slots=2, running=running)
    return airflow(given_pools=(full,), given_tasks=tasks)


def test_a_pool_whose_holders_hang_is_found() -> None:
    """Full, an hour of waiting, and nobody has begun in it for half an hour."""
    holder = task("extract", "running", 120, pool="api")
    waiting = task("extract_web", "scheduled", 75, pool="api")

    (finding,) = found(pool_full_for_long, airflow=pool(holder, waiting))

    assert str(finding.subject) == "pool:api"
    assert (finding.severity, finding.since) == ("warning", NOW - minutes(75))
    assert "morning_analytics/extract" in finding.next_action


def test_a_pool_that_moves_is_only_worth_knowing() -> None:
    """A long backfill fills its pool for hours: shown, sent to nobody."""
    holder = task("extract", "running", 5, pool="api")
    waiting = task("extract_web", "scheduled", 75, pool="api")

    (finding,) = found(pool_full_for_long, airflow=pool(holder, waiting))

    assert finding.severity == "info"


def test_a_pool_with_room_or_a_short_queue_is_clear() -> None:
    """Who waits for less than an hour, or for something else than a slot, is not found."""
    soon = task("extract_web", "scheduled", 40, pool="api")
    other = task("extract_web", "scheduled", 75, pool="default_pool")
    long = task("extract_web", "scheduled", 75, pool="api")

    assert found(pool_full_for_long, airflow=pool(soon)) == []
    assert found(pool_full_for_long, airflow=pool(other)) == []
    assert found(pool_full_for_long, airflow=pool(long, running=1)) == []


def test_queues_are_unknown_while_airflow_is_silent() -> None:
    """Nothing of them closes then."""
    for check in (queue_stuck, launcher_dead, pool_full_for_long):
        assert outcome(check, airflow=GivenAirflow(away=away())).outcome == "unknown"
