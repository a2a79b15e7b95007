"""What is checked on the audit branch: its files as they lie there, its rows where shards meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from stationmaster.step.contracts import BUSINESS_DATE
from stationmaster.step.errors import ContractBrokenError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from stationmaster.step.contracts import Contract

__all__ = ["audit_files", "audit_keys", "check_share", "check_table_rules"]

_LOOK: Final = "Storage lost or doubled files: look at the warehouse before the retry."


def audit_files(
    contract: Contract, table: Table, files: Sequence[DataFile], day: dt.date, *, rows: int
) -> None:
    """Check that every file lies there whole and that together they hold the rows of the day.

    A file's footer is written last and tells its rows and the least and greatest day of each
    row group: no row has to be read for that.

    Raises:
        ContractBrokenError: A file is gone or torn, or rows are missing or of another day.
    """
    where = f"dataset {contract.dataset}, partition {day.isoformat()}, on its audit branch"
    found = [_rows_in(table, file, day, where) for file in files]
    there, of_day = sum(rows for rows, _ in found), sum(of_day for _, of_day in found)
    if there != rows or of_day != rows:
        raise ContractBrokenError(
            where,
            expected=f"the {rows} rows that were written",
            got=f"{there} rows, {of_day} of them of the day",
            hint=_LOOK,
        )


def _rows_in(table: Table, file: DataFile, day: dt.date, where: str) -> tuple[int, int]:
    """Return how many rows a file has, and how many in row groups of nothing but the day."""
    try:
        stored = table.io.new_input(file.file_path)
        size = len(stored)
        if size != file.file_size_in_bytes:
            raise ContractBrokenError(
                where,
                expected=f"{file.file_size_in_bytes} bytes in {file.file_path}",
                got=f"{size} bytes",
                hint=_LOOK,
            )
        with stored.open() as stream:
            footer = pq.read_metadata(stream)
    except (FileNotFoundError, pa.ArrowInvalid) as error:
        raise ContractBrokenError(
            where,
            expected=f"a whole Parquet file {file.file_path}",
            got=" ".join(str(error).split())[:200],
            hint=_LOOK,
        ) from error
    groups = [footer.row_group(number) for number in range(footer.num_row_groups)]
    return footer.num_rows, sum(group.num_rows for group in groups if _is_of(group, day))


def _is_of(group: pq.RowGroupMetaData, day: dt.date) -> bool:
    columns = [group.column(number) for number in range(group.num_columns)]
    days = [column.statistics for column in columns if column.path_in_schema == BUSINESS_DATE]
    return bool(days) and all(
        found is not None and found.null_count == 0 and found.min == found.max == day
        for found in days
    )


def audit_keys(contract: Contract, frame: pl.LazyFrame, day: dt.date, *, rows: int) -> None:
    """Check that no key is in two shards' rows; each shard has checked its own.

    Raises:
        ContractBrokenError: Rows share a key.
    """
    if not contract.key:
        return
    keys = frame.select(pl.struct(contract.key).n_unique()).collect().item()
    if keys != rows:
        where = f"dataset {contract.dataset}, partition {day.isoformat()}, on its audit branch"
        raise ContractBrokenError(
            where,
            expected=f"one row for each {', '.join(contract.key)}",
            got=f"{rows - keys} rows too many",
            hint="Shards must split the work so that no key is in two of them.",
        )


def check_table_rules(contract: Contract, frame: pl.LazyFrame, day: dt.date) -> None:
    """Check the rules that a partition keeps as a whole.

    Raises:
        ContractBrokenError: A rule is broken.
    """
    for rule in contract.table_rules:
        value = rule.measured(frame)
        if not rule.holds(value):
            where = f"dataset {contract.dataset}, partition {day.isoformat()}, rule {rule.name}"
            raise ContractBrokenError(
                where,
                expected=rule.expected,
                got=str(value),
                hint="Look at what the source delivered; if it is right, change the rule in the "
                "contract. Nothing was published.",
            )


def check_share(contract: Contract, day: dt.date, *, good: int, by_rule: dict[str, int]) -> None:
    """Check that not too many rows are bad.

    Raises:
        ContractBrokenError: More than the contract's share is.
    """
    bad = sum(by_rule.values())
    allowed = contract.max_bad_share
    if bad <= allowed * (good + bad):
        return
    worst = sorted(by_rule.items(), key=lambda item: (-item[1], item[0]))
    where = f"dataset {contract.dataset}, partition {day.isoformat()}"
    raise ContractBrokenError(
        where,
        expected=f"at most {allowed:.1%} bad rows",
        got=f"{bad / (good + bad):.1%}: {bad} of {good + bad} ("
        + ", ".join(f"{rule}: {rows}" for rule, rows in worst)
        + ")",
        hint=f"Look at what the source delivered under the rule {worst[0][0]}; if it is right, "
        "change the rule in the contract. Nothing was published.",
    )
