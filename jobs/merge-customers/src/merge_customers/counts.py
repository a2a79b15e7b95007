"""Explain each team's customer count: numbers that lead from it to the unified one, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from merge_customers.records import SOURCES

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["counts_of", "own_keys"]

OWN = {
    "web": "Customers as the web team counts them: accounts, and mail addresses of guests.",
    "app": "Customers as the app team counts them: logins, and devices that order without one.",
    "delivery": "Customers as the delivery team counts them: recipient names at a postcode.",
    "support": "Customers as the support team counts them: mail addresses, or names without one.",
}
WHY = {
    "guests": "The same people again, without logging in: a guest's mail or another device.",
    "duplicates": "The same people again: a typo, a changed mail, a second account.",
    "shared_contacts": "More people than the team sees: a family behind one mail, device or name.",
    "only_logged_in": "Accounts that only logged in: nothing ordered, received or written.",
    "nobody": "Entries that say nothing of who it was, such as the mail 'none'.",
    "without_key": "Customers of this source who left nothing that the team counts by.",
    "not_seen_here": "Customers that only other sources know.",
}
SEEN = "Distinct people who ordered, received a parcel or wrote to support, each counted once."
SCHEMA = {
    "source": pl.String,
    "measure": pl.String,
    "value": pl.Int64,
    "explanation": pl.String,
}
DAY = "_on_day"
"""Behind a source's name: the same way, for the people of the one day."""


def own_keys(records: pl.DataFrame) -> pl.DataFrame:
    """Add `own_key`, by which the record's team tells customers apart, and `guest`."""
    mail = pl.col("email").str.to_lowercase().str.strip_chars()
    name = pl.col("full_name").str.to_lowercase().str.strip_chars()
    code = pl.col("postcode").str.to_uppercase().str.replace_all(" ", "").fill_null("")
    key = {
        "web": pl.coalesce("account", mail),
        "app": pl.coalesce("account", "device"),
        "delivery": name + "|" + code,
        "support": pl.coalesce(mail, name),
    }
    own = pl.coalesce(
        pl.when(pl.col("source") == source).then(value) for source, value in key.items()
    )
    guest = pl.col("source").is_in(["web", "app"]) & pl.col("account").is_null()
    return records.with_columns(own_key=pl.when(own != "").then(own), guest=guest)


def counts_of(records: pl.DataFrame, day: dt.date) -> pl.DataFrame:
    """Give source, measure, value, explanation, of all records up to a day.

    For each source, `own_count` plus all its reasons is the unified count, and so it is among
    the rows of `<source>_on_day` for the people seen on the day.
    """
    keyed = own_keys(records)
    today = keyed.filter(pl.col("last_day") == day)
    everyone, active = _people(keyed), _people(today)
    rows: list[tuple[str, str, int, str]] = []
    for source in SOURCES:
        of_day = _way(source, today, active)
        rows += [
            *_way(source, keyed, everyone),
            (source, "active", of_day[0][2], f"On this day. {OWN[source]}"),
            *[(source + DAY, *row[1:]) for row in of_day],
        ]
    rows += _unified(keyed, everyone, active)
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").sort("source", "measure")


def _people(records: pl.DataFrame) -> int:
    return records["unified_id"].drop_nulls().n_unique()


def _way(source: str, records: pl.DataFrame, people: int) -> list[tuple[str, str, int, str]]:
    """Lead from the own count to the unified one.

    Keys and people form a graph: a person with three keys is counted twice too often, a key with
    three people twice too seldom; what is left are people or keys that the other side lacks.
    """
    mine = records.filter(pl.col("source") == source)
    known = mine.filter(pl.col("cluster").is_not_null())
    edges = (
        known.filter(pl.col("own_key").is_not_null())
        .group_by("own_key", "cluster")
        .agg(pl.col("guest").all(), pl.col("unified_id").first())
    )
    own = mine["own_key"].drop_nulls().n_unique()
    keys, persons = edges["own_key"].n_unique(), edges["cluster"].n_unique()
    of_guests = edges.group_by("cluster").agg(
        guests=pl.col("guest").sum(), has_account=~pl.col("guest").all()
    )
    guests = int(of_guests.filter("has_account")["guests"].sum())
    here = _people(known)
    customers = edges.filter(pl.col("unified_id").is_not_null())["cluster"].n_unique()
    reasons = {
        "guests": -guests,
        "duplicates": -(edges.height - persons - guests),
        "shared_contacts": edges.height - keys,
        "only_logged_in": customers - persons,
        "nobody": keys - own,
        "without_key": here - customers,
        "not_seen_here": people - here,
    }
    return [
        (source, "own_count", own, OWN[source]),
        *[(source, name, value, WHY[name]) for name, value in reasons.items() if value],
        (source, "difference", people - own, "The unified count less this team's own."),
    ]


def _unified(records: pl.DataFrame, everyone: int, active: int) -> list[tuple[str, str, int, str]]:
    seen = records.filter(pl.col("unified_id").is_not_null())
    by_source = seen.select("source", "unified_id").unique().height
    accounts = records.filter(pl.col("unified_id").is_null())["cluster"].drop_nulls().n_unique()
    return [
        ("unified", "only_logged_in", accounts, WHY["only_logged_in"]),
        ("unified", "own_count", everyone, SEEN),
        ("unified", "active", active, "Of these, the ones seen in any source on this day."),
        (
            "unified",
            "same_person_other_source",
            by_source - everyone,
            "How often people would be counted again if the sources were simply added up.",
        ),
    ]
