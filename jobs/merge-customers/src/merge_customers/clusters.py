"""Put contacts together that are one person, as known on a day.

A pair counts by the day on which both contacts were there, so the clusters of yesterday can be
found among the data of today: no merge needs the result of the one before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import polars as pl

from merge_customers.model import COMPARISONS, NAME_ONLY, THOUGH, names_differ
from merge_customers.pairs import TIES

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from merge_customers.model import Parameters

__all__ = ["clusters_on", "evidence", "weighed"]

RARE = 0.05
"""Of this share of namesakes on, a changed mail is less likely than another person."""

ESTABLISHED = 2
"""A given name counts as a cluster's when this many of its contacts bear it: a typo is no name."""


def weighed(pairs: pl.DataFrame, day: dt.date, parameters: Parameters) -> pl.DataFrame:
    """Keep the pairs that were there on a day; `weight` is the score with the ties known then."""
    ties = parameters["ties"]
    weight = pl.col("match_weight")
    for tie in TIES:
        bits = pl.when(names_differ()).then(ties[tie + THOUGH]).otherwise(ties[tie])
        known = pl.col(f"{tie}_since") <= day
        weight = weight + pl.when(known.fill_null(value=False)).then(bits).otherwise(0.0)
    return pairs.filter(pl.col("since") <= day).with_columns(weight=weight)


def clusters_on(
    contacts: pl.DataFrame, pairs: pl.DataFrame, day: dt.date, parameters: Parameters
) -> pl.DataFrame:
    """Give each contact of a day its `cluster`: the number of the cluster's first contact."""
    present = contacts.filter(pl.col("day") <= day)
    known = weighed(pairs, day, parameters)
    edges = known.filter(pl.col("weight") >= parameters["threshold"])
    labels = _labels(present.height, edges.select("left", "right").iter_rows())
    found = present.with_columns(cluster=pl.Series(labels, dtype=pl.UInt32))
    found = found.with_columns(cluster=_without_conflicts(found, edges))
    weak = known.filter(pl.col("weight") < parameters["threshold"])
    return _join_by_name(found, weak).select("contact", "cluster")


def _labels(size: int, edges: Iterable[tuple[int, ...]]) -> list[int]:
    """Find the connected components of contacts 0 … size - 1, by union and find."""
    parent = list(range(size))

    def root(one: int) -> int:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for left, right in edges:
        a, b = root(left), root(right)
        if a != b:
            parent[max(a, b)] = min(a, b)
    return [root(one) for one in range(size)]


def _without_conflicts(found: pl.DataFrame, edges: pl.DataFrame) -> pl.Series:
    """Take chains apart that join people of different given names ("S Reed" is no bridge)."""
    conflicts = _conflicts(found)
    if not conflicts:
        return found["cluster"]
    labels = found["cluster"].to_list()
    members = found.filter(pl.col("cluster").is_in(list(conflicts)))
    given = dict(members.select("contact", "given").iter_rows())
    inside = edges.filter(pl.col("left").is_in(members["contact"].implode()))
    ordered = inside.sort("weight", "left", "right", descending=[True, False, False])
    names = {one: {name} - {None} for one, name in given.items()}
    home = {one: one for one in given}
    groups = {one: [one] for one in given}
    for left, right in ordered.select("left", "right").iter_rows():
        a, b = sorted((home[left], home[right]))
        refused = conflicts[labels[left]]
        if a == b or any((x, y) in refused for x in names[a] for y in names[b]):
            continue
        names[a] |= names[b]
        groups[a] += groups[b]
        home.update(dict.fromkeys(groups[b], a))
    for one, first in home.items():
        labels[one] = first
    return pl.Series(labels, dtype=pl.UInt32)


