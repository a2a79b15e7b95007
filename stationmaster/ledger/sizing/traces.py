"""Read a history of runs from CSV; what cannot be true is kept aside, counted and named by line."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final, NamedTuple

import polars as pl

from stationmaster.ledger.sizing.observations import DAY_SECONDS, MIB
from stationmaster.step.errors import ContractBrokenError, MisconfiguredError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["COLUMNS", "SetAside", "Trace", "as_history", "read_trace"]

COLUMNS: Final = (
    *("task", "submitted_at", "peak_bytes", "requested_bytes", "input_bytes", "duration_seconds"),
)
NUMBERS: Final = ("peak_bytes", "requested_bytes", "input_bytes", "duration_seconds")
UNKNOWN: Final = ("", "-", "null", "NULL", "None", "NA", "nan", "NaN")

LEAST_PROCESS_BYTES: Final = float(MIB)
"""No process on Linux has a smaller peak: a number below it was meant in another unit."""

MOST_BYTES: Final = 2.0**50
MOST_SECONDS: Final = 366 * DAY_SECONDS
MOST_OVER_REQUEST: Final = 64.0
"""A peak so many times the request means that one of the two is in another unit."""

MOST_UNDER_REQUEST: Final = 512.0
"""Every request so many times its peak means the same of the whole column."""

MOST_IN_ANOTHER_UNIT: Final = 0.1
"""Part of the rows beyond which a history of mixed units is refused as a whole."""

LINES_NAMED: Final = 10
LATEST_SECONDS: Final = 1e11
"""Epochs beyond it are in milliseconds (micro-, nanoseconds): as seconds they are past 5100."""


class SetAside(NamedTuple):
    """Hold one reason why rows were kept aside, how many, and the first lines of the file."""

    reason: str
    rows: int
    lines: list[int]


class Trace(NamedTuple):
    """Hold a history that can be replayed, in order of submission, and what was kept aside."""

    frame: pl.DataFrame
    set_aside: list[SetAside]


def read_trace(path: Path) -> Trace:
    """Return the history in a CSV file with a header.

    `submitted_at` is ISO 8601 (UTC where it names no zone) or an epoch; `input_bytes` may be empty.

    Raises:
        MisconfiguredError: The file is not there, empty, not CSV, or lacks a column.
        ContractBrokenError: No row can be used, or the units are mixed throughout.
    """
    text = _text(path)
    missing = [name for name in COLUMNS if name not in text.columns]
    if missing:
        raise MisconfiguredError(
            where=str(path),
            expected=f"the columns {', '.join(COLUMNS)}",
            got=f"no {', '.join(missing)} (there are: {', '.join(text.columns)})",
            hint="Write a header line with these names; leave input_bytes empty where unknown.",
        )
    rows = _judged(_typed(text.select(COLUMNS).with_row_index("line", offset=2)))
    _refuse_mixed_units(path, rows)
    kept = rows.filter(pl.col("reason").is_null()).drop("reason")
    if not kept.height:
        raise ContractBrokenError(
            where=str(path),
            expected="runs with a peak, a request and a duration",
            got="; ".join(_sentence(each) for each in _set_aside(rows)) or "a header and no row",
            hint="Correct the file; sizes are bytes, durations seconds.",
        )
    return Trace(kept.sort("submitted_at", maintain_order=True), _set_aside(rows))


def as_history(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a trace's frame as `replay_sizes` takes it: sorted by step, order of submission."""
    return (
        frame.with_row_index("order")
        .select(
            "order",
            "task",
            "submitted_at",
            "duration_seconds",
            code=pl.col("task").rank("dense").cast(pl.UInt32) - 1,
            needed=pl.col("peak_bytes").cast(pl.Float64),
            declared=pl.col("requested_bytes").cast(pl.Float64),
            input_bytes=pl.col("input_bytes").cast(pl.Float64),
        )
        .sort("code", "order")
    )


def _text(path: Path) -> pl.DataFrame:
    """Return all columns as text."""
    where = str(path)
    header = ",".join(COLUMNS)
    if not path.is_file():
        raise MisconfiguredError(
            where=where,
            expected="a file",
            got="a folder" if path.is_dir() else "nothing there",
            hint="Correct the path.",
        )
    try:
        frame = pl.read_csv(path, infer_schema=False, null_values=list(UNKNOWN), glob=False)
    except OSError as error:
        raise MisconfiguredError(
            where=where,
            expected="a file that can be read",
            got=str(error),
            hint="Correct its permissions.",
        ) from error
    except pl.exceptions.NoDataError as error:
        raise MisconfiguredError(
            where=where,
            expected=f"CSV with the header {header}",
            got="an empty file",
            hint="Export it again; `stationmaster sizes traces generate` makes an example.",
        ) from error
    except (pl.exceptions.ComputeError, UnicodeDecodeError) as error:
        raise MisconfiguredError(
            where=where,
            expected=f"CSV in UTF-8 with the header {header}, as many fields in each line",
            got=str(error).splitlines()[0],
            hint="Quote fields that hold commas, and write UTF-8.",
        ) from error
    stripped = {
        name: name.strip().removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}") for name in frame.columns
    }
    return frame.rename(stripped)


