"""Lines on their way to the log store: bounded, never waiting for it, gaps named.

A spool belongs to one source (one attempt of one shard, say). Whoever writes adds bytes and goes
on at once. An uploader takes them away, by `flush`, from a thread that may hang.
"""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stationmaster.step.logs.format import CONTROL, Gap, control_line, escape, object_name
from stationmaster.step.logs.segment import Segment, SpoolLimits, Written, joined

if TYPE_CHECKING:
    from pydantic import JsonValue

    from stationmaster.step.logs.format import LogHead
    from stationmaster.step.logs.store import LogStore

__all__ = ["LogSpool"]

_MARK_MS: Final = 50
"""How exactly a line's time is kept."""

_CUT: Final = b"\n" + control_line(cut=True)

_NO_ANSWER: Final = "the log store did not answer"


class LogSpool:
    """Take lines in and hand them to the store in order, in objects that grow.

    Args:
        store: Where the objects go.
        folder: Their folder in the store.
        head: Whose lines they are.
        limits: How much waits where.
    """

    def __init__(
        self, store: LogStore, folder: str, head: LogHead, limits: SpoolLimits | None = None
    ) -> None:
        self._store = store
        self._folder = folder
        self._head = head
        self._limits = limits or SpoolLimits()
        self._lock = threading.Lock()
        self._flushing = threading.Lock()
        self._full: deque[Segment] = deque()
        self._open = Segment()
        self._gap: Gap | None = None
        self._sequence = 0
        self._at_line_start = True
        self._mark_ms = 0
        self._in_line = False
        """What the store has ends in the middle of a line."""
        self._ended = False
        self._left = False
        self._complete = False
        self._oldest: float | None = None
        self._spill: tempfile.TemporaryDirectory[str] | None = None

    def add(self, data: bytes, at: float | None = None) -> None:
        """Take bytes in; callable from any thread, returns at once.

        Args:
            data: Whole lines, or pieces of them.
            at: When they were written, in seconds since 1970; now by default.
        """
        if not data:
            return
        at_ms = int((time.time() if at is None else at) * 1000)
        with self._lock:
            view = escape(data, at_line_start=self._at_line_start)
            for start in range(0, len(view), self._limits.part_bytes):
                self._append(view[start : start + self._limits.part_bytes], at_ms)

    def note(self, **fields: JsonValue) -> None:
        """Put a control line of the writer's own between two lines; readers of lines skip it."""
        with self._lock:
            if self._at_line_start:
                self._put(self._open, control_line(**fields))

    def add_gap(self, gap: Gap) -> None:
        """Name lines that the writer itself could not get."""
        with self._lock:
            if not self._at_line_start:
                self._append(b"\n", gap.last_ms)
            self._put(self._open, gap.line())

    def end(self) -> None:
        """Say that nothing will follow; `flush` writes that down too."""
        with self._lock:
            if not self._ended:
                self._ended = True
                if not self._at_line_start:
                    self._append(b"\n", self._mark_ms)
                self._put(self._open, control_line(last=True))

    def leave(self) -> None:
        """Let `flush` write what is here now, without an end: another writer goes on."""
        with self._lock:
            self._left = True
            self._complete = self._complete or not (self._full or self._open.size)

    @property
    def waiting_bytes(self) -> int:
        """Return how much is not in the store yet."""
        with self._lock:
            return self._open.size + sum(each.size for each in self._full)

    @property
    def complete(self) -> bool:
        """Tell whether all there is, the end included, is in the store."""
        return self._complete

    def due(self) -> bool:
        """Tell whether there is something to write by now."""
        with self._lock:
            if self._full or self._ended or self._left:
                return True
            return self._oldest is not None and (
                time.monotonic() - self._oldest >= self._limits.flush_seconds
            )

    def flush(self) -> None:
        """Write one object; blocks as long as the store does.

        Raises:
            OSError: The store did not take it; it is still here.
        """
        with self._flushing:
            written = self._next_object()
            if written is None:
                return
            try:
                self._store.put(f"{self._folder}/{object_name(self._sequence)}", written.body)
            except BaseException:
                with self._lock:
                    self._gap = joined(written.gap, self._gap)
                raise
            with self._lock:
                self._accept(written)

    def discard(self) -> None:
        """Remove the files of what still waits."""
        with self._lock:
            if self._spill is not None:
                self._spill.cleanup()
                self._spill = None

    def _append(self, data: bytes, at_ms: int) -> None:
        segment = self._open
        segment.lines += data.count(b"\n")
        if at_ms - self._mark_ms >= _MARK_MS or at_ms < self._mark_ms or not segment.size:
            data = self._marked(data, at_ms)
        segment.first_ms = segment.first_ms or at_ms
        segment.last_ms = at_ms
        self._put(segment, data)
        self._at_line_start = data.endswith(b"\n")
        if segment.size >= self._limits.part_bytes:
            self._close_segment()

    def _marked(self, data: bytes, at_ms: int) -> bytes:
        """Write the time before the first line that begins in here."""
        mark = control_line(at=at_ms)
        if self._at_line_start:
            self._mark_ms = at_ms
            return mark + data
        end = data.find(b"\n") + 1
        if not 0 < end < len(data):
            return data
        self._mark_ms = at_ms
        return data[:end] + mark + data[end:]

    def _put(self, segment: Segment, data: bytes) -> None:
        segment.waiting += data
        segment.size += len(data)
        self._oldest = self._oldest if self._oldest is not None else time.monotonic()

    def _close_segment(self) -> None:
        """Let a new object begin, and keep what waits within its bounds."""
        if not self._at_line_start:
            self._put(self._open, _CUT)
        self._full.append(self._open)
        self._open = Segment()
        waiting = sum(each.size for each in self._full if each.file is None)
        if waiting > self._limits.memory_bytes:
            self._move_to_disk(self._full[-1])
        while len(self._full) > 1 and sum(each.size for each in self._full) > self._bound:
            self._give_up_oldest()

    @property
    def _bound(self) -> int:
        return self._limits.memory_bytes + self._limits.disk_bytes

    def _move_to_disk(self, segment: Segment) -> None:
        if not self._limits.disk_bytes:
            return
        # A full disk leaves it in memory, within the bound of both.
        with contextlib.suppress(OSError):
            if self._spill is None:
                self._spill = tempfile.TemporaryDirectory(prefix="stationmaster-log-")
            path = Path(self._spill.name) / f"{id(segment)}"
            path.write_bytes(segment.waiting)
            segment.file = path
            segment.waiting = bytearray()

    def _give_up_oldest(self) -> None:
        # The first one may be on its way to the store right now.
        place = 1 if self._flushing.locked() else 0
        given_up = self._full[place]
        del self._full[place]
        if given_up.file is not None:
            given_up.file.unlink(missing_ok=True)
        if given_up.stored:
            self._sequence += 1
        lost = Gap(given_up.lines, given_up.first_ms, given_up.last_ms, _NO_ANSWER)
        self._gap = joined(self._gap, lost)

    def _next_object(self) -> Written | None:
        """Return what to write next: all of an object, since objects are written as a whole."""
        with self._lock:
            segment = self._full[0] if self._full else self._open
            new = bytes(segment.waiting) if segment.file is None else segment.file.read_bytes()
            if not new and self._gap is None:
                return None
            body = segment.stored or self._head.line()
            body += control_line(sent=int(time.time() * 1000))
            gap, self._gap = self._gap, None
            if gap is not None:
                body += gap.line()
            if self._in_line and new.startswith(CONTROL) and new[1:2] != b"{":
                body += CONTROL
            body += new
            cut = segment is self._open and not self._at_line_start and bool(new)
            return Written(segment, body + (_CUT if cut else b""), len(new), gap)

    def _accept(self, written: Written) -> None:
        """Take note that the store has it."""
        segment = written.segment
        self._in_line = written.body.endswith(_CUT)
        if segment is not self._open and written.taken >= segment.size:
            self._full.remove(segment)
            self._sequence += 1
        else:
            # It may have been closed meanwhile, with more in it: the rest goes the same way.
            if segment.file is not None:
                segment.waiting = bytearray(segment.file.read_bytes())
            del segment.waiting[: written.taken]
            segment.size -= written.taken
            segment.stored = written.body
            marks = segment.waiting.count(CONTROL + b"{")
            segment.lines = segment.waiting.count(b"\n") - marks
            segment.first_ms = segment.last_ms if segment.waiting else 0
            if segment is self._open and len(written.body) >= self._limits.object_bytes:
                self._seal()
        if segment.file is not None:
            segment.file.unlink(missing_ok=True)
            segment.file = None
        if not self._full and not self._open.size:
            self._oldest = None
            self._complete = self._ended or self._left
        else:
            self._oldest = time.monotonic()

    def _seal(self) -> None:
        """Let the next object begin: this one is large enough."""
        if self._open.size:
            self._close_segment()
            return
        self._open = Segment()
        self._sequence += 1
