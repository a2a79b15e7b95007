"""Who is who, written apart from what the sources deliver: for scoring only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from stationmaster.step.settings import Settings

__all__ = ["COLUMNS", "TruthDay", "people_seen", "truth_folder", "write_people"]

COLUMNS: Final = pl.Schema(
    [
        ("source", pl.String()),
        ("kind", pl.String()),
        ("record_id", pl.String()),
        ("person_id", pl.String()),
        ("at", pl.Datetime("us", "UTC")),
        ("identified", pl.Boolean()),
    ]
)
"""Columns of a truth file. `identified`: the record itself says something of who it is."""


def truth_folder(settings: Settings) -> Path:
    """Return where the truth lies; no step reads below it."""
    return settings.home.absolute() / "truth"


@dataclass
class TruthDay:
    """Collect the truth of one source's day."""

    settings: Settings
    source: str
    day: dt.date
    frames: list[pl.DataFrame] = field(default_factory=list)

    def add(self, kind: str, rows: pl.DataFrame) -> None:
        """Note rows with record_id, person_id, at, and identified where not all are."""
        named = rows if "identified" in rows.columns else rows.with_columns(identified=True)
        full = named.with_columns(source=pl.lit(self.source), kind=pl.lit(kind))
        self.frames.append(full.select(COLUMNS.keys()).cast(COLUMNS))

    def close(self) -> None:
        """Write the day's file."""
        folder = truth_folder(self.settings) / self.source
        folder.mkdir(parents=True, exist_ok=True)
        empty = pl.DataFrame(schema=COLUMNS)
        pl.concat([empty, *self.frames]).write_parquet(folder / f"{self.day}.parquet")


def people_seen(settings: Settings) -> pl.DataFrame:
    """Return each identified person's first and last business date, over all generated days.

    Columns person_id, first_seen, last_seen, records.
    """
    day = pl.col("at").dt.convert_time_zone(settings.business_timezone).dt.date()
    return (
        pl.scan_parquet(truth_folder(settings) / "*" / "*.parquet")
        .filter("identified")
        .group_by("person_id")
        .agg(first_seen=day.min(), last_seen=day.max(), records=pl.len())
        .sort("person_id")
        .collect()
    )


def write_people(settings: Settings) -> Path:
    """Write `people_seen` beside the days' files and return its path."""
    path = truth_folder(settings) / "people.parquet"
    people_seen(settings).write_parquet(path)
    return path
