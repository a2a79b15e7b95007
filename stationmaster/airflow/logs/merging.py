"""Put the lines of all sources of a try into one stream, as the JSON lines that Airflow reads.

Airflow sorts lines by their timestamps within a window, drops a line that equals the one before
it, and continues a running log after the number of lines it has shown. So each line here has a
timestamp of its own, later than the one before it, and one that was shown never moves.
"""

from __future__ import annotations

import datetime as dt
import heapq
import json
import re
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.logs.chunklines import AT_END

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from stationmaster.airflow.logs.chunklines import LogLine
    from stationmaster.step.logs.format import LogHead

__all__ = ["Source", "as_json_lines", "prefix_of", "worker_lines"]

_RUNNERS_LINE: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (DEBUG|INFO|WARNING|ERROR|CRITICAL) +(.*)", re.DOTALL
)

_Entry = tuple[int, int, "dict[str, Any]"]


@dataclass(frozen=True)
class Source:
    """Name the lines of one source."""

    lines: Iterable[LogLine]
    prefix: str
    """Stands before each line: attempt and shard."""
    logger: str


def prefix_of(head: LogHead) -> str:
    """Return what tells the lines of this attempt and shard from others."""
    if head.source == "platform":
        return ""
    shard = f", shard {head.shard + 1} of {head.shards}" if head.shards > 1 else ""
    return f"[attempt {head.attempt}{shard}] "


def as_json_lines(
    sources: Sequence[Source], workers: Sequence[Iterator[dict[str, Any]]], *, until_ms: int | None
) -> Iterator[str]:
    """Yield the lines of all sources in time order, each a JSON document.

    Args:
        sources: Of chunks.
        workers: Documents of whole worker logs, with `timestamp`.
        until_ms: Show nothing later than this (milliseconds since 1970); None shows all.
    """
    streams = [_documents(source, rank) for rank, source in enumerate(sources)]
    streams += [
        _worker_documents(each, rank) for rank, each in enumerate(workers, start=len(sources))
    ]
    merged = streams[0] if len(streams) == 1 else heapq.merge(*streams, key=itemgetter(0, 1))
    last_us = 0
    dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
    for place_ms, _, document in merged:
        if until_ms is not None and place_ms > until_ms:
            return
        last_us = last_us + 1 if place_ms == AT_END else max(place_ms * 1000, last_us + 1)
        document["timestamp"] = _stamp(last_us)
        yield dumps(document)


def worker_lines(raw_lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Yield what a worker wrote; a line that is no JSON document is a message."""
    for raw in raw_lines:
        if not raw.strip():
            continue
        try:
            document = json.loads(raw)
        except ValueError:
            document = None
        if not isinstance(document, dict) or not isinstance(document.get("event"), str):
            document = {"event": raw.decode("utf-8", errors="replace")}
        yield document


def _documents(source: Source, rank: int) -> Iterator[_Entry]:
    prefix, logger = source.prefix, source.logger
    for line in source.lines:
        text = line.text.decode("utf-8", errors="replace").rstrip("\r")
        level = "warning" if line.warns else "info"
        if text[23:24] == "Z" and (found := _RUNNERS_LINE.fullmatch(text)):
            level, text = found[1].lower(), found[2]
        yield (
            line.place_ms,
            rank,
            {"timestamp": "", "level": level, "event": prefix + text, "logger": logger},
        )


def _worker_documents(documents: Iterable[dict[str, Any]], rank: int) -> Iterator[_Entry]:
    place = 0
    for document in documents:
        stamp = document.get("timestamp")
        if isinstance(stamp, str):
            place = max(place, _milliseconds(stamp))
        yield place, rank, document


def _milliseconds(stamp: str) -> int:
    try:
        moment = dt.datetime.fromisoformat(stamp)
    except ValueError:
        return 0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return int(moment.timestamp() * 1000)


def _stamp(microseconds: int) -> str:
    seconds, rest = divmod(microseconds, 1_000_000)
    return f"{_seconds(seconds)}.{rest:06}Z"


def _seconds(seconds: int) -> str:
    known = _LAST_SECOND.get(seconds)
    if known is None:
        _LAST_SECOND.clear()
        known = f"{dt.datetime.fromtimestamp(seconds, tz=dt.UTC):%Y-%m-%dT%H:%M:%S}"
        _LAST_SECOND[seconds] = known
    return known


_LAST_SECOND: Final[dict[int, str]] = {}
