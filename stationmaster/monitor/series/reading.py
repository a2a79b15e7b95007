"""Read a series from CSV; what cannot be read is set aside, counted and named by line."""

from __future__ import annotations

import csv
import datetime as dt
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from stationmaster.monitor.series.points import RHYTHMS, Point, Series, rhythm_of
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

MOST_PERIODS: Final = 2_000_000
"""A series that spans more has a wrong year in it."""


@dataclass
class SetAside:
    """Hold one reason why rows were set aside, how many, and the first lines of the file."""

    reason: str
    rows: int = 0
    lines: list[int] = field(default_factory=list)

    def as_document(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {"reason": self.reason, "rows": self.rows, "lines": self.lines}


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
    for line, row in rows:
        found = _point(row)
        if isinstance(found, str):
            _put(aside, found, line)
        else:
            points.append((line, *found))
    if not points:
        raise ContractBrokenError(
            where=str(path),
            expected="at least one row with a timestamp and a number",
            got="no rows" if not rows else f"{len(rows)} rows, none usable: {_reasons(aside)}",
            hint="Write rows such as 2011-11-21,1067 below the header timestamp,value.",
        )
    chosen = _rhythm(rhythm, [point.at for _, point, _ in points], path)
    kept: dict[int, Point] = {}
    for line, point, arrived in points:
        period = chosen.period_of(point.at)
        if period in kept:
            _put(aside, f"a second value of the same {_unit(chosen.name)}: the last stands", line)
        early = arrived is not None and arrived < chosen.start_of(period + 1)
        kept[period] = Point(point.at, point.value, complete=point.complete and not early)
    if max(kept) - min(kept) > MOST_PERIODS:
        raise MisconfiguredError(
            where=str(path),
            expected=f"at most {MOST_PERIODS:,} {chosen.name} periods from first to last",
            got=f"{chosen.text_of(min(kept))} to {chosen.text_of(max(kept))}",
            hint="Look for a timestamp with a wrong year.",
        )
    series = Series(str(path), chosen, dict(sorted(kept.items())))
    return ReadSeries(series, list(aside.values()))


def _rhythm(name: str | None, moments: list[dt.datetime], path: Path) -> Rhythm:
    if name is None:
        return rhythm_of(moments, str(path))
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
            hint="Name a file that can be read.",
        ) from error
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise MisconfiguredError(
            where=str(path),
            expected="a header line with the columns timestamp,value",
            got=f"no {', '.join(missing)} (there are: {', '.join(header) or 'none'})",
            hint="Name the columns so; complete and arrived_at are optional.",
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
    text = text.strip()
    try:
        return dt.datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        pass
    try:
        epoch = float(text)
        seconds = epoch / 1000 if epoch > MILLISECONDS else epoch
        return dt.datetime.fromtimestamp(seconds, dt.UTC).replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        return None


def _put(aside: dict[str, SetAside], reason: str, line: int) -> None:
    found = aside.setdefault(reason, SetAside(reason))
    found.rows += 1
    if len(found.lines) < LINES_NAMED:
        found.lines.append(line)


def _reasons(aside: dict[str, SetAside]) -> str:
    return "; ".join(f"{each.reason} ({each.rows})" for each in aside.values())
