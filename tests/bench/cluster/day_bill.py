"""The nodes' bill of a day without the product: NodeClaims from create to delete, by price.

Reads the same table of prices, by other code, and knows nothing of the ledger's lives of nodes.
"""

from __future__ import annotations

import csv
import itertools
from typing import TYPE_CHECKING, Final

from stationmaster.ledger.cost.prices import SHIPPED_PRICES

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from tests.bench.cluster.day_samples import Claim, Sample

__all__ = [
    "bill_of",
    "empty_node_minutes",
    "percentile",
    "price_of",
    "read_prices",
    "seconds_until",
]

SPOT_SHARE: Final = 0.35
SECONDS_AN_HOUR: Final = 3600.0


def read_prices(path: Path = SHIPPED_PRICES) -> dict[str, float]:
    """Return the on-demand price in USD an hour of each instance type of a table."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line[:1] != "#"]
    return {row["instance_type"]: float(row["usd_per_hour"]) for row in csv.DictReader(lines)}


def price_of(claim: Claim, prices: Mapping[str, float]) -> float:
    """Return what a machine costs an hour; spot is the stated share of on-demand."""
    share = SPOT_SHARE if claim.capacity_type == "spot" else 1.0
    return prices[claim.instance_type] * share


def bill_of(claims: Iterable[Claim], prices: Mapping[str, float], until: dt.datetime) -> float:
    """Return what machines cost from their creation to their end, or up to a moment."""
    return sum(
        ((each.ended or until) - each.created).total_seconds()
        / SECONDS_AN_HOUR
        * price_of(each, prices)
        for each in claims
    )


def empty_node_minutes(samples: Sequence[Sample]) -> float:
    """Return for how many minutes ready nodes had no step, all nodes together."""
    steps = itertools.pairwise(samples)
    return sum(one.empty * (two.second - one.second) for one, two in steps) / 60


def seconds_until(samples: Iterable[Sample], start: float, running: int) -> float | None:
    """Return how long after a second that many containers ran; None if they never did."""
    later = (each.second for each in samples if each.second >= start and each.running >= running)
    first = next(later, None)
    return None if first is None else round(first - start, 1)


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value below which that share lies, of those that are there (nearest rank).

    Raises:
        ValueError: There are no values.
    """
    ordered = sorted(values)
    if not ordered:
        message = "expected values, got none"
        raise ValueError(message)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
