"""Say what became of yesterday's customers: who is new, who turned out to be one, or two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from merge_customers.clusters import evidence, weighed
from merge_customers.pairs import TIES

if TYPE_CHECKING:
    import datetime as dt

    from merge_customers.unify import Linked

__all__ = ["changes_between"]

BY_NAME = "the only customer of that name"
DOUBTED = "what joined them is now in doubt: another bearer of the name, or other given names"


def changes_between(
    linked: Linked, before: pl.DataFrame, after: pl.DataFrame, day: dt.date
) -> pl.DataFrame:
    """Compare the customers of two days: columns unified_id, change, other_id, reason.

    `merged`: what was `other_id` is now `unified_id`. `split`: what is now `unified_id` was part
    of `other_id`, which still exists. `new`: seen for the first time, `other_id` is its own id.
    """
    old = before.filter(pl.col("unified_id").is_not_null())
    now = after.filter(pl.col("unified_id").is_not_null())
    moved = (
        old.join(now, on="contact", suffix="_now")
        .select("unified_id_now", "unified_id")
        .unique()
        .rename({"unified_id": "other_id", "unified_id_now": "unified_id"})
    )
    kept = moved["unified_id"].unique()
    news = now.filter(~pl.col("unified_id").is_in(kept.implode())).select("unified_id").unique()
    moved = moved.filter(pl.col("unified_id") != pl.col("other_id"))
    survives = pl.col("other_id").is_in(now["unified_id"].unique().implode())
    change = pl.when(survives).then(pl.lit("split")).otherwise(pl.lit("merged"))
    joined = pl.col("reason").fill_null(BY_NAME)
    known = after.filter(pl.col("unified_id").is_in(moved["unified_id"].unique().implode()))
    moved = moved.join(_reasons(linked, known, day), on="unified_id", how="left").with_columns(
        change=change, reason=pl.when(survives).then(pl.lit(DOUBTED)).otherwise(joined)
    )
    first = news.with_columns(
        change=pl.lit("new"),
        other_id=pl.col("unified_id"),
        reason=pl.lit("seen for the first time"),
    )
    columns = ["unified_id", "change", "other_id", "reason"]
    return pl.concat([moved.select(columns), first.select(columns)]).sort(columns)


def _reasons(linked: Linked, after: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """Give each of the customers what the day's new pairs have in common, in words."""
    fresh = pl.any_horizontal(pl.col(name) == day for name in ("since", *_tie_days()))
    pairs = weighed(linked.pairs, day, linked.parameters).filter(
        pl.col("weight") >= linked.parameters["threshold"], fresh
    )
    return (
        pairs.join(after, left_on="left", right_on="contact")
        .with_columns(words=evidence())
        .explode("words")
        .group_by("unified_id")
        .agg(reason=pl.col("words").drop_nulls().unique().sort().str.join(", "))
        .with_columns(reason=pl.when(pl.col("reason") != "").then("reason"))
        .filter(pl.col("unified_id").is_not_null())
    )


def _tie_days() -> list[str]:
    return [f"{tie}_since" for tie in TIES]
