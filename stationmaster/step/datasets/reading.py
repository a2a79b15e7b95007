"""Reads of pinned snapshots: the files are named when the read is asked for, not when it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from stationmaster.step.contracts import BUSINESS_DATE
from stationmaster.step.datasets.columntypes import polars_schema

if TYPE_CHECKING:
    import datetime as dt

    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

__all__ = ["Pinned", "files_of_day", "pin", "scan_files"]


@dataclass(frozen=True)
class Pinned:
    """Hold the rows of one or more partitions of one snapshot; nothing is read yet."""

    frame: pl.LazyFrame
    rows: int
    bytes: int


def files_of_day(
    table: Table, day: dt.date, snapshot_id: int | None, *, through: bool = False
) -> list[DataFile]:
    """Return the data files a partition, or all up to it, has in a snapshot, in a fixed order."""
    if snapshot_id is None:
        return []
    only = f"{BUSINESS_DATE} {'<=' if through else '=='} '{day.isoformat()}'"
    files = [task.file for task in table.scan(only, snapshot_id=snapshot_id).plan_files()]
    return sorted(files, key=lambda file: (str(file.partition), file.file_path))


def pin(
    table: Table,
    day: dt.date,
    *,
    snapshot_id: int,
    storage: dict[str, str],
    through: bool = False,
) -> Pinned:
    """Return a partition, or all up to it, of one snapshot."""
    files = files_of_day(table, day, snapshot_id, through=through)
    return Pinned(
        frame=scan_files(table, [file.file_path for file in files], storage),
        rows=sum(file.record_count for file in files),
        bytes=sum(file.file_size_in_bytes for file in files),
    )


def scan_files(table: Table, paths: list[str], storage: dict[str, str]) -> pl.LazyFrame:
    """Return the rows of data files with the table's columns and types of today.

    Older files lack columns that were added later and have narrower types; columns are never
    renamed or dropped here, so names identify them.
    """
    schema = polars_schema(table.schema())
    if not paths:
        return schema.to_frame().lazy()
    return pl.scan_parquet(
        paths,
        schema=schema,
        missing_columns="insert",
        extra_columns="ignore",
        hive_partitioning=False,
        glob=False,
        storage_options=storage or None,
        cast_options=pl.ScanCastOptions(integer_cast="upcast", float_cast="upcast"),
    )
