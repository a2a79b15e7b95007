"""Days of which it is known beforehand that they are not like others."""

from __future__ import annotations

import csv
import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["KINDS", "Calendar", "read_calendar"]

KINDS: Final = ("holiday", "no-data")
"""On a holiday a value may be anything; on a day known to be without data none is expected."""


@dataclass(frozen=True)
class Calendar:
    """Name days that are neither judged nor learned from, each with its kind."""

    days: Mapping[dt.date, str] = field(default_factory=dict)

    def kind_of(self, moment: dt.datetime) -> str | None:
        """Return the kind of a moment's day, None for a day like others."""
        return self.days.get(moment.date())


def read_calendar(path: Path) -> Calendar:
    """Return the calendar in a CSV file with the columns `date` and `kind`; others are notes.

    Raises:
        MisconfiguredError: The file is not there, lacks a column, or has a line that is neither.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            header = list(reader.fieldnames or ())
            rows = list(reader)
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(path, f"{type(error).__name__}: {error}") from error
    missing = [name for name in ("date", "kind") if name not in header]
    if missing:
        there = ", ".join(header) or "none"
        raise _unusable(path, f"no column {', '.join(missing)} (there are: {there})")
    days = {}
    for number, row in enumerate(rows, start=2):
        kind = (row.get("kind") or "").strip()
        try:
            day = dt.date.fromisoformat((row.get("date") or "").strip())
        except ValueError as error:
            raise _unusable(path, f"line {number}: date {row.get('date')!r}") from error
        if kind not in KINDS:
            raise _unusable(path, f"line {number}: kind {kind!r}")
        days[day] = kind
    return Calendar(days)


def _unusable(path: Path, got: str) -> MisconfiguredError:
    return MisconfiguredError(
        where=str(path),
        expected=f"a CSV file with the columns date (2011-12-25) and kind ({' or '.join(KINDS)})",
        got=got,
        hint="Correct the file, or leave --calendar out.",
    )
