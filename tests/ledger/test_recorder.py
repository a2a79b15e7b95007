"""The launcher's recorder, with a database that stops, hangs and refuses."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from stationmaster.ledger.recorder import Recorder
from stationmaster.ledger.records import AttemptRecord
from stationmaster.ledger.store import Ledger
from tests.ledger.attempts import record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.postgres_server import PostgresServer


@pytest.fixture
def on_postgres(own_postgres: PostgresServer) -> Iterator[Ledger]:
    """Return a ledger on a server that the test may stop."""
    ledger = Ledger.open(own_postgres.new_database())
    ledger.migrate()
    yield ledger
    ledger.close()


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """Return where a recorder keeps what the database does not take."""
    return tmp_path / "spool" / "ledger.jsonl"


async def until(condition: Callable[[], object]) -> None:
    """Wait for what must happen; the test's own time limit is the limit."""
    while not condition():  # noqa: ASYNC110 (a file and a log have no event)
        await asyncio.sleep(0.05)


def test_two_thousand_attempts_take_few_transactions(ledger: Ledger, spool: Path) -> None:
    """Attempts that end together are written together, and each caller returns when stored."""

    async def run() -> int:
        async with Recorder(ledger, spool) as recorder:
            records = [record(shard=n, verdict="succeeded") for n in range(2000)]
            await asyncio.gather(*(recorder.record(each) for each in records))
            assert recorder.counts.records == 2000
            return recorder.counts.transactions

    assert asyncio.run(run()) <= 20
    assert len(ledger.last(5000)) == 2000


def test_a_stopped_database_loses_no_record(
    own_postgres: PostgresServer, on_postgres: Ledger, spool: Path
) -> None:
    """Records wait while the server is down, and are stored when it is back."""
    said: list[str] = []

    async def run() -> None:
        async with Recorder(on_postgres, spool, say=said.append) as recorder:
            await recorder.record(record())
            own_postgres.stop()
            calls = [asyncio.create_task(recorder.record(record(shard=n))) for n in range(1, 50)]
            await until(lambda: said)
            assert not any(call.done() for call in calls)
            own_postgres.start()
            await asyncio.gather(*calls)

    asyncio.run(run())

    assert len(on_postgres.last(99)) == 50
    assert "has not answered" in said[0]
    assert "answers again" in said[-1]


def test_a_claim_that_cannot_be_true_is_counted_and_said(ledger: Ledger, spool: Path) -> None:
    """The log names the attempt, the field, what was told and why it was left out."""
    said: list[str] = []
    lie = {"rows_read": {"told": -7, "why": "is negative"}}

    async def run() -> int:
        async with Recorder(ledger, spool, say=said.append) as recorder:
            await recorder.record(record(verdict="succeeded", doubted=lie))
            return recorder.counts.doubted

    assert asyncio.run(run()) == 1
    assert "morning_analytics.extract_web" in said[0]
    assert "rows_read -7 is negative" in said[0]


def test_who_waits_too_long_goes_to_the_file_and_from_there_to_the_ledger(
    own_postgres: PostgresServer, on_postgres: Ledger, spool: Path
) -> None:
    """With the patience over callers go on; the file is written when the server is back."""

    async def run() -> None:
        async with Recorder(on_postgres, spool, patience_seconds=0) as recorder:
            own_postgres.stop()
            await asyncio.gather(*(recorder.record(record(shard=n)) for n in range(20)))
            assert recorder.counts.spooled == 20
            own_postgres.start()
            await until(lambda: not spool.exists())

    asyncio.run(run())

    assert len(on_postgres.last(99)) == 20


def test_one_too_many_goes_to_the_file(
    own_postgres: PostgresServer, on_postgres: Ledger, spool: Path
) -> None:
    """The queue is bounded: the oldest above the limit go to the file, the others wait on."""

    async def run() -> None:
        async with Recorder(on_postgres, spool, most_waiting=5) as recorder:
            own_postgres.stop()
            calls = [asyncio.create_task(recorder.record(record(shard=n))) for n in range(20)]
            await until(lambda: recorder.counts.spooled == 15)
            assert sum(call.done() for call in calls) <= 15
            own_postgres.start()
            await asyncio.gather(*calls)
            await until(lambda: not spool.exists())

    asyncio.run(run())

    assert len(on_postgres.last(99)) == 20


