"""The size of a step's next run, looked up in a real ledger and written down there."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from stationmaster.ledger.engine import make_engine
from stationmaster.ledger.models import applied_size
from stationmaster.ledger.sizing.applying import Mode
from stationmaster.ledger.sizing.book import SizeBook
from stationmaster.ledger.sizing.observations import PRESET_RUNS
from stationmaster.ledger.sizing.reading import StepKey
from stationmaster.ledger.sizing.recommending import Limits
from stationmaster.ledger.store import Ledger
from tests.databases import with_tables
from tests.ledger.attempts import record

if TYPE_CHECKING:
    from pathlib import Path

MIB = 2**20
KEY = StepKey("morning_analytics", "extract_web", "extract-web")


@pytest.fixture
def uri(tmp_path: Path) -> str:
    """Return the URI of a ledger with its tables."""
    return with_tables(f"sqlite:///{tmp_path}/ledger.db")


def remember(uri: str, *peaks_mib: int, verdict: str = "succeeded", asked_mib: int = 1024) -> None:
    """Record a run of the step for each peak."""
    ledger, now = Ledger.open(uri), dt.datetime.now(dt.UTC)
    ledger.record_all(
        record(
            recorded_at=now - dt.timedelta(hours=len(peaks_mib) - number),
            queued_at=now - dt.timedelta(hours=len(peaks_mib) - number),
            verdict=verdict,
            peak_memory_bytes=peak * MIB,
            asked_memory_bytes=asked_mib * MIB,
            wall_seconds=60.0,
        ).model_copy(update={"try_id": f"{verdict}-{number}"})
        for number, peak in enumerate(peaks_mib)
    )
    ledger.close()


def test_asking_for_a_size_needs_no_data_frames() -> None:
    """The launcher asks for each step's size, which data frames would make 50 MiB bigger."""
    script = "import sys, stationmaster.ledger.sizing.book; print('polars' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "False"


def test_a_step_without_a_history_gets_what_it_declares(uri: str) -> None:
    """The first runs have the declared size, in every mode, and nothing is written down."""
    for mode in Mode:
        book = SizeBook(make_engine(uri), mode)
        assert book.size_for(KEY, 1024 * MIB, 500).memory_bytes == 1024 * MIB
    with make_engine(uri).connect() as connection:
        assert connection.execute(sa.select(applied_size)).all() == []


def test_recommending_leaves_the_declared_size_and_says_better(uri: str) -> None:
    """By default a step keeps its size, and the reason for its log names the better one."""
    remember(uri, *[200] * 30)
    given = SizeBook(make_engine(uri)).size_for(KEY, 1024 * MIB, 500)
    assert given.memory_bytes == 1024 * MIB
    assert "would do" in given.why


def test_applying_gives_less_by_steps_and_writes_it_down(uri: str) -> None:
    """A step that uses a fifth of its memory gets less, a step a day, once in the ledger."""
    remember(uri, *[200] * 30)
    book = SizeBook(make_engine(uri), Mode.APPLY)
    first, second = (book.size_for(KEY, 1024 * MIB, 500) for _ in range(2))
    assert 0.79 * 1024 * MIB < first.memory_bytes < 0.81 * 1024 * MIB
    assert second.memory_bytes == first.memory_bytes
    with make_engine(uri).connect() as connection:
        (row,) = connection.execute(sa.select(applied_size)).mappings()
    assert (row["memory_bytes"], row["mode"]) == (first.memory_bytes, "apply")
    assert row["declared_memory_bytes"] == 1024 * MIB


@pytest.mark.parametrize("mode", list(Mode))
def test_what_proved_too_small_is_not_given_again(uri: str, mode: Mode) -> None:
    """After an out-of-memory the next run starts above it, whatever the mode."""
    remember(uri, 1024, verdict="out_of_memory")
    given = SizeBook(make_engine(uri), mode).size_for(KEY, 1024 * MIB, 500)
    assert given.memory_bytes > 1024 * MIB
    assert "proved too small" in given.why


