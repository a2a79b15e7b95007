"""Read one source of a step's log (one attempt of one shard, say) from its objects, line by line.

A line's place in the whole log is decided when its chunk is sent, and never changes: its own
time, or, when the chunk came late, shortly before the time it was sent. So whoever shows lines
only up to a few seconds ago never has to put one in later, above what is shown already.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stationmaster.step.logs.format import CONTROL, LogHead, read_control

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stationmaster.step.logs.store import LogStore, StoredObject

__all__ = ["AT_END", "HOLD_MS", "ChunkSource", "LogLine"]

HOLD_MS: Final = 5000
"""Lines of a running step are shown when they are this old."""

AT_END: Final = 1 << 60
"""Place of what is known only when nothing can follow: below everything that was shown before."""

_ON_TIME_MS: Final = 3000
"""A chunk that is sent this long after a line still keeps the line's own time as its place."""

_LATE_MS: Final = 10_000
"""A line that stands this far from its time says its time."""

_LONGEST_LINE: Final = 8 << 20
"""Bytes; what is longer is shown as several lines."""


@dataclass(slots=True)
class LogLine:
    """Hold one line and its place."""

    place_ms: int
    text: bytes
    warns: bool = False
    """It is not of the log but about it."""


class ChunkSource:
    """Iterate over the lines of one source.

    Args:
        store: Where its objects are.
        objects: Its objects, in order; of each no more is read than its size said here.
        block_bytes: How much is read at a time.
        ended: The source cannot grow any more: its last line is shown even if unfinished, and
            an end without a last word is named.
    """

    def __init__(
        self, store: LogStore, objects: Sequence[StoredObject], *, block_bytes: int, ended: bool
    ) -> None:
        self._store = store
        self._objects = objects
        self._block = block_bytes
        self._ended = ended
        self._at = self._sent = self._place = 0
        self._begun: bytearray | None = None
        """A line that goes on in the next part."""
        self._begun_place = 0
        self.head: LogHead | None = None
        """Whose lines these are; known once the first line was asked for."""
        self.complete = False

    def __iter__(self) -> Iterator[LogLine]:
        line: LogLine | None = None
        for raw in self._raw_lines():
            fields = read_control(raw) if raw[:1] == CONTROL else None
            if fields is not None:
                if "cut" in fields:
                    self._begin(line)
                    line = None
                    continue
                about = self._told(fields)
                if about is None:
                    continue
                raw_line = about
            else:
                raw_line = self._finish(raw)
            if line is not None:
                yield line
            line = raw_line
            while len(line.text) > _LONGEST_LINE:
                yield LogLine(line.place_ms, line.text[:_LONGEST_LINE])
                line = LogLine(line.place_ms, line.text[_LONGEST_LINE:])
        if line is not None:
            yield line
        yield from self._rest()

    def open(self) -> LogHead | None:
        """Read whose lines these are, from the first bytes."""
        if self.head is None and self._objects:
            first = self._objects[0]
            data = self._store.get(first.key, 0, min(first.size_bytes, 4096))
            fields = read_control(data.split(b"\n", 1)[0])
            self.head = LogHead.read(fields) if fields else None
        return self.head

    def _raw_lines(self) -> Iterator[bytes]:
        expected = 0
        for each in self._objects:
            number = int(each.key.rpartition("/")[2].partition(".")[0])
            if number != expected:
                yield CONTROL + b'{"missing":true}'
            expected = number + 1
            rest = b""
            for start in range(0, each.size_bytes, self._block):
                end = min(start + self._block, each.size_bytes)
                *lines, rest = (rest + self._store.get(each.key, start, end)).split(b"\n")
                if not start and not self._ours(lines):
                    return  # an older run's, that had the same name
                yield from lines
            if rest:
                yield rest

    def _ours(self, lines: list[bytes]) -> bool:
        fields = read_control(lines[0]) if lines else None
        head = LogHead.read(fields) if fields else None
        if self.head is None:
            self.head = head
        return head is None or self.head is None or head.try_id == self.head.try_id

    def _begin(self, line: LogLine | None) -> None:
        """Keep a line that goes on."""
        if line is not None:
            self._begun = bytearray(line.text)
            self._begun_place = line.place_ms

    def _finish(self, raw: bytes) -> LogLine:
        if raw[:2] == CONTROL + CONTROL:
            raw = raw[1:]
        if self._begun is not None:
            self._begun += raw
            text, self._begun = bytes(self._begun), None
            return LogLine(self._begun_place, text)
        late = self._sent - _ON_TIME_MS
        if late > self._at + _LATE_MS and self._at:
            raw = f"({_clock(self._at)}) ".encode() + raw
        return LogLine(self._next_place(), raw)

    def _next_place(self) -> int:
        self._place = max(self._place, self._at, self._sent - _ON_TIME_MS)
        return self._place

    def _told(self, fields: dict[str, object]) -> LogLine | None:
        """Take in what a control line says; return a line that is to be shown for it."""
        for name in ("at", "sent"):
            value = fields.get(name)
            if isinstance(value, int):
                setattr(self, f"_{name}", value)
        if "last" in fields:
            self.complete = True
        gap = fields.get("gap")
        if isinstance(gap, dict):
            return LogLine(self._next_place(), _gap_sentence(gap).encode(), warns=True)
        if "missing" in fields:
            text = b"... a piece of this log is missing in the log store"
            return LogLine(self._next_place(), text, warns=True)
        return None

    def _rest(self) -> Iterator[LogLine]:
        if not (self._ended or self.complete):
            return
        if self._begun is not None:
            yield LogLine(AT_END, bytes(self._begun))
        if not self.complete and self.head is not None and self.head.source != "platform":
            text = (
                b"... this log ends without a last word: what was printed in the 2 seconds "
                b"before the end may be missing"
            )
            yield LogLine(AT_END, text, warns=True)


def _gap_sentence(gap: dict[str, object]) -> str:
    lines, first, last = gap.get("lines"), gap.get("first_ms"), gap.get("last_ms")
    count = f"{lines:,} lines were" if isinstance(lines, int) and lines else "lines may have been"
    begin = _clock(first) if isinstance(first, int) else "?"
    end = _clock(last) if isinstance(last, int) else "?"
    verb = f"{count} lost" if count.startswith("lines") else f"{count} not kept"
    return f"... {verb}: {gap.get('reason')} from {begin} to {end} (UTC)"


def _clock(moment_ms: int) -> str:
    return f"{dt.datetime.fromtimestamp(moment_ms / 1000, tz=dt.UTC):%H:%M:%S}"
