"""A history that cannot be true is refused in words, or its rows are kept aside by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stationmaster.ledger.sizing.generating import Recipe, generate
from stationmaster.ledger.sizing.shapes import SHAPES
from stationmaster.ledger.sizing.traces import COLUMNS, read_trace
from stationmaster.step.errors import ContractBrokenError, MisconfiguredError, StepError

if TYPE_CHECKING:
    from pathlib import Path

HEADER = ",".join(COLUMNS)
FINE = "a,2026-01-02T03:04:05Z,500000000,4294967296,1000,60"


def written(tmp_path: Path, *lines: str) -> Path:
    """Return a file of these lines."""
    file = tmp_path / "trace.csv"
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file


def refused(file: Path, kind: type[StepError]) -> str:
    """Return what is said of a file that cannot be read."""
    with pytest.raises(kind) as error:
        read_trace(file)
    return str(error.value)


@pytest.mark.parametrize("missing", COLUMNS)
def test_a_missing_column_is_named(tmp_path: Path, missing: str) -> None:
    """The message says which column is not there, which are, and which are wanted."""
    file = written(tmp_path, ",".join(name for name in COLUMNS if name != missing), "1,2,3,4,5")

    words = refused(file, MisconfiguredError)
    assert f"no {missing}" in words
    assert HEADER.replace(",", ", ") in words


def test_an_empty_file_and_a_bare_header_are_told_apart(tmp_path: Path) -> None:
    """Neither ends in a traceback."""
    assert "an empty file" in refused(written(tmp_path), MisconfiguredError)
    assert "a header and no row" in refused(written(tmp_path, HEADER), ContractBrokenError)
    assert "nothing there" in refused(tmp_path / "none.csv", MisconfiguredError)
    assert "a folder" in refused(tmp_path, MisconfiguredError)


def test_a_line_with_too_many_fields_is_told(tmp_path: Path) -> None:
    """A comma in a name is the usual reason."""
    words = refused(written(tmp_path, HEADER, f"my,{FINE}"), MisconfiguredError)

    assert "Quote fields that hold commas" in words


def test_another_encoding_is_told(tmp_path: Path) -> None:
    """A name in Latin-1 is no reason for a traceback."""
    file = tmp_path / "latin.csv"
    file.write_bytes(f"{HEADER}\nf\xfcr,{FINE[2:]}\n".encode("latin-1"))

    assert "CSV in UTF-8" in refused(file, MisconfiguredError)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",1,500000000,4294967296,1,60", "task is empty"),
        ("a,yesterday,500000000,4294967296,1,60", "submitted_at is no time"),
        ("a,1,-5,4294967296,1,60", "peak_bytes is negative"),
        ("a,1,0,4294967296,1,60", "peak_bytes is zero: it was not measured"),
        ("a,1,,4294967296,1,60", "peak_bytes is missing"),
        ("a,1,500 MB,4294967296,1,60", "peak_bytes is no number"),
        ("a,1,inf,4294967296,1,60", "a number is infinite"),
        ("a,1,1e18,4294967296,1,60", "peak_bytes is beyond 1 PiB"),
        ("a,1,500000000,0,1,60", "requested_bytes is not above zero"),
        ("a,1,500000000,,1,60", "requested_bytes is missing"),
        ("a,1,500000000,4294967296,-1,60", "input_bytes is negative"),
        ("a,1,500000000,4294967296,1,-60", "duration_seconds is negative"),
        ("a,1,500000000,4294967296,1,1e9", "duration_seconds is longer than a year"),
        ("a,1,512,4294967296,1,60", "peak_bytes is below 1 MiB: it looks like KiB, MiB or GiB"),
        ("a,1,500000000,4096,1,60", "requested_bytes is below 1 MiB"),
        ("a,1,500000000,4194304,1,60", "peak_bytes is over 64 times requested_bytes"),
    ],
)
def test_a_row_that_cannot_be_true_is_kept_aside(tmp_path: Path, row: str, reason: str) -> None:
    """The others are replayed; the one is counted, with its reason and its line."""
    trace = read_trace(written(tmp_path, HEADER, *[FINE] * 20, row))

    assert trace.frame.height == 20
    (aside,) = trace.set_aside
    assert aside.reason.startswith(reason)
    assert (aside.rows, aside.lines) == (1, [22])


def test_mixed_units_throughout_are_refused(tmp_path: Path) -> None:
    """Where a fifth of the rows is in another unit, the rest would not tell the truth."""
    rows = [FINE] * 8 + [FINE.replace("500000000", "477")] * 2

    words = refused(written(tmp_path, HEADER, *rows), ContractBrokenError)
    assert "looks like KiB, MiB or GiB" in words
    assert "line 10, 11" in words


def test_a_column_in_kibibytes_is_refused(tmp_path: Path) -> None:
    """Peaks that are a thousandth of every request are in another unit, however large they are."""
    row = "a,1,2000000,4294967296,1,60"

    assert "in the same unit" in refused(written(tmp_path, HEADER, *[row] * 9), ContractBrokenError)


def test_small_steps_with_large_presets_are_believed(tmp_path: Path) -> None:
    """A tool of 7 MiB that asks for 12 GiB is common, and no matter of units."""
    rows = ["idx,1,7340032,12884901888,1,0"] * 30 + [FINE] * 10

    assert read_trace(written(tmp_path, HEADER, *rows)).set_aside == []


@pytest.mark.parametrize(
    "moment",
    [
        "1767323045",
        "1767323045000",
        "2026-01-02T03:04:05Z",
        "2026-01-02 03:04:05",
        "2026-01-02T04:04:05+01:00",
    ],
)
def test_times_are_read_in_every_usual_form(tmp_path: Path, moment: str) -> None:
    """Epochs in seconds or milliseconds, and ISO 8601 with or without a zone, are one moment."""
    row = FINE.replace("2026-01-02T03:04:05Z", moment)

    assert read_trace(written(tmp_path, HEADER, row)).frame["submitted_at"].to_list() == [
        1767323045.0
    ]


def test_unknown_inputs_and_other_columns_are_no_trouble(tmp_path: Path) -> None:
    """A dash or nothing for the input, and more columns than are asked for, are fine."""
    file = written(tmp_path, f"{HEADER},host", f"{FINE},n1", "a,1,500000000,4294967296,-,60,n2")

    assert read_trace(file).frame["input_bytes"].to_list() == [None, 1000.0]


@pytest.mark.parametrize("shape", SHAPES)
def test_each_family_can_be_read_back(tmp_path: Path, shape: str) -> None:
    """What the generator writes, the reader takes whole, in order of submission."""
    made = generate(Recipe(steps=4, shapes=(shape,), seed=3, most_runs=40))
    made.write_csv(tmp_path / "made.csv")

    trace = read_trace(tmp_path / "made.csv")

    assert trace.set_aside == []
    assert trace.frame["peak_bytes"].to_list() == made["peak_bytes"].cast(float).to_list()
    assert trace.frame["submitted_at"].is_sorted()


def test_a_seed_makes_the_same_history_again() -> None:
    """Two runs of a generator agree; another seed does not."""
    recipe = Recipe(steps=6, seed=5, rhythm="daily")

    assert generate(recipe).equals(generate(recipe))
    assert not generate(recipe).equals(generate(Recipe(steps=6, seed=6, rhythm="daily")))
