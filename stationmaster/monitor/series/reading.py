"""Read a series from CSV; what cannot be read is set aside, counted and named by line."""

from __future__ import annotations

import csv
import datetime as dt
import math
import re
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from stationmaster.monitor.series.points import DAILY, RHYTHMS, Point, Series, rhythm_of
from stationmaster.step.errors import ContractBrokenError, MisconfiguredError

if TYPE_CHECKING:
    from pathlib import Path

    from stationmaster.monitor.series.points import Rhythm

__all__ = ["ReadSeries", "SetAside", "moment_of", "read_series"]

COLUMNS: Final = ("timestamp", "value")
UNKNOWN: Final = ("", "-", "null", "none", "na", "nan", "n/a")
YES: Final = ("", "true", "1", "yes", "t", "y")
NO: Final = ("false", "0", "no", "f", "n")
LINES_NAMED: Final = 10
MILLISECONDS: Final = 1e11
"""Epochs beyond it are in milliseconds: as seconds they are past the year 5100."""

LARGEST: Final = 1e18
SMALLEST: Final = 1e-18
"""No volume, duration or cost is larger; what is nearer to zero is zero."""

MOST_PERIODS: Final = 400_000
FARTHEST_APART: Final = dt.timedelta(days=3_653)
"""A series that spans more, or is silent for ten years, has a wrong year in it."""

HOUR: Final = dt.timedelta(hours=1)
SLASHES: Final = re.compile(r"(\d{4})/(\d\d)/(\d\d)")
"""A date that begins with its year is read with slashes, too: it can mean one day only."""

ISO_DIGITS: Final = 8
"""So many figures alone are a date; others alone are an epoch."""


@dataclass
class SetAside:
    """Hold one reason why rows were set aside, how many, and the first lines of the file."""

    reason: str
    rows: int = 0
    lines: list[int] = field(default_factory=list)
    example: str = ""
    """What came in the first of them."""

    def as_document(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {
            "reason": self.reason,
            "rows": self.rows,
            "lines": self.lines,
            "example": self.example,
        }


@dataclass(frozen=True)
class ReadSeries:
    """Hold a series and what of its file was set aside."""

    series: Series
    set_aside: list[SetAside]


def read_series(path: Path, rhythm: str | None = None) -> ReadSeries:
    """Return the series in a CSV file with a header.

    Columns: `timestamp` (ISO 8601 or an epoch), `value`; if they are there, also `complete`
    (false: more is to come) and `arrived_at` (before the period's end: not complete). Others are
    ignored. Weekdays and hours are those that the timestamps are written in.

    Args:
        path: The file.
        rhythm: `daily` or `hourly`; None recognises it.

    Raises:
        MisconfiguredError: The file is not there, lacks a column, or is neither daily nor hourly.
        ContractBrokenError: No row can be used.
    """
    rows = _rows(path)
    aside: dict[str, SetAside] = {}
    points: list[tuple[int, Point, dt.datetime | None]] = []
    moments: list[dt.datetime] = []
    for line, row in rows:
        found = _point(row)
        if isinstance(found, str):
            _put(aside, found, line, row)
        else:
            points.append((line, *found))
            moments.append(_written(row["timestamp"]) or found[0].at)
    if not points:
        raise ContractBrokenError(
            where=str(path),
            expected="at least one row with a timestamp and a number",
            got="no rows" if not rows else f"{len(rows)} rows, none usable: {_reasons(aside)}",
            hint="Write rows such as 2011-11-21,1067 below the header timestamp,value.",
        )
    _refuse_wrong_years(path, [(point.at, line) for line, point, _ in points])
    chosen = _rhythm(rhythm, [point.at for _, point, _ in points], path)
    kept: dict[int, Point] = {}
    for line, point, arrived in points:
        period = chosen.period_of(point.at)
        if period in kept:
            reason = f"a second value of the same {_unit(chosen.name)}: the last stands"
            _put(aside, reason, line, {"timestamp": chosen.text_of(period)})
        early = arrived is not None and arrived < chosen.start_of(period + 1)
        kept[period] = Point(point.at, point.value, complete=point.complete and not early)
    if max(kept) - min(kept) > MOST_PERIODS:
        raise MisconfiguredError(
            where=str(path),
            expected=f"at most {MOST_PERIODS:,} {chosen.name} periods from first to last",
            got=f"{chosen.text_of(min(kept))} to {chosen.text_of(max(kept))}",
            hint="Give a part of it, or sum it up by day.",
        )
    skipped = frozenset[int]() if chosen is DAILY else _skipped(moments, chosen)
    series = Series(str(path), chosen, dict(sorted(kept.items())), skipped - kept.keys())
    return ReadSeries(series, list(aside.values()))


def _refuse_wrong_years(path: Path, moments: list[tuple[dt.datetime, int]]) -> None:
    for (before, line_before), (after, line_after) in pairwise(sorted(moments)):
        if after - before > FARTHEST_APART:
            raise MisconfiguredError(
                where=f"{path}, lines {line_before} and {line_after}",
                expected="no ten years without a value",
                got=f"{before:%Y-%m-%d} and then {after:%Y-%m-%d}",
                hint="Look for a timestamp with a wrong year.",
            )


def _skipped(moments: list[dt.datetime], rhythm: Rhythm) -> frozenset[int]:
    """Return the hours that the clock did not have: an hour later, it was two hours later."""
    zoned = sorted(moment for moment in moments if moment.tzinfo is not None)
    return frozenset(
        rhythm.period_of(before) + 1
        for before, after in pairwise(zoned)
        if after - before <= HOUR and rhythm.period_of(after) == rhythm.period_of(before) + 2
    )


def _rhythm(name: str | None, moments: list[dt.datetime], path: Path) -> Rhythm:
    if name is None:  # one value alone is too short a history in any rhythm
        return DAILY if len(set(moments)) == 1 else rhythm_of(moments, str(path))
    if name not in RHYTHMS:
        raise MisconfiguredError(
            where="--rhythm",
            expected=" or ".join(RHYTHMS),
            got=name,
            hint="Leave the option out to have it recognised.",
        )
    return RHYTHMS[name]


def _unit(rhythm: str) -> str:
    return "day" if rhythm == "daily" else "hour"


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream)
            header = [name.strip().lower() for name in next(reader, [])]
            rows = [
                (reader.line_num, dict(zip(header, row, strict=False))) for row in reader if row
            ]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MisconfiguredError(
            where=str(path),
            expected="a CSV file in UTF-8 with the columns timestamp,value",
            got=f"{type(error).__name__}: {error}",
            hint="Save it as UTF-8."
            if isinstance(error, UnicodeDecodeError)
            else "Name a file that can be read.",
        ) from error
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise MisconfiguredError(
            where=str(path),
            expected="a header line with the columns timestamp,value",
            got=f"no {', '.join(missing)} (there are: {', '.join(header) or 'none'})",
            hint="Separate the columns by commas, and write a point before decimals."
            if any(mark in name for name in header for mark in ";\t")
            else "Name the columns so; complete and arrived_at are optional.",
        )
    return rows