def _conflicts(found: pl.DataFrame) -> dict[int, set[tuple[str, str]]]:
    """Give each doubtful cluster the pairs of its given names that no one person bears."""
    names = (
        found.filter(pl.col("given").str.len_chars() > 1)
        .group_by("cluster", "given")
        .agg(pl.len(), pl.col("forms").first())
        .filter(pl.col("len") >= ESTABLISHED, pl.len().over("cluster") > 1)
    )
    if names.is_empty():
        return {}
    with duckdb.connect() as database:
        database.register("names", names.to_arrow())
        rows = database.execute(
            "SELECT l.cluster, l.given, r.given FROM names l JOIN names r"
            " ON l.cluster = r.cluster AND l.given <> r.given"
            " WHERE NOT list_has_any(l.forms, r.forms)"
            " AND jaro_winkler_similarity(l.given, r.given) < 0.8"
            " AND damerau_levenshtein(l.given, r.given) > 2"
        ).fetchall()
    conflicts: dict[int, set[tuple[str, str]]] = {}
    for cluster, left, right in rows:
        conflicts.setdefault(cluster, set()).add((left, right))
    return conflicts


def _join_by_name(found: pl.DataFrame, weak: pl.DataFrame) -> pl.DataFrame:
    """Let a cluster that only support knows join the one customer who bears its name.

    Nothing speaks against such a pair and only the name for it. With two who bear the name
    nobody can tell; with one it mostly is that one. Where both have mails, or phones, and share
    none, it is so only as long as namesakes are rare: people change mails, at a steady rate.
    """
    silent = [pl.col(f"gamma_{name}") == -1 for name in COMPARISONS if name != "name"]
    pairs = weak.filter(pl.col("gamma_name").is_between(*NAME_ONLY), *silent)
    clusters = found.select("contact", "cluster")
    sides = pairs.join(clusters, left_on="left", right_on="contact").join(
        clusters, left_on="right", right_on="contact", suffix="_right"
    )
    both = pl.concat(
        [
            sides.select(lone="cluster", other="cluster_right"),
            sides.select(lone="cluster_right", other="cluster"),
        ]
    ).filter(pl.col("lone") != pl.col("other"))
    involved = found.filter(pl.col("cluster").is_in(both["lone"].unique().implode()))
    known = involved.group_by("cluster").agg(
        homeless=(pl.col("street").is_null() & pl.col("code").is_null()).all(),
        mails=pl.col("mail").drop_nulls().unique(),
        phones=pl.col("phone_digits").drop_nulls().unique(),
    )
    candidates = (
        both.unique()
        .join(known, left_on="lone", right_on="cluster")
        .join(known, left_on="other", right_on="cluster", suffix="_other")
        .filter("homeless", ~pl.col("homeless_other"))
    )
    if _namesakes(found) >= RARE:
        candidates = candidates.filter(*[_no_conflict(name) for name in ("mails", "phones")])
    joins = candidates.filter(pl.len().over("lone") == 1)
    labels = _labels(
        found.height,
        [
            *found.select("contact", "cluster").iter_rows(),
            *joins.select("lone", "other").sort("lone").iter_rows(),
        ],
    )
    return found.with_columns(cluster=pl.Series(labels, dtype=pl.UInt32))


def _namesakes(found: pl.DataFrame) -> float:
    """Give the share of customers with a home whose name another one bears too."""
    bearers = found.filter(pl.col("given").is_not_null(), pl.col("code").is_not_null())
    names = bearers.unique("cluster", keep="first", maintain_order=True)
    if names.is_empty():
        return 0.0
    shared = names.filter(pl.len().over("given", "surname") > 1)
    return shared.height / names.height


def _no_conflict(name: str) -> pl.Expr:
    one, other = pl.col(name), pl.col(f"{name}_other")
    unknown = (one.list.len() == 0) | (other.list.len() == 0)
    return unknown | (one.list.set_intersection(other).list.len() > 0)


def evidence() -> pl.Expr:
    """Say in words what a weighed pair has in common."""
    same = {
        "same account": pl.col("account_since").is_not_null(),
        "same order": pl.col("order_since").is_not_null(),
        "same device": pl.col("device_since").is_not_null(),
        **{f"same {name}": _says(name) for name in ("mail", "phone", "home")},
        "same name": pl.col("gamma_name").is_between(*NAME_ONLY),
    }
    words = [pl.when(rule).then(pl.lit(text)) for text, rule in same.items()]
    return pl.concat_list(words).list.drop_nulls()


def _says(name: str) -> pl.Expr:
    return pl.col(f"gamma_{name}") >= len(COMPARISONS[name][1]) - 1
