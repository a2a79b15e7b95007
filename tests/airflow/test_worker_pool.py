"""Which task gets a worker, and how many at once."""

# ruff: noqa: PLC0415 (Airflow makes its home when imported: not before pytest_configure)

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.airflow.test_step_executor import workload

if TYPE_CHECKING:
    from airflow.executors.workloads import ExecuteTask

    from stationmaster.airflow.workerpool import WorkerPool


def pool(workers: int) -> WorkerPool:
    """Return a pool; its processes are not started, so nobody is ever done."""
    from stationmaster.airflow.workerpool import WorkerPool

    return WorkerPool(workers)


def tasks(count: int) -> dict[str, ExecuteTask]:
    """Return tasks of as many runs, by id."""
    made = [workload(f"run{number}") for number in range(count)]
    return {str(each.ti.id): each for each in made}


def test_a_step_that_is_done_comes_before_those_that_begin() -> None:
    """Finishes go first, in order, although executes came before them."""
    workers, mine = pool(3), tasks(4)
    for number, ti_id in enumerate(mine):
        workers.wait(ti_id, finishing=number >= 2)
    ids = list(mine)
    assert workers.give(mine, None) == [ids[2], ids[3], ids[0]]


def test_the_weightiest_step_is_next() -> None:
    """An urgent step is given to a worker before those that wait longer, finishes before all."""
    workers, mine = pool(4), tasks(4)
    first, second, urgent, finish = mine
    mine[urgent].ti.priority_weight = 1000
    for ti_id in (first, second, urgent):
        workers.wait(ti_id, finishing=False)
    workers.wait(finish, finishing=True)
    assert workers.give(mine, None) == [finish, urgent, first, second]


def test_executes_never_take_all_workers() -> None:
    """Four workers run three executes at most: a finish that comes later has its worker."""
    workers, mine = pool(4), tasks(9)
    *executes, finish = mine
    for ti_id in executes:
        workers.wait(ti_id, finishing=False)
    assert workers.give(mine, None) == executes[:3]
    assert workers.give(mine, None) == []
    workers.wait(finish, finishing=True)
    assert workers.give(mine, None) == [finish]


def test_the_only_worker_takes_both() -> None:
    """With one worker executes are not shut out."""
    workers, mine = pool(1), tasks(2)
    for ti_id in mine:
        workers.wait(ti_id, finishing=False)
    assert workers.give(mine, None) == list(mine)[:1]


def test_no_more_are_given_than_there_are_workers() -> None:
    """Two hundred ends at once wait here: the workers' pipe would block the scheduler."""
    workers, mine = pool(2), tasks(200)
    for ti_id in mine:
        workers.wait(ti_id, finishing=True)
    assert len(workers.give(mine, None)) == 2
    assert workers.give(mine, None) == []


def test_a_task_that_was_given_is_not_given_twice() -> None:
    """A task whose worker has not begun yet, as while the api-server is away, waits there."""
    workers, mine = pool(2), tasks(1)
    (ti_id,) = mine
    workers.wait(ti_id, finishing=False)
    assert workers.give(mine, None) == [ti_id]
    workers.wait(ti_id, finishing=False)
    assert workers.give(mine, None) == []


def test_a_forgotten_task_holds_no_worker() -> None:
    """What is over no longer counts as busy, though its worker died without a word."""
    workers, mine = pool(1), tasks(2)
    first, second = mine
    workers.wait(first, finishing=False)
    workers.give(mine, None)
    workers.forget(first)
    workers.wait(second, finishing=False)
    assert workers.give(mine, None) == [second]


@pytest.mark.parametrize(
    ("error", "passing"),
    [(httpx.ConnectError("away"), True), (ImportError("no module"), False), ("no reason", False)],
)
def test_only_a_server_that_is_away_is_passing(error: object, *, passing: bool) -> None:
    """A worker that does not reach the api-server is no death; one that cannot import is."""
    from stationmaster.airflow.workerpool import WorkerEnd

    assert WorkerEnd("id", error).is_passing is passing
