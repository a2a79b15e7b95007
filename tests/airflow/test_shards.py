"""A step whose work is split into shards."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.airflow.operator import StepOperator
from stationmaster.airflow.process import LocalRun
from stationmaster.airflow.results import reference
from stationmaster.step.protocol import Shard, StepContext, StepResult

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow.models.dagrun import DagRun
    from airflow.sdk import DAG

    RunDag = Callable[..., DagRun]
    XCom = Callable[[DagRun, str], Any]


def test_shards_add_up(dag: DAG, run_dag: RunDag, xcom: XCom) -> None:
    """Three shards are three processes of one step; the one that published speaks for all."""
    StepOperator(task_id="step", job="toy-hello", shards=3, dag=dag)

    (output,) = xcom(run_dag(dag), "step")["outputs"]

    assert (output["rows"], output["quarantined"], output["snapshot"]) == (9, 3, 42)


def test_shards_of_which_none_publishes_are_no_success(
    dag: DAG, run_dag: RunDag, failures: list[BaseException]
) -> None:
    """A step whose shards all staged and none published is never green."""
    params = {"never_publishes": True}
    StepOperator(task_id="step", job="toy-hello", step_params=params, shards=2, dag=dag)

    assert run_dag(dag).state == "failed"
    assert "all 2 shards ended, and none published greetings of 2011-11-21" in str(failures[0])


def test_shards_of_an_image_without_snapshots_add_up() -> None:
    """Where no shard names a snapshot, each has told its own rows."""
    part = {"dataset": "d", "business_date": "2011-11-21", "rows": 2, "quarantined_rows": 1}
    result = StepResult.model_validate({"status": "done", "outputs": [part]})

    (output,) = reference(dt.date(2011, 11, 21), [result, result])["outputs"]

    assert (output["rows"], output["quarantined"]) == (4, 2)


def test_shards_from_an_upstream_step(dag: DAG, run_dag: RunDag, xcom: XCom) -> None:
    """The number of shards may be a template over what an upstream step pushed."""
    first = StepOperator(task_id="first", job="toy-hello", dag=dag)
    shards = "{{ ti.xcom_pull('first')['outputs'][0]['quarantined'] + 1 }}"
    second = StepOperator(task_id="second", job="toy-hello", shards=shards, dag=dag)
    first >> second

    assert xcom(run_dag(dag), "second")["outputs"][0]["rows"] == 6


def test_shards_from_a_function(dag: DAG, run_dag: RunDag, xcom: XCom) -> None:
    """The number of shards may be counted by a plain function of the task's context."""
    StepOperator(
        task_id="step",
        job="toy-hello",
        shards=lambda context: context["ti"].try_number + 1,
        dag=dag,
    )

    assert xcom(run_dag(dag), "step")["outputs"][0]["rows"] == 6


@pytest.mark.parametrize("shards", ["0", "many", "{{ 2000 }}"])
def test_a_count_that_is_none_is_refused(
    shards: str, dag: DAG, run_dag: RunDag, failures: list[BaseException]
) -> None:
    """A template that renders to no usable number fails before anything is started."""
    StepOperator(task_id="step", job="toy-hello", shards=shards, retries=2, dag=dag)

    run_dag(dag)

    assert "shards of step: expected a whole number from 1 to 1000, got" in str(failures[0])


def test_a_failed_shards_error_is_the_steps(
    dag: DAG, run_dag: RunDag, failures: list[BaseException]
) -> None:
    """The step fails with the error of the shard that failed by itself, and names it."""
    params = {"code": 65, "only_shard": 1}
    StepOperator(task_id="step", job="toy-fail", step_params=params, shards=3, dag=dag)

    run_dag(dag)

    assert str(failures[0]).startswith(
        "toy-fail (shard 2 of 3) failed with exit code 65: support API /tickets: expected"
    )


def contexts(count: int) -> list[StepContext]:
    """Return the contexts of a step with that many shards."""
    document = {
        "pipeline": "p",
        "run_id": "r",
        "step": "s",
        "job": "toy",
        "try_id": "t",
        "business_date": "2011-11-21",
    }
    whole = StepContext.model_validate(document)
    shards = [Shard(index=index, count=count) for index in range(count)]
    return [whole.model_copy(update={"shard": shard}) for shard in shards]


def test_no_more_processes_than_allowed_run_at_a_time(tmp_path: Path) -> None:
    """Six shards with two processes at a time never see a third beside them."""
    script = 'mkdir "$0/$$"; ls "$0" | wc -l; sleep 0.2; rmdir "$0/$$"'
    seen: list[int] = []
    running = tmp_path / "running"
    running.mkdir()
    run = LocalRun(
        contexts(6), ["sh", "-c", script, str(running)], env={}, grace_seconds=1, parallel=2
    )

    ends = run.run(lambda _, line: seen.append(int(line)))

    assert all(each.outcome.done for each in ends)
    assert len(seen) == 6
    assert max(seen) <= 2


def test_one_failure_stops_the_other_shards() -> None:
    """A shard that fails stops those that run and those that have not begun."""
    script = 'case "$STATIONMASTER_CONTEXT" in *\'"index":0\'*) exit 9;; esac; sleep 60'
    run = LocalRun(contexts(4), ["sh", "-c", script], env={}, grace_seconds=5, parallel=2)

    ends = run.run(lambda *_: None)

    assert ends[0].outcome.exit_code == 9
    assert [each.outcome.stop_requested for each in ends] == [False, True, True, True]


def test_lines_arrive_while_the_step_runs() -> None:
    """A line reaches the log as it is written: the step waits for what the reader does then."""
    script = 'trap "echo stopped; exit 0" TERM; echo ready; while :; do sleep 0.05; done'
    run = LocalRun(contexts(1), ["sh", "-c", script], env={}, grace_seconds=5)
    lines: list[str] = []

    def stop_when_ready(_: Shard, line: str) -> None:
        lines.append(line)
        if line == "ready":
            run.stop()

    run.run(stop_when_ready)

    assert (lines[0], lines[-1]) == ("ready", "stopped")
