"""Each attempt has a row from its pod on, and each row gets an end."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from typing import TYPE_CHECKING

import sqlalchemy as sa

from stationmaster.airflow.launcher.openrows import OpenRows, close_lost
from stationmaster.airflow.launcher.platform import StepsPlatform
from stationmaster.airflow.life.names import labels_of
from stationmaster.airflow.life.plan import pod_of
from stationmaster.airflow.life.recording import record_of_pod
from stationmaster.airflow.life.testing import FakeCluster
from stationmaster.ledger.models import rolled_day
from stationmaster.ledger.store import Ledger
from stationmaster.step.settings import Settings
from tests.ledger.attempts import context, record
from tests.life.plans import plan_of

if TYPE_CHECKING:
    from pathlib import Path

    from stationmaster.ledger.records import AttemptRecord

LONG_AGO = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
NODE = {
    "metadata": {
        "name": "node-a",
        "uid": "n1",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": {"node.kubernetes.io/instance-type": "m5.large"},
    },
    "status": {"capacity": {"cpu": "2", "memory": "8Gi"}},
}
OURS, THEIRS, RUNNING, PODDED, FORGOTTEN = (str(uuid.UUID(int=n)) for n in range(5))


def test_a_pod_that_is_seen_has_a_row_before_it_ends() -> None:
    """The first sight opens the row, later ones do not, and an ended pod's row is its end's."""
    records: list[AttemptRecord] = []

    async def store(each: AttemptRecord) -> None:
        records.append(each)

    async def main() -> None:
        rows, pod = OpenRows(store), pod_of(plan_of(), 0, 1)
        pod["metadata"]["uid"] = "u1"
        pod["status"] = {}
        over = {**pod, "metadata": {**pod["metadata"], "uid": "u2"}}
        state = {"terminated": {"exitCode": 0}}
        over["status"] = {"containerStatuses": [{"name": "base", "state": state}]}
        for each in (pod, pod, over):
            rows.notice(context(), each)
        await asyncio.sleep(0)
        await rows.close()

    asyncio.run(main())

    assert [(each.verdict, each.pod_uid) for each in records] == [(None, "u1")]


def test_what_an_attempt_waits_for_stands_in_its_row_while_it_does(tmp_path: Path) -> None:
    """The first sentence at once; of those that follow quickly the last; an end replaces it."""
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")

    async def store(each: AttemptRecord) -> None:
        ledger.record(each)
        said.append(ledger.last(1)[0].sentence)

    async def main() -> None:
        rows, pod = OpenRows(store, pause_seconds=0.05), pod_of(plan_of(), 0, 1)
        pod["metadata"]["uid"] = "u1"
        pod["status"] = {}
        rows.waits(context(), pod, "It waits for a node: 3 of 3 nodes lack memory.")
        await asyncio.sleep(0.01)
        for words in ("It waits for a node: 2 of 3 nodes lack memory.", "It runs on node-a."):
            rows.waits(context(), pod, words)
        await asyncio.sleep(0.2)
        await rows.close()

    said: list[str] = []
    asyncio.run(main())
    ledger.record(record(verdict="succeeded", finished_at=dt.datetime.now(dt.UTC)))

    assert said == ["It waits for a node: 3 of 3 nodes lack memory.", "It runs on node-a."]
    assert ledger.last(1)[0].sentence == ""


def test_a_ledger_that_fails_stops_no_step() -> None:
    """An opened row that cannot be written is a line in the log."""

    async def store(each: AttemptRecord) -> None:
        raise OSError(each.step)

    async def main() -> None:
        rows, pod = OpenRows(store), pod_of(plan_of(), 0, 1)
        pod["metadata"]["uid"] = "u1"
        pod["status"] = {}
        rows.notice(context(), pod)
        await asyncio.sleep(0)
        await rows.close()

    asyncio.run(main())


def test_what_nobody_saw_end_is_unknown_and_not_missing(tmp_path: Path) -> None:
    """A row is ended when its try is over, of this Airflow, and without a pod; no other is."""
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    lately = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    for try_id in (OURS, THEIRS, RUNNING, PODDED):
        ledger.record(record(try_id=try_id, recorded_at=lately))
    ledger.record(record(try_id=FORGOTTEN, recorded_at=LONG_AGO))

    async def store(each: AttemptRecord) -> None:
        ledger.record(each)

    async def alive(asked: frozenset[str]) -> frozenset[str]:
        return asked & {RUNNING}

    async def known(asked: frozenset[str]) -> frozenset[str]:
        return asked - {THEIRS, FORGOTTEN}

    rows = ledger.open_attempts(dt.datetime.now(dt.UTC))
    with_pods = frozenset({PODDED})
    asyncio.run(close_lost(rows, store, with_pods=with_pods, alive=alive, known=known))

    verdicts = {each.try_id: each.verdict for each in ledger.last(9)}
    assert [verdicts[each] for each in (OURS, FORGOTTEN)] == ["unknown", "unknown"]
    assert [verdicts[each] for each in (THEIRS, RUNNING, PODDED)] == [None, None, None]
    [ended] = ledger.attempts_of_try(OURS)
    assert "Nobody saw how attempt 1 of morning_analytics.extract_web ended" in ended.sentence


def test_the_launcher_keeps_the_ledger_in_order(tmp_path: Path) -> None:
    """It ends a row that nobody else will, writes down the nodes, and sums up the days."""
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    ledger.record(record(try_id=OURS, recorded_at=LONG_AGO))

    async def store(each: AttemptRecord) -> None:
        ledger.record(each)

    async def nobody(_: frozenset[str]) -> frozenset[str]:
        return frozenset()

    async def everybody(asked: frozenset[str]) -> frozenset[str]:
        return asked

    async def main() -> None:
        async with FakeCluster() as fake:
            fake.nodes.append(NODE)
            settings = Settings(kubernetes_url=fake.url, steps_namespace="life")
            async with StepsPlatform(settings, store, ledger) as platform:
                await platform.close_lost(nobody, everybody)
                await platform.sum_up()
                await fake.machines.watched.wait()

    asyncio.run(main())

    assert [each.verdict for each in ledger.attempts_of_try(OURS)] == ["unknown"]
    [life] = ledger.lives_between(LONG_AGO, dt.datetime.now(dt.UTC))
    assert (life.name, life.end) == ("node-a", None)
    assert ledger.select(lambda _: sa.select(rolled_day))


def test_a_word_that_comes_late_replaces_unknown(tmp_path: Path) -> None:
    """A recorder's file that is replayed days later still tells how the attempt ended."""
    ledger = Ledger.open(f"sqlite:///{tmp_path}/ledger.db")
    ledger.record(record(verdict="unknown", recorded_at=LONG_AGO + dt.timedelta(days=2)))

    assert ledger.record(record(verdict="succeeded", recorded_at=LONG_AGO)) == "succeeded"


def test_a_pod_whose_context_cannot_be_read_is_recorded_by_its_labels() -> None:
    """A pod of another protocol version leaves a row all the same."""
    told = context(shard={"index": 1, "count": 3}, try_number=2, attempt=4)
    pod = {
        "metadata": {"name": "p", "uid": "u", "namespace": "n", "labels": labels_of(told)},
        "spec": {"containers": [{"name": "base", "env": []}]},
        "status": {"phase": "Running"},
    }

    found = record_of_pod(pod)

    assert found is not None
    assert (found.key, found.try_number, found.shards) == ((told.try_id, 1, 4), 2, 3)
    assert (found.pipeline, found.step, found.business_date) == (
        *(told.pipeline, told.step, told.business_date),
    )
    assert record_of_pod({**pod, "metadata": {"name": "p", "uid": "u"}}) is None
