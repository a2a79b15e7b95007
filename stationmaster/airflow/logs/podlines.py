"""From a pod's log as the API gives it (each line with its time) to lines in a spool."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stationmaster.step.logs.format import Gap, LogHead, read_control

if TYPE_CHECKING:
    from stationmaster.step.logs.spool import LogSpool
    from stationmaster.step.logs.store import LogStore

__all__ = ["Before", "PodLines", "rfc3339", "seen_last"]

ROTATED: Final = "the node had rotated the pod's log (it keeps about 10 MiB), or the API was away,"
_FRACTION_DIGITS: Final = 9
_TAIL_BYTES: Final = 64 << 10


@dataclass(frozen=True)
class Before:
    """Say what is in the store of an attempt's log already."""

    runner: bool = False
    """The runner of the step keeps it."""
    stamp: str = ""
    """Time of the last line that a follower kept, as `PodLines.stamp`."""


class PodLines:
    """Cut the API's pieces into lines, skip those that were kept before, name gaps.

    Args:
        spool: Takes the lines.
        stamp: Time of the last line that was kept, with nine digits of a second; empty for none.
    """

    def __init__(self, spool: LogSpool, stamp: str = "") -> None:
        self._spool = spool
        self._rest = b""
        self._resumed = bool(stamp)
        self._met = False
        self.stamp = stamp
        self.count = 0

    def feed(self, piece: bytes) -> None:
        """Take in a piece of the log."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self._line(line, b"\n")
        if lines and self.stamp:
            self._spool.note(seen=self.stamp)

    def resume(self) -> None:
        """Begin to read again, from the second of the last line."""
        self._rest = b""
        self._resumed = bool(self.stamp)
        self._met = False

    def pause(self) -> None:
        """Take in that the API gave all it had: what is begun is a line of its own."""
        if self._rest:
            self._line(self._rest, b"\n")
            self._rest = b""

    def gap_until_now(self, reason: str) -> Gap:
        """Return the gap from the last line until now."""
        now = int(time.time() * 1000)
        return Gap(0, _milliseconds(self.stamp) if self.stamp else now, now, reason)

    def _line(self, line: bytes, end: bytes) -> None:
        head, space, text = line.partition(b" ")
        stamp = _nine_digits(head.decode("ascii", errors="replace"))
        if not space or not stamp:
            self._spool.add(line + end)
            return
        if self._resumed:
            if stamp <= self.stamp:
                self._met = self._met or stamp == self.stamp
                return
            self._resumed = False
            if not self._met:
                gap = Gap(0, _milliseconds(self.stamp), _milliseconds(stamp), ROTATED)
                self._spool.add_gap(gap)
        self.stamp = stamp
        self.count += 1
        self._spool.add(text + end, _milliseconds(stamp) / 1000)


def rfc3339(stamp: str) -> str:
    """Return the whole second of a stamp, as `sinceTime` wants it."""
    return f"{stamp[:19]}Z"


def seen_last(store: LogStore, folder: str, try_id: str) -> Before:
    """Return how far an attempt's log was kept before, by reading the store.

    Args:
        store: The log store.
        folder: Of the attempt.
        try_id: Of the try; chunks of another one do not count.
    """
    stamp = ""
    for each in store.list(folder):
        data = store.get(each.key, 0, min(each.size_bytes, 4096))
        head = LogHead.read(read_control(data.split(b"\n", 1)[0]) or {})
        if head is None or head.try_id != try_id:
            continue
        if head.source != "pod":
            return Before(runner=True)
        tail = store.get(each.key, max(0, each.size_bytes - _TAIL_BYTES), each.size_bytes)
        for line in tail.split(b"\n"):
            fields = read_control(line)
            if fields and isinstance(fields.get("seen"), str):
                stamp = max(stamp, fields["seen"])
    return Before(stamp=stamp)


def _nine_digits(stamp: str) -> str:
    """Return a time of the API with nine digits of a second: such times sort as texts."""
    seconds, _, fraction = stamp.rstrip("Z").partition(".")
    if len(seconds) != len("2026-01-01T00:00:00") or not stamp.endswith("Z"):
        return ""
    return f"{seconds}.{fraction.ljust(_FRACTION_DIGITS, '0')[:_FRACTION_DIGITS]}Z"


def _milliseconds(stamp: str) -> int:
    moment = dt.datetime.fromisoformat(f"{stamp[:23]}+00:00")
    return int(moment.timestamp() * 1000)
