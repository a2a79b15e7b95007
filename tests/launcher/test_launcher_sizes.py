"""What the launcher makes of a step's past, through its preparation, by a ledger in Postgres."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from stationmaster.airflow.life.sizefacts import size_facts_of
from stationmaster.ledger.records import AttemptRecord
from stationmaster.ledger.store import Ledger
from stationmaster.step.protocol import StepContext

if TYPE_CHECKING:
    from tests.launcher.airflow_home import AirflowHome
    from tests.launcher.stage import ClusterThread

GIB = 2**30
MIB = 2**20


def a_past(kind: str, gibibytes: int, number: int) -> AttemptRecord:
    """Return an attempt that read so much, and needed an eighth of it and 50 MiB."""
    when = dt.datetime.now(dt.UTC) - dt.timedelta(hours=100 - number)
    context = StepContext(
        pipeline="sized",
        run_id=f"past-{kind}-{number}",
        step="sort",
        job="sorter",
        try_id=f"past-{kind}-{number}",
        business_date=when.date(),
    )
    return AttemptRecord.of(
        context,
        recorded_at=when,
        queued_at=when,
        verdict="succeeded",
        parameter_class=f"kind={kind}",
        input_bytes=gibibytes * GIB,
        peak_memory_bytes=gibibytes * GIB // 8 + 50 * MIB,
        asked_memory_bytes=GIB,
        declared_memory_bytes=GIB,
        wall_seconds=600.0,
    )


def test_a_step_is_sized_by_its_kind_and_its_input(
    airflow: AirflowHome, cluster: ClusterThread
) -> None:
    """Each shard is sized by the runs of its parameters' class, for its share of the bytes."""
    ledger = Ledger.open(airflow.environment["STATIONMASTER_LEDGER_URI"])
    ledger.record_all(a_past("large", 1 + number % 7, number) for number in range(40))
    ledger.record_all(a_past("small", 1, 50 + number) for number in range(10))

    run = airflow.call("trigger", dag_id="sized", conf={"kind": "large", "bytes": 4 * GIB})
    airflow.ended(run)

    pods = [pod for pod in cluster.told if pod["metadata"]["labels"].get("stationmaster.io/run")]
    mine = [pod for pod in pods if pod["metadata"]["annotations"]["stationmaster.io/run-id"] == run]
    facts = [size_facts_of(pod) for pod in mine]
    assert {(each.parameter_class, each.input_bytes) for each in facts} == {("kind=large", 3 * GIB)}
    airflow.log_says("its input explains the peak", run, "sort")
    airflow.log_says("foretold for 3 GiB", run, "sort")
    rows = [each for each in ledger.last(10, pipeline="sized", step="sort") if each.run_id == run]
    assert {(each.shard, each.parameter_class, each.input_bytes) for each in rows} == {
        (shard, "kind=large", 3 * GIB) for shard in range(2)
    }
    ledger.close()
