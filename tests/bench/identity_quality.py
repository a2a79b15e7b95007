"""Measure the merge against the truth, on days that nothing was tuned on.

Run `python tests/bench/identity_quality.py`; it prints one JSON document. A customer is who
ordered, received a parcel or wrote to support: the truth is counted by the same rule. People who
only logged in so far stand beside.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from typing import TYPE_CHECKING

import polars as pl

from merge_customers.records import gather
from merge_customers.unify import customers_on, known_records, link
from tests.bench.identity_days import generated, with_person

if TYPE_CHECKING:
    from tests.bench.identity_days import Days

__all__ = ["HELD_OUT", "cluster_scores", "main", "quality"]

HELD_OUT: dict[str, tuple[dt.date, dt.date, int | None]] = {
    "six months of real days": (dt.date(2010, 12, 1), dt.date(2011, 5, 31), None),
    "10,000 orders a day": (dt.date(2011, 3, 1), dt.date(2011, 3, 4), 10_000),
}
CHECKED = 6
"""Days within a period on which the count is compared."""


def quality(days: Days, last: dt.date, checked: list[dt.date]) -> dict[str, object]:
    """Compare counts on some days and clusters on the last one."""
    started = time.perf_counter()
    linked = link(gather(days.extracts))
    customers = {day: customers_on(linked, day) for day in (*checked, last)}
    seconds = time.perf_counter() - started
    records = with_person(known_records(linked, customers[last]), days)
    deeds = records.filter(pl.col("kind") != "visit")
    errors = {
        str(day): count_error(deeds, customers[day]["unified_id"].drop_nulls().n_unique(), day)
        for day in checked
    }
    found = deeds["unified_id"].n_unique()
    accounts = customers[last].filter(pl.col("unified_id").is_null())
    return {
        "customers": found,
        "truth": deeds["person"].n_unique(),
        "count_error": count_error(deeds, found, last),
        "count_error_on_the_way": errors,
        "worst_count_error": max(abs(error) for error in errors.values()),
        **cluster_scores(deeds.select(found="unified_id", person="person")),
        "only_logged_in": {
            "accounts_and_logins": accounts["cluster"].n_unique(),
            "people": len(set(records["person"]) - set(deeds["person"])),
        },
        "records": records.height,
        "seconds": round(seconds, 1),
    }  # fmt: skip


def count_error(deeds: pl.DataFrame, found: int, day: dt.date) -> float:
    """Give the share by which a day's count is too high, or too low (negative)."""
    truth = deeds.filter(pl.col("day") <= day)["person"].n_unique()
    return round(found / truth - 1, 5)


def cluster_scores(rows: pl.DataFrame) -> dict[str, float]:
    """Give B-cubed and pairwise precision, recall and F1 of rows with found and person."""
    cells = rows.group_by("found", "person").len()
    sizes = {name: rows.group_by(name).len(f"{name}_len") for name in ("found", "person")}
    both = cells.join(sizes["found"], on="found").join(sizes["person"], on="person")
    squares = pl.col("len").cast(pl.Float64) ** 2
    bcubed = [
        float(both.select((squares / pl.col(f"{name}_len")).sum()).item()) / rows.height
        for name in ("found", "person")
    ]
    twos = {name: _pairs(frame[f"{name}_len"]) for name, frame in sizes.items()}
    hits = _pairs(cells["len"])
    pairwise = [hits / twos["found"], hits / twos["person"]]
    scores = {}
    for kind, (precision, recall) in (("bcubed", bcubed), ("pairwise", pairwise)):
        scores[f"{kind}_precision"] = round(precision, 5)
        scores[f"{kind}_recall"] = round(recall, 5)
        scores[f"{kind}_f1"] = round(2 * precision * recall / (precision + recall), 5)
    return scores


def _pairs(sizes: pl.Series) -> int:
    wide = sizes.cast(pl.Int64)
    return int((wide * (wide - 1) // 2).sum())


def main() -> None:
    """Print the quality on each held-out period."""
    report = {}
    for name, (first, last, volume) in HELD_OUT.items():
        span = (last - first).days
        steps = min(CHECKED, span)
        checked = [first + dt.timedelta(days=span * step // steps) for step in range(1, steps + 1)]
        report[name] = quality(generated(first, last, volume), last, checked)
    sys.stdout.write(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
