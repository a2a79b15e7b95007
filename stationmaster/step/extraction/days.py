"""Make one dataset's business day out of delivered files, with every record accounted for.

Heavy (polars): import it from a job, not from what a DAG file loads.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import polars as pl

from stationmaster.step.extraction.rows import (
    Records,
    as_json,
    as_key,
    blank_to_null,
    rejected_rows,
    settle_duplicates,
)
from stationmaster.step.extraction.times import day_in, is_within, noon

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from zoneinfo import ZoneInfo

    from stationmaster.step.deliveries import Delivered
    from stationmaster.step.extraction.jsonlines import Columns
    from stationmaster.step.inputs import Inputs
    from stationmaster.step.outputs import Outputs

__all__ = ["Account", "Extracted", "Fault", "Recipe", "extract", "say_figures", "stage"]


_T = TypeVar("_T")

_AT_A_TIME: Final = 2
"""Files that are in memory together; polars itself uses several processors on each."""
_STRAYED: Final = "wrong_day"
_GIVEN: Final = "given: "


class _Read(Protocol):
    def __call__(self, data: bytes, columns: Columns, *, where: str) -> Records: ...


@dataclass(frozen=True)
class Fault:
    """Tell which rule a record breaks when this column is null."""

    column: str
    rule: str
    detail: str
    given_as: str = ""
    """The record's field that may be null itself, so that null alone is no fault."""


@dataclass(frozen=True)
class Recipe:
    """Tell how the files of one dataset become its rows."""

    dataset: str
    prefix: str
    """What the names of its files begin with."""
    read: _Read
    columns: Columns
    """The dataset's columns, as expressions over a record's fields."""
    key: Sequence[str]
    time: str
    zone: ZoneInfo
    """Whose calendar the upstream's day folders follow."""
    faults: Sequence[Fault]
    latest_by: str = ""
    """Which of two rows with one key is the later one; by `time` where empty."""
    figures: Mapping[str, pl.Expr] = field(default_factory=dict)
    """Numbers of the day that people rely on: sums and counts over the dataset's rows."""


@dataclass
class Account:
    """Count where each record went."""

    files: int = 0
    records: int = 0
    rows: int = 0
    other_days: int = 0
    repeats: int = 0
    aside: int = 0

    @property
    def balanced(self) -> bool:
        """Return whether no record got lost and none was counted twice."""
        return self.records == self.rows + self.other_days + self.repeats + self.aside

    def sentence(self, dataset: str) -> str:
        """Say it in one sentence."""
        if not self.records:
            return f"{dataset}: the source delivered {self.files} files without records"
        return (
            f"{dataset}: {self.records:,} records in {self.files} files: {self.rows:,} rows, "
            f"{self.other_days:,} of other days, {self.repeats:,} repeats dropped, "
            f"{self.aside:,} kept aside"
        )


@dataclass(frozen=True)
class Extracted:
    """Hold the rows of one business day, what was kept aside, and the account of both."""

    frame: pl.DataFrame
    rejected: pl.DataFrame
    account: Account
    notes: tuple[str, ...]


def stage(recipe: Recipe, extracted: Extracted, inputs: Inputs, outputs: Outputs) -> None:
    """Stage a whole day, by one shard for all of them, and note where each record went."""
    inputs.count_read(rows=extracted.account.records)
    for note in extracted.notes:
        outputs.note(note)
    outputs.write_whole(recipe.dataset, extracted.frame, rejected=extracted.rejected)
    say_figures(recipe, extracted.frame, outputs)


def say_figures(
    recipe: Recipe, frame: pl.DataFrame, outputs: Outputs, *, part: bool = False
) -> None:
    """Say a recipe's figures of some rows: of the day's, or of a shard's part of them."""
    if not recipe.figures:
        return
    totals = frame.select(**recipe.figures).row(0, named=True)
    for name, value in totals.items():
        outputs.figure(recipe.dataset, name, float(value or 0), part=part)


