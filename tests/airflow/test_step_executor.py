"""StepExecutor before a launcher that answers as a script says: what the scheduler is told."""

# ruff: noqa: PLC0415 (Airflow makes its home when imported: not before pytest_configure)

from __future__ import annotations

import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow.executors.workloads import ExecuteTask

    from stationmaster.airflow.executor import StepExecutor

    Make = Callable[[str], StepExecutor]

ANSWER = """
import json, sys
def say(kind, order, **more):
    print(json.dumps({"kind": kind, "ti_id": order["ti"]["id"], **more}), flush=True)
orders = []
for line in sys.stdin:
    order = json.loads(line)
    if order["kind"] == "stop":
        break
    orders.append(order)
"""
SILENT = """
    if order["give_up"]:
        say("given_up", order, why=order["give_up"])
    else:
        say("worker", order, silent=True)
"""
BOTH_OVER = """
    if len(orders) == 2:
        say("over", orders[0])
        say("over", orders[1])
"""
FIRST_OVER = """
    if len(orders) == 2:
        say("over", orders[0])
        say("worker", orders[1])
"""
NOT_OURS = """
    say("not_ours", order)
"""


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """Start executors, each with a launcher that runs a script."""
    from stationmaster.airflow.executor import StepExecutor

    monkeypatch.setenv("STATIONMASTER_WORKERS", "1")
    started: list[StepExecutor] = []

    def make(answers: str) -> StepExecutor:
        class Scripted(StepExecutor):
            launcher_command = (sys.executable, "-c", ANSWER + answers)

        started.append(executor := Scripted(parallelism=8))
        executor.start()
        return executor

    yield make
    for each in started:
        each.end()


def workload(run_id: str = "run") -> ExecuteTask:
    """Return a task instance of its own; those of one run have the same key."""
    from airflow.executors import workloads
    from airflow.executors.workloads import BundleInfo
    from airflow.executors.workloads.task import TaskInstanceDTO

    ti = TaskInstanceDTO(
        id=uuid.uuid4(),
        dag_version_id=uuid.uuid4(),
        task_id="step",
        dag_id="dag",
        run_id=run_id,
        try_number=1,
        pool_slots=1,
        queue="default",
        priority_weight=1,
    )
    bundle = BundleInfo(name="dags-folder", version=None)
    return workloads.ExecuteTask(
        ti=ti, dag_rel_path=Path("dag.py"), bundle_info=bundle, log_path="log", token=""
    )


def take(executor: StepExecutor, task: ExecuteTask) -> None:
    """Hand a task to the executor, as the scheduler does."""
    executor.queued_tasks[task.key] = task
    executor.heartbeat()


def events(executor: StepExecutor, seconds: float = 2.0) -> dict[Any, Any]:
    """Return the first events that the scheduler hears, within a time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        executor.heartbeat()
        if found := executor.get_event_buffer():
            return found
        time.sleep(0.05)
    return {}


def test_an_old_tasks_end_is_not_the_new_tasks_end(make: Make) -> None:
    """A run that is deleted and made again has the same keys: only its own end counts."""
    executor = make(FIRST_OVER)
    take(executor, workload())
    take(executor, new := workload())
    assert events(executor, seconds=5) == {}
    assert new.key in executor.running


def test_the_end_of_the_newest_task_is_told(make: Make) -> None:
    """The scheduler hears one success of a key, from the task that has it now."""
    executor = make(BOTH_OVER)
    take(executor, workload())
    take(executor, new := workload())
    assert [state for state, _ in events(executor, seconds=30).values()] == ["success"]
    assert new.key not in executor.running


def test_what_the_scheduler_took_back_makes_no_event(make: Make) -> None:
    """A row that is scheduled again is none of ours: an event would fail its next queueing."""
    executor = make(NOT_OURS)
    take(executor, task := workload())
    until = time.monotonic() + 30
    while task.key in executor.running and time.monotonic() < until:
        assert events(executor, seconds=0.1) == {}
    assert task.key not in executor.running


def test_a_purge_of_a_workers_task_has_it_looked_at(make: Make) -> None:
    """The scheduler's purge fails no task that a worker has: the launcher is asked each time."""
    executor = make(SILENT)
    take(executor, task := workload())
    for _ in range(3):
        assert events(executor, seconds=0.3) == {}
        executor.change_state(task.key, "failed")
    assert task.key in executor.running


def test_a_task_that_kills_its_workers_fails_in_the_end(make: Make) -> None:
    """After ten workers that died of a task it fails as Airflow's failure, and says why."""
    executor = make(SILENT)
    take(executor, task := workload())
    found: dict[Any, Any] = {}
    until = time.monotonic() + 120
    while not found and time.monotonic() < until:
        found = events(executor, seconds=0.5)
        if not found:
            executor.change_state(task.key, "failed")  # each purge has the launcher look
    state, why = found[task.key]
    assert state == "failed"
    assert "10 workers in a row died of this task" in why
    assert "clear the task" in why
