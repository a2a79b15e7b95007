"""What waits have counted splits the steps after them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.airflow.arrivals import WaitForSource
from stationmaster.airflow.operator import StepOperator
from stationmaster.airflow.volumes import CountShards

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow.models.dagrun import DagRun
    from airflow.sdk import DAG

    RunDag = Callable[..., DagRun]
    XCom = Callable[[DagRun, str], Any]


def deliver(tmp_path: Path, source: str, success: str) -> None:
    """Let a source deliver the tests' day, and say of it what it says."""
    folder = tmp_path / "home" / "landing" / source / "2011-11-21"
    folder.mkdir(parents=True)
    (folder / "_SUCCESS").write_text(success)


def orders(count: int) -> str:
    """Return a document that tells of so many orders."""
    return json.dumps({"files": {"orders-000.jsonl.gz": {"records": count}}})


def test_a_wait_tells_how_its_step_is_split(
    dag: DAG, run_dag: RunDag, xcom: XCom, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The wait counts what came and says why; the step has that many shards."""
    deliver(tmp_path, "web", orders(25_000))
    wait = WaitForSource(task_id="wait", source="web", splits=("step", "orders", 10_000), dag=dag)
    wait >> StepOperator(task_id="step", job="toy-hello", shards=wait.shards, dag=dag)

    run = run_dag(dag)

    assert run.state == "success"
    assert xcom(run, "step")["outputs"][0]["rows"] == 9
    assert "step: 25,000 orders in 3 shards: one for each 10,000." in capsys.readouterr().out


def test_a_wait_that_counts_nothing_leaves_the_step_whole(
    dag: DAG, run_dag: RunDag, xcom: XCom, tmp_path: Path
) -> None:
    """A wait of an older release has pushed nothing: its step runs in one piece."""
    deliver(tmp_path, "web", orders(25_000))
    wait = WaitForSource(task_id="wait", source="web", dag=dag)
    wait >> StepOperator(task_id="step", job="toy-hello", shards=wait.shards, dag=dag)

    assert xcom(run_dag(dag), "step")["outputs"][0]["rows"] == 3


@pytest.mark.parametrize("case", [(orders(14_000), 3), (orders(0), 2), ("{}", 1)])
def test_a_step_after_two_sources_is_split_by_both(
    case: tuple[str, int], dag: DAG, run_dag: RunDag, xcom: XCom, tmp_path: Path
) -> None:
    """Their orders are added up; where one of them was not counted the step is not split."""
    app, shards = case
    deliver(tmp_path, "web", orders(16_000))
    deliver(tmp_path, "app", app)
    count = CountShards(task_id="count", waits=["wait_web", "wait_app"], dag=dag)
    for source in ("web", "app"):
        splits = ("step", "orders", 10_000)
        wait = WaitForSource(task_id=f"wait_{source}", source=source, splits=splits, dag=dag)
        wait >> count
    count >> StepOperator(task_id="step", job="toy-hello", shards=count.shards, dag=dag)

    run = run_dag(dag)

    assert xcom(run, "count") == shards
    assert xcom(run, "step")["outputs"][0]["rows"] == 3 * shards


def test_a_step_may_be_kept_in_one_piece(
    dag: DAG, run_dag: RunDag, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`most=1` splits nothing, whatever came, and the log says that it is bounded."""
    deliver(tmp_path, "web", orders(50_000))
    splits = ("step", "orders", 10_000)
    wait = WaitForSource(task_id="wait_web", source="web", splits=splits, dag=dag)
    wait >> CountShards(task_id="count", waits=["wait_web"], most=1, dag=dag)

    assert run_dag(dag).state == "success"
    why = "50,000 orders in 1 shard: one for each 10,000 would be 5, and the most is 1."
    assert why in capsys.readouterr().out
