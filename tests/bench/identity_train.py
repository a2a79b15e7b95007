"""Learn the parameters of the merge from the truth of the tuning days, and write them down.

Run `python tests/bench/identity_train.py`, look at the difference, commit it. The tuning days are
December 2009 to May 2010 as they were, and 1 to 4 February 2010 at 10,000 orders a day; no other
day is looked at. A level's m is its share among the pairs that are one person, its u among those
that are not, both within "names agree" and "names differ": so a phone that a family shares does
not speak for one person, and a phone that two spellings of a name share does.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from merge_customers.contacts import contacts_of
from merge_customers.model import COMPARISONS, THOUGH, names_differ, score
from merge_customers.pairs import TIES, candidate_pairs
from merge_customers.records import gather
from tests.bench.identity_days import generated, with_person

if TYPE_CHECKING:
    from merge_customers.model import Parameters
    from tests.bench.identity_days import Days

__all__ = ["TUNING", "learnt", "main"]

TUNING = (
    (dt.date(2009, 12, 1), dt.date(2010, 5, 31), None),
    (dt.date(2010, 2, 1), dt.date(2010, 2, 4), 10_000),
)
THRESHOLD = 5.0
"""Bits, chosen for the count: on the tuning days it hardly moves between 5 and 10, and who moved
house (same name, same phone, another home) has a little more than 5."""

MODEL = Path("jobs/merge-customers/src/merge_customers/model.json")
FEW = 0.5
"""Added to each level's count, so that what never happened is not impossible."""


def even() -> Parameters:
    """Give parameters that prefer nothing: the levels are what is wanted, not the score."""
    levels = {name: [label for label, _ in of] for name, (_, of) in COMPARISONS.items()}
    return {
        "prior": 0.5,
        "comparisons": {
            name: {label: [0.5, 0.5] for label in (*labels, "other")}
            for name, labels in levels.items()
        },
    }


def labelled(days: Days) -> pl.DataFrame:
    """Give the candidate pairs of days with their levels and `same`: one person or not."""
    contacts = contacts_of(gather(days.extracts))
    pairs = score(contacts.contacts, candidate_pairs(contacts.keys), even())
    named = with_person(contacts.records.filter(pl.col("contact").is_not_null()), days)
    people = named.group_by("contact").agg(pl.col("person").first())
    return (
        pairs.join(people, left_on="left", right_on="contact")
        .join(people, left_on="right", right_on="contact", suffix="_right")
        .with_columns(same=pl.col("person") == pl.col("person_right"))
    )


def learnt(pairs: pl.DataFrame) -> Parameters:
    """Count the levels among pairs of one person and of two."""
    share = pairs.filter("same").height / pairs.height
    return {
        "prior": round(share, 4),
        "threshold": THRESHOLD,
        "comparisons": {name: levels_of(pairs, name) for name in COMPARISONS},
        "ties": {
            tie + label: tie_bits(pairs.filter(rule), tie)
            for tie in TIES
            for label, rule in (("", ~names_differ()), (THOUGH, names_differ()))
        },
    }


def levels_of(pairs: pl.DataFrame, name: str) -> dict[str, list[float]]:
    """Give each level of a comparison its m and u."""
    labels = [*[label for label, _ in COMPARISONS[name][1]], "other"]
    groups: dict[bool, list[str]] = {}
    for label in labels:
        groups.setdefault(label.endswith(THOUGH), []).append(label)
    found = dict(pairs.group_by(f"gamma_{name}").agg("same").iter_rows())
    result: dict[str, list[float]] = {}
    for group in groups.values():
        values = {label: found.get(len(labels) - 1 - labels.index(label), []) for label in group}
        totals = [
            sum(sum(same is wanted for same in of) + FEW for of in values.values())
            for wanted in (True, False)
        ]
        for label, of in values.items():
            counts = [sum(same is wanted for same in of) + FEW for wanted in (True, False)]
            result[label] = [
                round(count / total, 6) for count, total in zip(counts, totals, strict=True)
            ]
    return {label: result[label] for label in labels}


def tie_bits(pairs: pl.DataFrame, tie: str) -> float:
    """Say how many bits a tie speaks for one person."""
    tied = pl.col(f"{tie}_since").is_not_null()
    shares = []
    for wanted in (pl.col("same"), ~pl.col("same")):
        group = pairs.filter(wanted)
        shares.append((group.filter(tied).height + FEW) / (group.height + 2 * FEW))
    return round(math.log2(shares[0] / shares[1]), 2)


def main() -> None:
    """Learn from the tuning days and write model.json."""
    parts = [labelled(generated(*period)) for period in TUNING]
    parameters = learnt(pl.concat(parts))
    MODEL.write_text(json.dumps(parameters, indent=2) + "\n", encoding="utf-8")
    sys.stdout.write(f"{MODEL}: learnt from {sum(part.height for part in parts)} pairs\n")


if __name__ == "__main__":
    main()
