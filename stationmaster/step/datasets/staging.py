"""A frame's way to the audit branch: check, split, write, commit, read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from stationmaster.step.contracts import BUSINESS_DATE, Contract, RowCheck, check_schema
from stationmaster.step.datasets.auditing import check_share
from stationmaster.step.errors import ContractBrokenError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator

    from stationmaster.step.datasets.writing import PartitionWriter, Written


__all__ = [
    "Halves",
    "check_columns",
    "write_halves",
]

_ROWS_A_BATCH: Final = 131_072


class Halves:
    """Write the good rows of a partition to one table and the bad ones to another."""

    def __init__(
        self, good: PartitionWriter, open_bad: Callable[[], PartitionWriter], day: dt.date
    ) -> None:
        self._good = good
        self._open_bad = open_bad
        self._bad: PartitionWriter | None = None
        self._day = day
        self.good_rows = 0
        self.by_rule: dict[str, int] = {}

    def add_good(self, frame: pl.DataFrame) -> None:
        """Write rows that keep the contract."""
        if frame.height:
            self._good.write(frame)
            self.good_rows += frame.height

    def add_bad(self, frame: pl.DataFrame) -> None:
        """Write rows for quarantine and count them by rule."""
        if frame.is_empty():
            return
        if self._bad is None:
            self._bad = self._open_bad()
        self._bad.write(_quarantine_rows(frame, self._day))
        for rule, rows in frame.group_by("rule").len().sort("rule").iter_rows():
            self.by_rule[rule] = self.by_rule.get(rule, 0) + rows

    def finish(self) -> tuple[Written, Written | None]:
        """Close all files and return them."""
        return self._good.finish(), None if self._bad is None else self._bad.finish()

    def abandon(self) -> None:
        """Remove all files again."""
        self._good.abandon()
        if self._bad is not None:
            self._bad.abandon()


def _quarantine_rows(frame: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """Return refused rows with the columns of a quarantine table."""
    absent = [name for name in ("key", "detail") if name not in frame.columns]
    return frame.with_columns(
        pl.lit(day).alias(BUSINESS_DATE), *(pl.lit(None, pl.String).alias(name) for name in absent)
    ).select(BUSINESS_DATE, "rule", "record", "key", "detail")


def _batches(frame: pl.DataFrame | pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Return a frame's rows in order; a lazy frame is never in memory as a whole."""
    if isinstance(frame, pl.LazyFrame):
        yield from frame.collect_batches(chunk_size=_ROWS_A_BATCH, maintain_order=True)
    else:
        # What was read in parallel comes in hundreds of pieces: rules and Parquet want one.
        yield from (batch.rechunk() for batch in frame.iter_slices(_ROWS_A_BATCH))


def write_halves(  # noqa: PLR0913 (what is written, by which rules, where to)
    contract: Contract,
    frame: pl.DataFrame | pl.LazyFrame,
    rejected: pl.DataFrame | None,
    halves: Halves,
    day: dt.date,
    *,
    whole: bool = True,
) -> tuple[Written, Written | None]:
    """Write a frame's good and bad rows, and the rows a job refused by itself.

    Args:
        contract: What the rows must keep to.
        frame: The rows.
        rejected: Rows the job refused.
        halves: Where both go.
        day: The partition.
        whole: The frame is the whole partition: of a part nobody can say how much of the
            partition is bad.

    Raises:
        ContractBrokenError: The schema is broken, or too many rows are bad.
        StorageFullError: No space is left.
    """
    check = RowCheck(contract, day, frame if isinstance(frame, pl.DataFrame) else None)
    try:
        if rejected is not None:
            _check_rejected(contract, rejected)
            halves.add_bad(rejected)
        for batch in _batches(frame):
            split = check.split(batch)
            halves.add_good(split.good)
            halves.add_bad(split.bad)
        if whole:
            check_share(contract, day, good=halves.good_rows, by_rule=halves.by_rule)
        return halves.finish()
    except BaseException:
        # Nothing refers to the files yet: leave no rubbish where that can be helped.
        halves.abandon()
        raise


def _check_rejected(contract: Contract, rejected: pl.DataFrame) -> None:
    absent = {"rule", "record"} - set(rejected.columns)
    if absent:
        where = f"dataset {contract.dataset}, rejected rows"
        raise ContractBrokenError(
            where,
            expected="columns rule and record",
            got=f"columns {', '.join(rejected.columns)}",
            hint="Give each row the job refuses a rule's name and the record as JSON text.",
        )


def check_columns(contract: Contract, frame: pl.DataFrame | pl.LazyFrame) -> None:
    """Check a frame's columns before any row is read.

    Raises:
        ContractBrokenError: The schema is broken.
    """
    check_schema(contract, frame.collect_schema())
