"""What every extract does with rows: blanks, business day, duplicates, rows kept aside.

Heavy (polars): import it from a job, not from what a DAG file loads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = [
    "REJECTED_SCHEMA",
    "Records",
    "Settled",
    "as_json",
    "as_key",
    "blank_to_null",
    "rejected_rows",
    "settle_duplicates",
]

REJECTED_SCHEMA: Final = {
    "rule": pl.String,
    "record": pl.String,
    "key": pl.String,
    "detail": pl.String,
}
"""Columns of rows that go to quarantine: the rule broken, the record as text, its key, why."""


@dataclass(frozen=True)
class Records:
    """Hold what was read of one file."""

    rows: pl.DataFrame
    """One row a good record, in the file's order, with the columns that were asked for."""
    raw: Callable[[], pl.DataFrame]
    """Gives the good records as they came, in the same order; may read the file again."""
    rejected: pl.DataFrame
    """The bad records, as rows for quarantine."""
    notes: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """Return how many records the file has."""
        return self.rows.height + self.rejected.height


@dataclass(frozen=True)
class Settled:
    """Hold rows with one row a key, what was put aside, and how many repeats were dropped."""

    frame: pl.DataFrame
    rejected: pl.DataFrame
    repeats: int


def blank_to_null(column: str | pl.Expr) -> pl.Expr:
    """Strip a text column and make what is empty null."""
    text = pl.col(column) if isinstance(column, str) else column
    stripped = text.str.strip_chars()
    return pl.when(stripped != "").then(stripped)


def rejected_rows(rows: Iterable[tuple[str, str, str | None, str | None]] = ()) -> pl.DataFrame:
    """Return rows for quarantine from (rule, record, key, detail)."""
    return pl.DataFrame(list(rows), schema=REJECTED_SCHEMA, orient="row")


def as_json() -> pl.Expr:
    """Return each whole row as JSON text."""
    return pl.struct(pl.all()).struct.json_encode()


def as_key(columns: Sequence[str]) -> pl.Expr:
    """Return the text that names a row."""
    return pl.concat_str([pl.col(name).cast(pl.String) for name in columns], separator="/")


def settle_duplicates(frame: pl.DataFrame, *, key: Sequence[str], latest_by: str) -> Settled:
    """Keep one row a key: drop exact repeats, put conflicting ones aside.

    Of rows with the same key and other content the one with the greatest `latest_by` stays,
    then the greatest content, so that the order of the input does not matter.

    Args:
        frame: The rows.
        key: Columns that name a row.
        latest_by: Column that tells which of two conflicting rows is the later one.
    """
    one = pl.col(key[0]) if len(key) == 1 else pl.struct(key)
    if frame.height == frame.select(one.n_unique()).item():
        return Settled(frame, rejected_rows(), repeats=0)
    repeated = frame.filter(one.is_duplicated())
    different = repeated.unique(maintain_order=True)
    ranked = different.sort(
        latest_by, *(name for name in frame.columns if name != latest_by), descending=True
    )
    kept = ranked.unique(subset=list(key), keep="first", maintain_order=True)
    others = ranked.join(kept, on=frame.columns, how="anti", nulls_equal=True)
    aside = others.select(
        rule=pl.lit("duplicate_key"),
        record=as_json(),
        key=as_key(key),
        detail=pl.lit(f"another row with this {', '.join(key)} and other content was kept"),
    )
    return Settled(
        frame=pl.concat([frame.filter(~one.is_duplicated()), kept]),
        rejected=aside,
        repeats=repeated.height - different.height,
    )
