"""Choose which contacts are compared: those that share a key, and never more than a bounded few."""

from __future__ import annotations

import polars as pl

__all__ = ["EARLIEST", "TIES", "candidate_pairs"]

EARLIEST = 12
"""Each contact is compared with this many of the earliest contacts that share a key.

So pairs grow with the rows and not with their square, and a pair depends only on contacts that
were there before the later of the two: a new day never takes a pair away.
"""

TIES = ("account", "order", "device")
"""Key kinds that tie contacts by what they did, not by what they hold."""


def candidate_pairs(keys: pl.DataFrame) -> pl.DataFrame:
    """Give each pair once: left < right, `since`, and the first day of each tie (or null)."""
    ranked = (
        keys.lazy()
        .sort("since", "contact")
        .with_columns(
            rank=pl.int_range(pl.len(), dtype=pl.UInt32).over("key_kind", "key"),
            size=pl.len().over("key_kind", "key"),
        )
        .filter(pl.col("size") > 1)
    )
    earliest = ranked.filter(pl.col("rank") < EARLIEST)
    return (
        earliest.join(ranked, on=["key_kind", "key"], suffix="_later")
        .filter(pl.col("rank") < pl.col("rank_later"), pl.col("contact") != pl.col("contact_later"))
        .select(
            "key_kind",
            left=pl.min_horizontal("contact", "contact_later"),
            right=pl.max_horizontal("contact", "contact_later"),
            since=pl.col("since_later"),
        )
        .group_by("left", "right")
        .agg(
            pl.col("since").min(),
            *[
                pl.col("since").filter(pl.col("key_kind") == tie).min().alias(f"{tie}_since")
                for tie in TIES
            ],
        )
        .collect()
        .sort("left", "right")
    )