def _point(row: dict[str, str]) -> tuple[Point, dt.datetime | None] | str:
    """Return the point of a row and when it arrived, or why there is none."""
    moment = moment_of(row.get("timestamp") or "")
    if moment is None:
        return "the timestamp is neither ISO 8601 nor an epoch"
    value = _number(row.get("value") or "")
    if isinstance(value, str):
        return value
    said = (row.get("complete") or "").strip().lower()
    if said not in (*YES, *NO):
        return "complete is neither true nor false"
    told = (row.get("arrived_at") or "").strip()
    arrived = moment_of(told) if told else None
    if told and arrived is None:
        return "arrived_at is neither ISO 8601 nor an epoch"
    return Point(moment, value, complete=said not in NO), arrived


def _number(text: str) -> float | str:
    """Return the number that a text is, or why it is none."""
    if text.strip().lower() in UNKNOWN:
        return "the value is empty"
    try:
        value = float(text)
    except ValueError:
        return "the value is no number"
    if not math.isfinite(value):
        return "the value is not finite"
    if abs(value) > LARGEST:
        return "the value is beyond 10¹⁸"
    return value if abs(value) > SMALLEST else 0.0


def moment_of(text: str) -> dt.datetime | None:
    """Return a moment on the clock that it was written in, None for what is none."""
    written = _written(text)
    return None if written is None else written.replace(tzinfo=None)


def _written(text: str) -> dt.datetime | None:
    """Return a moment with the offset that it was written with, if any."""
    text = SLASHES.sub(r"\1-\2-\3", text.strip(), count=1)
    if not text.isdigit() or len(text) == ISO_DIGITS:
        try:
            return dt.datetime.fromisoformat(text)
        except ValueError:
            pass
    try:
        epoch = float(text)
        seconds = epoch / 1000 if epoch > MILLISECONDS else epoch
        return dt.datetime.fromtimestamp(seconds, dt.UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _put(aside: dict[str, SetAside], reason: str, line: int, row: dict[str, str]) -> None:
    found = aside.setdefault(reason, SetAside(reason))
    if not found.rows:
        found.example = ",".join(row.get(name) or "" for name in COLUMNS if name in row)[:60]
    found.rows += 1
    if len(found.lines) < LINES_NAMED:
        found.lines.append(line)


def _reasons(aside: dict[str, SetAside]) -> str:
    return "; ".join(
        f"{each.reason} ({each.rows}, first in line {each.lines[0]}: {each.example})"
        for each in aside.values()
    )