def test_a_hanging_database_stops_neither_the_loop_nor_the_end(
    own_postgres: PostgresServer, on_postgres: Ledger, spool: Path
) -> None:
    """A server that takes connections and never answers costs no tick and no record."""
    on_postgres.record(record())
    ticks = []

    async def run() -> None:
        with own_postgres.frozen():
            async with Recorder(on_postgres, spool, answer_seconds=0.5) as recorder:
                call = asyncio.create_task(recorder.record(record(shard=1)))
                for _ in range(10):
                    await asyncio.sleep(0.1)
                    ticks.append(call.done())

    asyncio.run(run())

    assert ticks == [False] * 10
    assert AttemptRecord.model_validate_json(spool.read_text(encoding="utf-8")).shard == 1


def test_a_restarted_recorder_writes_what_the_last_one_left(ledger: Ledger, spool: Path) -> None:
    """The file of a killed process is read at the start, but for its torn last line."""
    spool.parent.mkdir()
    whole = record(verdict="evicted").model_dump_json()
    spool.write_text(f"{whole}\n{whole[:99]}", encoding="utf-8")

    async def run() -> None:
        async with Recorder(ledger, spool):
            await until(lambda: not spool.exists())

    asyncio.run(run())

    assert [each.verdict for each in ledger.last(9)] == ["evicted"]
    refused = spool.with_name("ledger.jsonl.refused").read_text(encoding="utf-8")
    assert refused.splitlines()[1] == whole[:99]


def test_a_record_that_no_database_takes_stops_no_other(ledger: Ledger, spool: Path) -> None:
    """One that breaks a rule of the table is put aside and reported; the others are stored."""
    said: list[str] = []
    records = [record(shard=n) for n in range(5)]
    broken = records[2].model_copy(update={"pipeline": None})

    async def run() -> None:
        async with Recorder(ledger, spool, say=said.append) as recorder:
            calls = [recorder.record(each) for each in [*records[:2], broken, *records[3:]]]
            await asyncio.gather(*calls)

    asyncio.run(run())

    assert sorted(each.shard for each in ledger.last(9)) == [0, 1, 3, 4]
    assert "does not take" in said[0]
    assert "null" in spool.with_name("ledger.jsonl.refused").read_text(encoding="utf-8").lower()


def test_a_cancelled_caller_leaves_its_record(ledger: Ledger, spool: Path) -> None:
    """A step that is let go while it records is recorded all the same."""

    async def run() -> None:
        async with Recorder(ledger, spool) as recorder:
            call = asyncio.create_task(recorder.record(record()))
            await asyncio.sleep(0)
            call.cancel()
            await asyncio.wait({call})

    asyncio.run(run())

    assert len(ledger.last(9)) == 1


def test_a_ledger_without_tables_keeps_its_records_waiting(postgres_uri: str, spool: Path) -> None:
    """A migration that comes late finds the records of before it."""
    said: list[str] = []
    late = Ledger.open(postgres_uri)

    async def run() -> None:
        async with Recorder(late, spool, say=said.append) as recorder:
            call = asyncio.create_task(recorder.record(record()))
            await until(lambda: said)
            await asyncio.to_thread(late.migrate)
            await call

    asyncio.run(run())

    assert "stationmaster ledger migrate" in said[0]
    assert len(late.last(9)) == 1


def test_a_contradiction_is_reported(ledger: Ledger, spool: Path) -> None:
    """Whoever reads the log learns which verdict stands and which was told later."""
    said: list[str] = []

    async def run() -> None:
        async with Recorder(ledger, spool, say=said.append) as recorder:
            await recorder.record(record(verdict="succeeded"))
            await recorder.record(record(verdict="pod_deleted"))

    asyncio.run(run())

    [sentence] = said
    assert sentence.endswith("told to be pod_deleted: succeeded stands.")


def test_a_recorder_that_was_left_takes_no_record(ledger: Ledger, spool: Path) -> None:
    """A record that nobody would write is an error at once, not a wait without end."""

    async def run() -> None:
        async with Recorder(ledger, spool) as recorder:
            pass
        with pytest.raises(RuntimeError, match="async with"):
            await recorder.record(record())

    asyncio.run(run())