def extract(
    recipe: Recipe, files: Iterable[Delivered], bounds: tuple[dt.datetime, dt.datetime]
) -> Extracted:
    """Read files one after the other and keep what is of the business day.

    A record without a usable time, and one that lies in another day's folder, belongs to the
    business day that the middle of its folder's day is in: so it is kept aside exactly once.

    Args:
        recipe: How to read them.
        files: The files of all upstream days that overlap the business day.
        bounds: The business day in UTC, [start, end).

    Raises:
        ContractBrokenError: A file does not keep what was promised.
    """
    account = Account()
    notes: list[str] = []
    frames: list[pl.DataFrame] = []
    rejected: list[pl.DataFrame] = [rejected_rows()]
    for rows, aside, others, told in _side_by_side(
        lambda file: _of_one_file(recipe, file, bounds), files
    ):
        account.files += 1
        account.records += rows.height + aside.height + others
        account.other_days += others
        frames.append(rows)
        rejected.append(aside)
        notes += told
    gathered = pl.concat(frames) if frames else _no_rows(recipe)
    settled = settle_duplicates(gathered, key=recipe.key, latest_by=recipe.latest_by or recipe.time)
    rejected.append(settled.rejected)
    aside = pl.concat(rejected)
    account.rows, account.repeats, account.aside = (
        settled.frame.height,
        settled.repeats,
        aside.height,
    )
    notes.append(account.sentence(recipe.dataset))
    return Extracted(settled.frame, aside, account, tuple(notes))


def _side_by_side(work: Callable[[Delivered], _T], files: Iterable[Delivered]) -> Iterator[_T]:
    """Do a few files at a time, in order: unpacking one keeps only one processor busy."""
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        waiting: deque[Future[_T]] = deque()
        for file in files:
            waiting.append(pool.submit(work, file))
            if len(waiting) > _AT_A_TIME:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _of_one_file(
    recipe: Recipe, file: Delivered, bounds: tuple[dt.datetime, dt.datetime]
) -> tuple[pl.DataFrame, pl.DataFrame, int, tuple[str, ...]]:
    """Return rows of the day, records kept aside, how many are of other days, and notes."""
    read = recipe.read(file.data, _with_given(recipe), where=file.where)
    file.check_records(read.count)
    rows = read.rows.select(list(recipe.columns))
    breaches = _breaches(recipe, file.day)
    sound = ~pl.any_horizontal(broken for _, broken in breaches).fill_null(value=False)
    keep = read.rows.select(sound & is_within(recipe.time, bounds)).to_series()
    good = rows if keep.all(ignore_nulls=False) else rows.filter(keep)
    start, end = bounds
    if not start <= noon(file.day, recipe.zone) < end:
        return good, rejected_rows(), read.count - good.height, read.notes
    aside = [read.rejected]
    if good.height < rows.height:
        broken = read.rows.select(_rule_broken(breaches)).to_series()
        if broken.null_count() < rows.height:
            aside.append(_aside(recipe, read.raw(), rows, broken))
    set_aside = pl.concat(aside)
    return good, set_aside, read.count - good.height - set_aside.height, read.notes


def _with_given(recipe: Recipe) -> Columns:
    """Return the columns, and beside them whether fields were given that may be null."""
    fields = {fault.given_as for fault in recipe.faults if fault.given_as}
    given = {f"{_GIVEN}{name}": blank_to_null(name).is_not_null() for name in fields}
    return {**recipe.columns, **given}


def _breaches(recipe: Recipe, day: dt.date) -> list[tuple[str, pl.Expr]]:
    """Return how a record breaks each rule, the rule that comes first first."""
    breaches = []
    for fault in recipe.faults:
        missing = pl.col(fault.column).is_null()
        if fault.given_as:
            missing &= pl.col(f"{_GIVEN}{fault.given_as}")
        breaches.append((fault.rule, missing))
    return [*breaches, (_STRAYED, ~is_within(recipe.time, day_in(recipe.zone, day)))]


def _rule_broken(breaches: Sequence[tuple[str, pl.Expr]]) -> pl.Expr:
    """Return the first rule that each record breaks, null for a sound one."""
    rules = [pl.when(broken).then(pl.lit(rule)) for rule, broken in breaches]
    return pl.coalesce(rules).alias("rule")


def _aside(
    recipe: Recipe, records: pl.DataFrame, rows: pl.DataFrame, broken: pl.Series
) -> pl.DataFrame:
    details = {fault.rule: fault.detail for fault in recipe.faults}
    details[_STRAYED] = "the record's time is on another day than it was delivered for"
    bad = broken.is_not_null()
    return (
        rows.filter(bad)
        .select(
            rule=broken.filter(bad),
            record=records.filter(bad).select(as_json()).to_series(),
            key=as_key(recipe.key),
        )
        .with_columns(detail=pl.col("rule").replace_strict(details, return_dtype=pl.String))
    )


def _no_rows(recipe: Recipe) -> pl.DataFrame:
    return recipe.read(b"", recipe.columns, where=recipe.dataset).rows
