"""Erase one person from a table: from its rows, its quarantine and its old snapshots."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl
from pydantic import BaseModel, ConfigDict

from stationmaster.step.datasets.committing import retried
from stationmaster.step.datasets.compacting import replace_files
from stationmaster.step.datasets.files import Reachable, delete_files, reachable, stored_files
from stationmaster.step.datasets.maintaining import expire
from stationmaster.step.datasets.reading import scan_files
from stationmaster.step.datasets.staged import BRANCH_PREFIX
from stationmaster.step.datasets.tables import PERSONAL
from stationmaster.step.datasets.writing import PartitionWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from stationmaster.step.datasets.tableat import TableAt

__all__ = ["ForgetReport", "Identifier", "forget_in_table"]

_ROWS_A_BATCH = 131_072


@dataclass(frozen=True)
class Identifier:
    """Hold one thing a person is known by."""

    kind: str
    """A kind of identifier that contracts name (`email`), or a column's name."""
    value: str
    any_column: bool = False
    """Look in every column of the name, not only in columns a contract calls personal."""


class ForgetReport(BaseModel):
    """Say what was erased from one table, or would be."""

    model_config = ConfigDict(frozen=True)

    table: str
    rows: int
    """Rows that readers saw until now."""
    files: int
    """Data files that held the person, those of old snapshots and killed writers included."""


def forget_in_table(at: TableAt, person: Sequence[Identifier], *, dry_run: bool) -> ForgetReport:
    """Erase a person's rows from one table; doing it again finds nothing.

    Audit branches of a table that held the person are dropped: a step that is about to publish
    there ends as temporarily failed and stages anew.
    """
    table, storage = at.load(), at.storage
    matches = _matches(table, person)
    if matches is None:
        return ForgetReport(table=at.name, rows=0, files=0)
    files = reachable(table)
    strays = _strays(table, files, storage)
    held = _holding(table, [*files.data, *strays], matches, storage)
    current = _current(table)
    rows = sum(count for path, count in held.items() if path in current)
    if held and not dry_run:
        retried(
            lambda: _rewrite(at.load(), matches, storage),
            what=f"{at.name}, erasing a person",
            turn=at.turn,
        )
        # Everything old goes: an old snapshot that misses one file is no snapshot.
        expire(at, dt.datetime.now(dt.UTC) + dt.timedelta(days=1))
        left = reachable(at.load()).paths
        delete_files(table, set(held) - left)
    return ForgetReport(table=at.name, rows=rows, files=len(held))


def _matches(table: Table, person: Sequence[Identifier]) -> pl.Expr | None:
    personal: dict[str, str] = json.loads(table.properties.get(PERSONAL, "{}"))
    columns = {field.name for field in table.schema().fields}
    if "record" in personal:
        found = [_in_record(known) for known in person]
    else:
        found = [
            pl.col(column).cast(pl.String).str.strip_chars().str.to_lowercase()
            == known.value.strip().lower()
            for known in person
            for column in sorted(columns)
            if (column == known.kind and known.any_column) or personal.get(column) == known.kind
        ]
    return pl.any_horizontal(found).fill_null(value=False) if found else None


def _in_record(known: Identifier) -> pl.Expr:
    value = re.escape(known.value.strip())
    # Whole values only: ann@example.com is not joann@example.com.
    pattern = rf"(?i)(?:^|[^\w.@+-]){value}(?:$|[^\w@-])"
    if known.any_column:
        pattern = rf'(?i)"{re.escape(known.kind)}"\s*:\s*"?{value}"?\s*[,}}]'
    return pl.col("record").str.contains(pattern)


def _strays(table: Table, files: Reachable, storage: dict[str, str]) -> list[str]:
    known = files.paths
    stored = (file.path for file in stored_files(table) if file.path.endswith(".parquet"))
    return [path for path in stored if path not in known and _whole(table, path, storage)]


def _current(table: Table) -> set[str]:
    return {task.file.file_path for task in table.scan().plan_files()}


def _holding(
    table: Table, paths: Iterable[str], matches: pl.Expr, storage: dict[str, str]
) -> dict[str, int]:
    held = {}
    for path in paths:
        rows = scan_files(table, [path], storage).filter(matches).select(pl.len()).collect()
        if rows.item():
            held[path] = rows.item()
    return held


def _whole(table: Table, path: str, storage: dict[str, str]) -> bool:
    # A killed writer's file without an end: no reader can make rows of it, and it goes with age.
    try:
        scan_files(table, [path], storage).select(pl.len()).collect()
    except (FileNotFoundError, pl.exceptions.ComputeError):
        return False
    return True


def _rewrite(table: Table, matches: pl.Expr, storage: dict[str, str]) -> None:
    by_day: dict[dt.date, list[DataFile]] = {}
    files = {task.file.file_path: task.file for task in table.scan().plan_files()}
    for path in _holding(table, files, matches, storage):
        day = scan_files(table, [path], storage).select("business_date").head(1).collect().item()
        by_day.setdefault(day, []).append(files[path])
    writers = {day: PartitionWriter(table, day, "forget") for day in by_day}
    try:
        replaced = {}
        for day, writer in writers.items():
            kept = scan_files(table, [file.file_path for file in by_day[day]], storage)
            kept = kept.filter(~matches)
            for batch in kept.collect_batches(chunk_size=_ROWS_A_BATCH, maintain_order=True):
                writer.write(batch)
            replaced[day] = (by_day[day], writer.finish())
        branches = tuple(name for name in table.refs() if name.startswith(BRANCH_PREFIX))
        replace_files(table, replaced, drop_branches=branches)
    except BaseException:
        for writer in writers.values():
            writer.abandon()
        raise
