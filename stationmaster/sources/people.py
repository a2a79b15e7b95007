"""Who is who: the people behind the real customer ids, and what is true of them on a day.

A person is a row's `h`, 64 bits drawn from (seed, base person, replica); what is true of a
person is drawn from `h`, and so the same in every record, batch and run. A base person is a
real customer id or a guest; replica k of it is another person who behaves the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from stationmaster.sources.draw import below, chance, changed, mix, pick, seeded, taken, unit
from stationmaster.sources.names import MAIL_DOMAINS, pools

if TYPE_CHECKING:
    from stationmaster.sources.rates import Rates

__all__ = [
    "MAX_REPLICAS",
    "assign",
    "cast",
    "first_part",
    "identified",
    "person_id",
    "replicate",
    "truth_of",
    "wanted",
]

MAX_REPLICAS: Final = 1 << 20
_HOUSEHOLD: Final = 3


def cast(orders: pl.DataFrame, seed: int, rates: Rates) -> pl.DataFrame:
    """Return the base people: columns person, customer (null: a guest), country, group.

    `group` numbers the household that up to three people of one country may live in. Guests are
    numbered after the customers: first those who come back, then one for each guest order.
    """
    known = orders.filter(pl.col("customer").is_not_null())
    customers = known.group_by("customer").agg(pl.col("country").first()).sort("customer")
    guests = orders.filter(pl.col("customer").is_null()).select("invoice", "country")
    back = max(1, round(guests.height * rates.guest_comes_back / rates.guests_per_pool))
    pool = pl.DataFrame({"country": ["United Kingdom"] * back})
    everyone = pl.concat([customers, pool, guests.drop("invoice")], how="diagonal")
    order = seeded(pl.col("person"), "neighbours", seed)
    return (
        everyone.with_row_index("person")
        .with_columns(pl.col("person").cast(pl.Int64))
        .sort("country", order)
        .with_columns(group=pl.int_range(pl.len()) // _HOUSEHOLD)
        .sort("person")
    )


def assign(orders: pl.DataFrame, people: pl.DataFrame, seed: int, rates: Rates) -> pl.DataFrame:
    """Add to each real order the base person who placed it (columns person, group)."""
    customers = people.filter(pl.col("customer").is_not_null())
    guests = orders.filter(pl.col("customer").is_null())
    at = seeded(pl.col("invoice").cast(pl.UInt64), "guest", seed)
    back = people.height - customers.height - guests.height
    same_country = customers.group_by("country", maintain_order=True).agg(
        residents=pl.col("person")
    )
    kind = unit(at, "kind")
    resident = pl.col("residents").list.get(
        (mix(at, "which") % pl.col("residents").list.len().cast(pl.UInt64)).cast(pl.Int64),
        null_on_oob=True,
    )
    comes_back = customers.height + below(at, "pool", back)
    new = customers.height + back + pl.col("place")
    share = rates.guest_is_customer
    placed = (
        guests.with_row_index("place")
        .join(same_country, on="country", how="left")
        .select(
            "invoice",
            guest=pl.when((kind < share) & resident.is_not_null())
            .then(resident)
            .when((kind < share + rates.guest_comes_back) & (pl.col("country") == "United Kingdom"))
            .then(comes_back)
            .otherwise(new)
            .cast(pl.Int64),
        )
    )
    return (
        orders.join(customers.select("customer", "person"), on="customer", how="left")
        .join(placed, on="invoice", how="left")
        .with_columns(person=pl.coalesce("person", "guest"))
        .drop("guest")
        .join(people.select("person", "group"), on="person", how="left", maintain_order="left")
        .sort("at", "invoice")
    )


def identified(rows: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Add h and house (hashes of the person and of its household) to rows with a replica."""
    person = pl.col("person") * MAX_REPLICAS + pl.col("replica")
    house = pl.col("group") * MAX_REPLICAS + pl.col("replica")
    return rows.with_columns(h=seeded(person, "person", seed), house=seeded(house, "house", seed))


def replicate(
    rows: pl.DataFrame, first: int, last: int, multiplier: float, seed: int
) -> pl.DataFrame:
    """Repeat rows for replicas [first, last); adds replica, h and house.

    A last replica that is only partly wanted keeps that share of its people, with all they do.
    """
    replicas = pl.DataFrame({"replica": range(first, last)}, schema={"replica": pl.Int64})
    return identified(rows.join(replicas, how="cross"), seed).filter(wanted(multiplier))


def wanted(multiplier: float) -> pl.Expr:
    """Return whether a row's person is there at this volume."""
    share = multiplier - pl.col("replica")
    return (share >= 1) | (unit(pl.col("h"), "wanted") < share)


def truth_of(rows: pl.DataFrame, rates: Rates) -> pl.DataFrame:
    """Add what is true of each row's person at the row's `at`.

    Adds first, last, middle, house_number, street, town, postcode, phone_dial, phone_digits,
    mail, other_mail (a second address, else null), family_tablet, person_id.
    """
    lists = pools()
    fallback = lists.countries.filter(pl.col("country") == "").drop("country").row(0, named=True)
    placed = rows.join(lists.countries, on="country", how="left", maintain_order="left")
    placed = placed.with_columns(
        pl.col(name).fill_null(value) for name, value in fallback.items()
    ).with_columns(
        member=chance(pl.col("h"), "member", rates.in_household),
        person_id=person_id(),
    )
    named = placed.with_columns(**_names(rates))
    housed = named.with_columns(**_home(rates)).with_columns(**_address())
    return housed.with_columns(**_phone(rates), **_mails(rates)).drop(
        "slot", "home", "member", "dial"
    )


