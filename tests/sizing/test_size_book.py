"""The size of a step's next run, looked up in a real ledger and written down there."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from stationmaster.ledger.engine import make_engine
from stationmaster.ledger.models import applied_size
from stationmaster.ledger.sizing.applying import Mode
from stationmaster.ledger.sizing.book import SizeBook
from stationmaster.ledger.sizing.reading import StepKey
from stationmaster.ledger.sizing.recommending import Limits
from stationmaster.ledger.store import Ledger
from tests.ledger.attempts import record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MIB = 2**20
KEY = StepKey("morning_analytics", "extract_web", "extract-web")


@pytest.fixture
def uri(tmp_path: Path) -> Iterator[str]:
    """Return the URI of a ledger with its tables."""
    uri = f"sqlite:///{tmp_path}/ledger.db"
    opened = Ledger.open(uri)
    opened.migrate()
    yield uri
    opened.close()


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