def _typed(text: pl.DataFrame) -> pl.DataFrame:
    """Return the columns as numbers; what is no number is null, and marked in `not_a_number`."""
    numbers = {
        name: pl.col(name).str.strip_chars().cast(pl.Float64, strict=False) for name in NUMBERS
    }
    wrong = [
        pl.when(numbers[name].is_null() & pl.col(name).is_not_null()).then(pl.lit(name))
        for name in NUMBERS
    ]
    return text.select(
        "line",
        pl.col("task").str.strip_chars(),
        _moments(text["submitted_at"]),
        *(each.alias(name) for name, each in numbers.items()),
        pl.coalesce(*wrong).alias("not_a_number"),
    )


def _moments(column: pl.Series) -> pl.Series:
    """Return seconds since 1970; null where a text is no time."""
    numbers = column.str.strip_chars().cast(pl.Float64, strict=False)
    if numbers.null_count() > column.null_count():
        texts = column.filter(numbers.is_null() & column.is_not_null()).unique().to_list()
        known = {text: _epoch(text) for text in texts}
        parsed = column.replace_strict(known, default=None, return_dtype=pl.Float64)
        numbers = pl.select(pl.coalesce(numbers, parsed)).to_series()
    frame = numbers.alias("submitted_at").to_frame()
    for _ in range(3):
        moment = pl.col("submitted_at")
        frame = frame.with_columns(
            pl.when(moment > LATEST_SECONDS).then(moment / 1000).otherwise(moment)
        )
    return frame.to_series()


def _epoch(text: str) -> float | None:
    try:
        moment = dt.datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()


def _judged(rows: pl.DataFrame) -> pl.DataFrame:
    """Add `reason`: why a row cannot be true or be used; null: it is fine."""
    peak, asked = pl.col("peak_bytes"), pl.col("requested_bytes")
    seconds, source = pl.col("duration_seconds"), pl.col("input_bytes")
    rules: list[tuple[pl.Expr, str]] = [
        (pl.col("task").is_null() | (pl.col("task") == ""), "task is empty"),
        (pl.col("submitted_at").is_null(), "submitted_at is no time"),
        *((pl.col("not_a_number") == name, f"{name} is no number") for name in NUMBERS),
        *(
            (pl.col(name).is_null(), f"{name} is missing")
            for name in NUMBERS
            if name != "input_bytes"
        ),
        (
            ~pl.all_horizontal(pl.col(NUMBERS).is_finite().fill_null(value=True)),
            "a number is infinite",
        ),
        (peak < 0, "peak_bytes is negative"),
        (peak == 0, "peak_bytes is zero: it was not measured"),
        (asked <= 0, "requested_bytes is not above zero"),
        (source < 0, "input_bytes is negative"),
        (seconds < 0, "duration_seconds is negative"),
        (seconds > MOST_SECONDS, "duration_seconds is longer than a year"),
        (peak > MOST_BYTES, "peak_bytes is beyond 1 PiB"),
        (asked > MOST_BYTES, "requested_bytes is beyond 1 PiB"),
        (peak < LEAST_PROCESS_BYTES, f"peak_bytes {OTHER_UNIT}"),
        (asked < LEAST_PROCESS_BYTES, f"requested_bytes {OTHER_UNIT}"),
        (
            peak > asked * MOST_OVER_REQUEST,
            f"peak_bytes is over 64 times requested_bytes: one of them {LOOKS_OTHER}",
        ),
    ]
    reason = pl.coalesce(*(pl.when(rule).then(pl.lit(words)) for rule, words in rules))
    return rows.with_columns(reason.alias("reason")).drop("not_a_number")


LOOKS_OTHER: Final = "looks like KiB, MiB or GiB, not bytes"
OTHER_UNIT: Final = f"is below 1 MiB: it {LOOKS_OTHER}"


def _refuse_mixed_units(path: Path, rows: pl.DataFrame) -> None:
    """Raise where so many rows are in another unit that the rest would not tell the truth."""
    mixed = rows.filter(pl.col("reason").str.ends_with(LOOKS_OTHER))
    if mixed.height > MOST_IN_ANOTHER_UNIT * rows.height:
        raise ContractBrokenError(
            where=str(path),
            expected="peak_bytes and requested_bytes in bytes in every row",
            got="; ".join(_sentence(each) for each in _set_aside(mixed)),
            hint="Convert both to bytes: 1 MiB is 1048576, 1 KiB is 1024, 1 GB is 1000000000.",
        )
    fine = rows.filter(pl.col("reason").is_null())
    least = fine.select((pl.col("requested_bytes") / pl.col("peak_bytes")).min()).item()
    if least is not None and least > MOST_UNDER_REQUEST:
        raise ContractBrokenError(
            where=str(path),
            expected="peak_bytes and requested_bytes in the same unit, bytes",
            got=f"requests that are at least {least:,.0f} times the peak in every row",
            hint="Convert peak_bytes to bytes: 1 KiB is 1024, 1 MiB is 1048576.",
        )


def _set_aside(rows: pl.DataFrame) -> list[SetAside]:
    groups = (
        rows.filter(pl.col("reason").is_not_null())
        .group_by("reason", maintain_order=True)
        .agg(pl.len().alias("rows"), pl.col("line").head(LINES_NAMED))
    )
    return [SetAside(*row) for row in groups.iter_rows()]


def _sentence(aside: SetAside) -> str:
    lines = ", ".join(map(str, aside.lines))
    more = "" if aside.rows <= len(aside.lines) else ", …"
    return f"{aside.reason} in {aside.rows:,} of the rows (line {lines}{more})"