def person_id() -> pl.Expr:
    """Return the name of a row's person in the truth: replica k of a person is another one."""
    first = pl.when(pl.col("replica") == 0).then(pl.format("P{}", "person"))
    return first.otherwise(pl.format("P{}-{}", "person", "replica"))


def first_part(name: pl.Expr) -> pl.Expr:
    """Return a name as it stands in a mail address: ASCII letters in lower case."""
    plain = name.str.normalize("NFKD").str.to_lowercase()
    return plain.str.replace_all(r"[^a-z]", "")


def _names(rates: Rates) -> dict[str, pl.Expr]:
    lists, h = pools(), pl.col("h")
    at = pl.col("slot") + below(h, "first", lists.block())
    shares = pl.col("member") & chance(h, "surname", rates.same_surname)
    family = pl.when(shares).then(pl.col("house")).otherwise(h)
    first = pl.when(chance(h, "woman", 0.55)).then(taken(lists.female, at))
    letters = [chr(code) for code in range(ord("A"), ord("X"))]
    return {
        "first": first.otherwise(taken(lists.male, at)),
        "last": taken(lists.last, pl.col("slot") + below(family, "last", lists.block())),
        "middle": pick(h, "middle", letters),
    }


def _home(rates: Rates) -> dict[str, pl.Expr]:
    """Draw the home: a household moves together, everybody else alone."""
    roof = pl.when("member").then(pl.col("house")).otherwise(pl.col("h"))
    moved = changed(roof, "moves", rates.moves_a_year, pl.col("at"))
    return {"home": pl.when(moved).then(mix(roof, "second home")).otherwise(mix(roof, "home"))}


def _address() -> dict[str, pl.Expr]:
    lists, home = pools(), pl.col("home")
    town = pl.col("slot") + below(home, "town", lists.block())
    letters = "ABDEFGHJLNPQRSTUWXYZ"
    pairs = [a + b for a in letters for b in letters]
    british = pl.format(
        "{}{} {}{}",
        taken(lists.area, town),
        below(home, "district", 24) + 1,
        below(home, "sector", 9) + 1,
        pick(home, "unit", pairs),
    )
    abroad = (below(home, "code", 90_000) + 10_000).cast(pl.String)
    number = (unit(home, "number") ** 2 * 180).cast(pl.Int64) + 1
    return {
        "house_number": number.cast(pl.String),
        "street": pick(home, "street", lists.street.to_list()),
        "town": taken(lists.town, town),
        "postcode": pl.when("british").then(british).otherwise(abroad),
    }


def _phone(rates: Rates) -> dict[str, pl.Expr]:
    h, home = pl.col("h"), pl.col("home")
    era = changed(h, "new phone", rates.new_phone_a_year, pl.col("at"))
    mobile = pl.when(era).then(mix(h, "second mobile")).otherwise(mix(h, "mobile"))
    family = pl.col("member") & chance(h, "family phone", rates.family_phone)
    landline = pl.format("1{}", below(home, "landline", 900_000_000) + 100_000_000)
    digits = pl.format("7{}", below(mobile, "digits", 900_000_000) + 100_000_000)
    return {
        "phone_dial": pl.col("dial"),
        "phone_digits": pl.when(family).then(landline).otherwise(digits),
    }


def _mails(rates: Rates) -> dict[str, pl.Expr]:
    h, first, last = pl.col("h"), first_part(pl.col("first")), first_part(pl.col("last"))
    era = changed(h, "new mail", rates.new_mail_a_year, pl.col("at"))
    number = pl.when(pl.col("replica") == 0).then(10_000).otherwise(1_000_000)

    def address(key: pl.Expr, stem: pl.Expr, domain: pl.Expr) -> pl.Expr:
        return pl.format("{}{}@{}", stem, mix(key, "number") % number.cast(pl.UInt64), domain)

    style = pick(h, "mail style", ["f.l", "fl", "first last", "first_l", "l.f"])
    stem = (
        pl.when(style == "f.l").then(first + "." + last)
        .when(style == "fl").then(first.str.slice(0, 1) + last)
        .when(style == "first last").then(first + last)
        .when(style == "first_l").then(first + "_" + last.str.slice(0, 1))
        .otherwise(last + "." + first)
    )  # fmt: skip
    own = pl.when(era).then(mix(h, "second own")).otherwise(mix(h, "own"))
    house = pl.col("house")
    family = pl.col("member") & chance(house, "family mail", rates.shared_mail)
    shared = address(house, pl.lit("family"), pick(house, "family domain", MAIL_DOMAINS))
    private = address(own, stem, pick(own, "domain", MAIL_DOMAINS))
    firms = [
        first_part(taken(pools().last, below(h, partner, pools().block())))
        for partner in ("firm", "partner")
    ]
    work = pl.format("{}@{}and{}.co.uk", first.str.slice(0, 1) + last, *firms)
    has_work = chance(h, "work mail", rates.second_mail)
    return {
        "mail": pl.when(family).then(shared).otherwise(private),
        "other_mail": pl.when(has_work).then(work),
    }
