"""What the web shop holds: orders and visits, by UTC days, as gzipped JSON lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from stationmaster.sources import typed
from stationmaster.sources.draw import below, hex_digits, mix
from stationmaster.sources.people import truth_of

if TYPE_CHECKING:
    from stationmaster.sources.rates import Rates
    from stationmaster.sources.world import World

__all__ = ["account_id", "order_lines", "session_lines", "visitor_id", "web_session_id"]


def account_id() -> pl.Expr:
    """Return the web shop's own customer number of a row's person (first or second account)."""
    person = pl.col("replica") * 200_000 + pl.col("person") * 2 + pl.col("second").cast(pl.Int64)
    return pl.format("W-{}", person + 10_000)


def web_session_id() -> pl.Expr:
    """Return the session that an order was placed in."""
    return pl.format("s-{}", hex_digits(pl.col("o"), "web session", 12))


def visitor_id() -> pl.Expr:
    """Return the cookie: one of two browsers, renewed about twice a year."""
    browser = mix(pl.col("h") ^ below(pl.col("o"), "browser", 2).cast(pl.UInt64), "browser")
    era = pl.col("at").dt.epoch("d").cast(pl.Int64) + below(browser, "cookie age", 180)
    return pl.format("v-{}", hex_digits(browser ^ (era // 180).cast(pl.UInt64), "cookie", 12))


def order_lines(world: World, placed: pl.DataFrame, lines: pl.DataFrame) -> pl.Series:
    """Return each web order as one JSON text.

    Args:
        world: The world, for its rates.
        placed: Rows of World.as_placed, channel web.
        lines: Columns invoice and web_lines.
    """
    rows = truth_of(placed, world.rates).join(
        lines, on="invoice", how="left", maintain_order="left"
    )
    head = pl.struct(
        "order_id",
        placed_at=pl.col("at").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        session_id=web_session_id(),
        customer=_customer(rows, world.rates),
    ).struct.json_encode()
    text = pl.format('{},"lines":{},"currency":"GBP"}}', head.str.head(-1), pl.col("web_lines"))
    return rows.select(text.alias("line")).to_series()


def session_lines(visits: pl.DataFrame) -> pl.Series:
    """Return each web visit as one JSON text; visits as World's visits module gives them."""
    account = pl.when("logged_in").then(account_id())
    fields = pl.struct(
        "session_id",
        started_at=pl.col("at").dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        visitor_id="device_id",
        customer_id=account,
        pages="pages",
        added_to_cart="basket",
        checked_out="bought",
        order_id="order_id",
    )
    return visits.select(fields.struct.json_encode().alias("line")).to_series()


def _customer(rows: pl.DataFrame, rates: Rates) -> pl.Series:
    """Build the customer block: an account was typed once, a guest checkout each time."""
    h, second, logged_in = pl.col("h"), pl.col("second"), pl.col("logged_in")
    account = mix(h ^ second.cast(pl.UInt64), "web account")
    at_second = pl.when(second & logged_in).then(pl.coalesce("other_mail", "mail"))
    drawn = rows.select(
        id=pl.when(logged_in).then(account_id()),
        key=pl.when(logged_in).then(account).otherwise("o"),
        mail=at_second.otherwise("mail"),
    )
    key = drawn["key"]
    phone = typed.phone(rows, key, "web", rates)
    return rows.select(
        id=drawn["id"],
        email=typed.mail(drawn["mail"], key, "web", rates),
        name=typed.name(rows, key, "web", rates, rates.name_typo),
        phone=typed.left_out(phone, key, "phone", rates.web_no_phone),
        address=typed.address(rows, key, "web", rates),
        postcode=typed.postcode(rows, key, "web", rates),
        country="country",
    ).to_struct("customer")