def test_no_size_is_beyond_the_largest_node(uri: str) -> None:
    """What no node can hold is not asked for: the step would wait for ever."""
    remember(uri, 1024, verdict="out_of_memory")
    limits = Limits(node_bytes=1024 * MIB)
    assert (
        SizeBook(make_engine(uri), Mode.APPLY, limits).size_for(KEY, 1024 * MIB, None).memory_bytes
        == 1024 * MIB
    )


def remember_steps(uri: str, count: int, runs: int = 12) -> list[StepKey]:
    """Record runs of several steps of the pipeline, in two classes of parameters each."""
    ledger, now = Ledger.open(uri), dt.datetime.now(dt.UTC)
    rows = [
        record(
            recorded_at=now - dt.timedelta(hours=runs - number),
            queued_at=now - dt.timedelta(hours=runs - number),
            verdict="succeeded",
            parameter_class=kind,
            peak_memory_bytes=(200 + number % 3) * MIB,
            asked_memory_bytes=1024 * MIB,
            wall_seconds=60.0,
        ).model_copy(update={"try_id": f"{step}-{kind}-{number}", "step": f"step_{step}"})
        for step in range(count)
        for kind in ("a", "b")
        for number in range(runs)
    ]
    ledger.record_all(rows)
    ledger.roll_up()
    ledger.close()
    return [KEY._replace(step=f"step_{step}", parameter_class="a") for step in range(count)]


def counted(engine: sa.Engine) -> list[str]:
    """Return a list that grows by each question to the database."""
    asked: list[str] = []

    @sa.event.listens_for(engine, "before_cursor_execute")
    def _count(*told: object) -> None:
        asked.extend([str(told[2])] if "FROM" in str(told[2]) else [])

    return asked


def test_steps_of_one_moment_are_read_together(uri: str) -> None:
    """Forty announced steps are three reads of sixteen, each two questions; none is asked twice."""
    keys = remember_steps(uri, 40)
    engine = make_engine(uri)
    book, asked = SizeBook(engine), counted(engine)
    for key in keys:
        book.expect(key.pipeline, key.step)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda key: book.size_for(key, 1024 * MIB, 500), keys))
        again = list(threads.map(lambda key: book.size_for(key, 1024 * MIB, 500), keys))
    assert found == again
    assert found == [SizeBook(make_engine(uri)).size_for(key, 1024 * MIB, 500) for key in keys]
    assert len(asked) == 6


def test_a_ledger_that_is_away_is_not_asked_by_each_step(tmp_path: Path) -> None:
    """Of fifty steps that start while it is away one waits for it; the others hear at once."""
    engine = make_engine(f"sqlite:///{tmp_path}/none/ledger.db")
    book, tried = SizeBook(engine), []
    sa.event.listen(engine, "do_connect", lambda *_: tried.append("tried"))
    for number in range(50):
        with pytest.raises(sa.exc.SQLAlchemyError):
            book.size_for(KEY._replace(step=f"step_{number}"), 1024 * MIB, 500)
    assert len(tried) == 1


def test_a_book_learns_what_other_steps_taught(uri: str) -> None:
    """Steps that never exceeded their peaks let a young one have less room above its own."""
    remember_steps(uri, 30, runs=60)
    remember(uri, *[3000, 3010, 3005, 3001, 3007, 3003])
    alone, taught = SizeBook(make_engine(uri)), SizeBook(make_engine(uri))
    taught.learn()
    room = [
        float(book.size_for(KEY, 8192 * MIB, 500).why.split(" times ")[1].split(":")[0])
        for book in (alone, taught)
    ]
    assert taught.pool.sized_runs == 60 * (60 - PRESET_RUNS)
    assert room[1] < room[0]


def test_learning_is_once_an_hour_and_holds_up_nobody(uri: str) -> None:
    """A step is sized by what is known; the pool comes a moment later, and stays."""
    keys = remember_steps(uri, 3)
    book = SizeBook(make_engine(uri), learns=True)
    book.size_for(keys[0], 1024 * MIB, 500)
    for thread in threading.enumerate():
        if thread.name == "sizes":
            thread.join(20)
    learnt = book.pool
    book.size_for(keys[1], 1024 * MIB, 500)
    assert learnt.sized_runs == 6 * (12 - PRESET_RUNS)
    assert book.pool is learnt
    assert not any(thread.name == "sizes" for thread in threading.enumerate())
