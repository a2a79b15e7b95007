"""Lines on their way to the log store."""

from __future__ import annotations

import datetime as dt
import time
from typing import IO, TYPE_CHECKING

import pytest

from stationmaster.airflow.logs.chunklines import ChunkSource
from stationmaster.step.logs.format import LogHead
from stationmaster.step.logs.segment import SpoolLimits
from stationmaster.step.logs.spool import LogSpool
from stationmaster.step.logs.store import FolderStore

if TYPE_CHECKING:
    from pathlib import Path

SMALL = SpoolLimits(part_bytes=1000, object_bytes=500, memory_bytes=3000, disk_bytes=4000)


class MoodyStore(FolderStore):
    """A folder that fails while it is told to."""

    away = False

    def put(self, key: str, data: bytes | IO[bytes]) -> None:
        """Write, or fail."""
        if self.away:
            message = "the store is away"
            raise OSError(message)
        super().put(key, data)


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> MoodyStore:
    return MoodyStore(tmp_path / "store")


@pytest.fixture(name="spool")
def _spool(store: MoodyStore) -> LogSpool:
    return LogSpool(store, "a", LogHead(try_id="t"), SMALL)


def drain(spool: LogSpool) -> None:
    """Write all that waits."""
    while spool.waiting_bytes:
        spool.flush()


def read(store: FolderStore, *, ended: bool = True) -> list[str]:
    """Return the lines that the store has."""
    source = ChunkSource(store, store.list("a"), block_bytes=700, ended=ended)
    return [line.text.decode() for line in source]


def test_lines_come_back_as_they_were(store: MoodyStore, spool: LogSpool) -> None:
    """Empty lines, lines with control characters, a last line without an end."""
    texts = ["", "plain", "\x1e{", '\x1e{"last":true}', "\x1e\x1ex", "é" * 300, "", "no end"]
    for text in texts[:-1]:
        spool.add(f"{text}\n".encode())
        spool.flush()
    spool.add(texts[-1].encode())
    spool.end()
    drain(spool)

    assert read(store) == texts
    assert spool.complete


def test_a_line_cut_anywhere_comes_back_whole(store: MoodyStore, spool: LogSpool) -> None:
    """Writes and flushes in the middle of a line, and lines longer than an object."""
    line = "".join(f"{number:04d}" for number in range(1000))
    for start in range(0, len(line), 37):
        spool.add(line[start : start + 37].encode())
        if start % 3 == 0:
            spool.flush()
    spool.add(b"\nnext\n")
    spool.end()
    drain(spool)

    assert read(store) == [line, "next"]
    assert len(store.list("a")) > 3


def test_an_unfinished_line_is_not_shown_before_it_is_complete(
    store: MoodyStore, spool: LogSpool
) -> None:
    """A reader never sees a line that changes later; when nothing can follow, it is shown."""
    spool.add(b"one\ntw")
    spool.flush()

    assert read(store, ended=False) == ["one"]
    assert read(store, ended=True)[:2] == ["one", "tw"]
    spool.add(b"o\n")
    spool.flush()
    assert read(store, ended=False) == ["one", "two"]


def test_an_object_grows_until_it_is_large_enough(store: MoodyStore, spool: LogSpool) -> None:
    """A step that says little does not leave an object for every line."""
    for number in range(20):
        spool.add(f"line {number}\n".encode())
        spool.flush()

    assert 1 < len(store.list("a")) < 10


def test_what_is_written_is_never_written_differently(store: MoodyStore, spool: LogSpool) -> None:
    """An object that grows keeps its beginning, so that readers may read it in pieces."""
    spool.add(b"one\n")
    spool.flush()
    before = store.get("a/000000.log")
    spool.add(b"two\n")
    spool.flush()

    assert store.get("a/000000.log").startswith(before)


def test_lines_wait_while_the_store_is_away(store: MoodyStore, spool: LogSpool) -> None:
    """Up to the bounds, in memory and in files, nothing is lost, and the files go."""
    store.away = True
    for number in range(300):
        spool.add(f"line {number:04d}\n".encode())
    with pytest.raises(OSError, match="away"):
        spool.flush()
    store.away = False
    spool.end()
    drain(spool)

    assert read(store) == [f"line {number:04d}" for number in range(300)]


def test_what_does_not_fit_is_counted_and_named(store: MoodyStore, spool: LogSpool) -> None:
    """Beyond the bounds the oldest lines go; the log says how many, and from when to when."""
    now = int(time.time())
    spool.add(b"before\n", at=now - 60)
    spool.flush()
    store.away = True
    for number in range(2000):
        spool.add(f"line {number:04d}\n".encode(), at=now + number / 1000)
        if number % 100 == 0:
            with pytest.raises(OSError, match="away"):
                spool.flush()
    store.away = False
    spool.end()
    drain(spool)

    lines = read(store)
    numbers = [int(line[5:]) for line in lines if line.startswith("line ")]
    gap = next(line for line in lines if line.startswith("..."))
    first = f"{dt.datetime.fromtimestamp(now, dt.UTC):%H:%M:%S}"
    assert numbers == list(range(2000 - len(numbers), 2000))
    assert 100 < len(numbers) < 1000
    assert gap.startswith(f"... {2000 - len(numbers):,} lines were not kept: the log store did not")
    assert f"from {first} to " in gap


def test_a_full_disk_loses_no_more_than_the_bound(store: MoodyStore) -> None:
    """Where no file can be written, what waits stays in memory, within both bounds."""
    limits = SpoolLimits(part_bytes=1000, memory_bytes=3000, disk_bytes=0)
    spool = LogSpool(store, "a", LogHead(try_id="t"), limits)
    store.away = True
    for number in range(2000):
        spool.add(f"line {number:04d}\n".encode())

    assert spool.waiting_bytes < 5000
