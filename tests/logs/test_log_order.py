"""The lines of all attempts and shards, in one order that never changes."""

from __future__ import annotations

import itertools
import json
import time
from typing import TYPE_CHECKING

import pytest

from stationmaster.airflow.logs.remote import StepLogIO
from stationmaster.step.logs.format import LogHead, source_folder
from stationmaster.step.logs.spool import LogSpool
from stationmaster.step.logs.store import FolderStore
from tests.logs.shown import Row, shown_lines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATH = "dag_id=d/run_id=r/task_id=t/attempt=1.log"


@pytest.fixture(name="reader")
def _reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StepLogIO:
    monkeypatch.setenv("STATIONMASTER_LOGS", str(tmp_path))
    return StepLogIO("/nonexistent")


@pytest.fixture(name="spool_of")
def _spool_of(tmp_path: Path) -> Callable[..., LogSpool]:
    """Open the spool of one attempt of one shard."""

    def make(
        attempt: int, shard: int = 0, shards: int = 1, *, try_id: str = "t", name: str = PATH
    ) -> LogSpool:
        head = LogHead(try_id=try_id, shard=shard, shards=shards, attempt=attempt)
        return LogSpool(FolderStore(tmp_path), source_folder(name, shard, attempt), head)

    return make


def written(spool: LogSpool, *lines: tuple[float, str]) -> None:
    """Write lines with their times, and let the store have them."""
    for at, text in lines:
        spool.add(f"{text}\n".encode(), at)
    spool.flush()


def test_attempts_and_shards_say_who_they_are(
    reader: StepLogIO, spool_of: Callable[..., LogSpool]
) -> None:
    """Lines of several pods are in time order, each with its attempt and shard."""
    now = time.time() - 60
    written(spool_of(1, 0, 2), (now + 1, "a"), (now + 3, "c"))
    written(spool_of(1, 1, 2), (now + 2, "b"))
    written(spool_of(2, 1, 2), (now + 4, "d"))
    lines = [line for line in shown_lines(reader, PATH, "t") if "..." not in line]

    # What is sent a minute late keeps its place in the order of its own source.
    assert sorted(line.rsplit(" ", 1)[1] for line in lines) == ["a", "b", "c", "d"]
    assert lines[-1].startswith("[attempt 2, shard 2 of 2] ")
    assert sum(line.startswith("[attempt 1, shard 1 of 2] ") for line in lines) == 2


def test_fresh_lines_of_several_shards_are_in_time_order(
    reader: StepLogIO, spool_of: Callable[..., LogSpool]
) -> None:
    """Shards that write in turns are read in turns."""
    now = time.time()
    one, two = spool_of(1, 0, 2), spool_of(1, 1, 2)
    written(two, (now - 1.8, "b"), (now - 1.4, "d"))
    written(one, (now - 2.0, "a"), (now - 1.6, "c"))

    lines = [line for line in shown_lines(reader, PATH, "t") if "..." not in line]
    assert [line[-1] for line in lines] == ["a", "b", "c", "d"]


def test_every_line_has_a_time_of_its_own(
    reader: StepLogIO, spool_of: Callable[..., LogSpool]
) -> None:
    """Airflow drops a line that equals the one before it: none ever does."""
    spool = spool_of(1)
    spool.add(b"same\n" * 5000, time.time() - 10)
    spool.end()
    spool.flush()
    _, (stream,) = reader.stream(PATH, Row("t", "success"))
    stamps = [json.loads(line)["timestamp"] for line in stream]

    assert len(stamps) == 5000
    assert stamps == sorted(set(stamps))


def test_what_is_shown_never_moves(reader: StepLogIO, spool_of: Callable[..., LogSpool]) -> None:
    """While a step runs, what came late takes its place below what was shown already."""
    now = time.time()
    one, two = spool_of(1, 0, 2), spool_of(1, 1, 2)
    written(one, (now - 30, "early"), (now - 20, "second"))
    reads = [shown_lines(reader, PATH, "t", "running")]
    for number in range(4):
        written(two, (now - 25 + number, f"late {number}"))
        written(one, (time.time(), f"fresh {number}"))
        time.sleep(1)
        reads.append(shown_lines(reader, PATH, "t", "running"))
    time.sleep(5)
    reads.append(shown_lines(reader, PATH, "t", "running"))
    reads.append(shown_lines(reader, PATH, "t", "success"))

    for before, after in itertools.pairwise(reads):
        assert after[: len(before)] == before
    assert len([line for line in reads[-1] if "late" in line or "fresh" in line]) == 8


def test_a_line_that_came_late_says_its_time(
    reader: StepLogIO, spool_of: Callable[..., LogSpool]
) -> None:
    """Where the store was away for long, a line's place is not its time."""
    written(spool_of(1), (1_700_000_000, "kept aside"))

    assert "[attempt 1] (22:13:20) kept aside" in shown_lines(reader, PATH, "t")


def test_a_run_made_again_starts_afresh(
    reader: StepLogIO, spool_of: Callable[..., LogSpool]
) -> None:
    """Chunks that a deleted run of the same name left are not shown."""
    now = time.time()
    written(spool_of(2, try_id="deleted"), (now, "of the deleted run"))
    written(spool_of(1), (now, "of this run"))

    assert [line for line in shown_lines(reader, PATH, "t") if "deleted" in line] == []


def test_tries_do_not_mix(reader: StepLogIO, spool_of: Callable[..., LogSpool]) -> None:
    """The first try's log does not hold the tenth's."""
    written(spool_of(1, name=PATH.replace("attempt=1.", "attempt=10.")), (time.time(), "tenth"))
    written(spool_of(1), (time.time(), "first"))

    assert [line for line in shown_lines(reader, PATH, "t") if "tenth" in line] == []


def test_a_piece_missing_in_the_store_is_named(
    reader: StepLogIO, spool_of: Callable[..., LogSpool], tmp_path: Path
) -> None:
    """A hole in the numbers of chunks is a line in the log."""
    spool = spool_of(1)
    for letter in "abc":
        spool.add(letter.encode() * 300_000 + b"\n", time.time())
        spool.flush()
    next(tmp_path.rglob("000001.log")).unlink()

    lines = shown_lines(reader, PATH, "t")
    assert [line[12:15] for line in lines[:3]] == ["aaa", "...", "ccc"]
    assert "a piece of this log is missing" in lines[1]


def test_the_runners_own_lines_have_their_level(
    reader: StepLogIO, spool_of: Callable[..., LogSpool]
) -> None:
    """Airflow colours and filters by level; the stamp in the text is not shown twice."""
    now = time.time()
    written(spool_of(1), (now, "2026-11-22T20:46:10.123Z WARNING  a column is empty"))
    _, (stream,) = reader.stream(PATH, Row("t", "success"))
    line = json.loads(next(iter(stream)))

    assert (line["level"], line["event"]) == ("warning", "[attempt 1] a column is empty")
