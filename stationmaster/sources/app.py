"""What the mobile app holds: other field names, epoch milliseconds, devices, sometimes a login."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from stationmaster.sources import typed
from stationmaster.sources.draw import below, chance, changed, hex_digits, mix
from stationmaster.sources.people import first_part, truth_of

if TYPE_CHECKING:
    from stationmaster.sources.rates import Rates
    from stationmaster.sources.world import World

__all__ = ["app_session_id", "device_id", "login", "order_lines", "session_lines"]


def app_session_id() -> pl.Expr:
    """Return the visit that an order was placed in."""
    return pl.format("a{}", hex_digits(pl.col("o"), "app session", 12))


def device_id(rates: Rates) -> pl.Expr:
    """Return the device: a person's one to three, or the household's tablet."""
    h, o = pl.col("h"), pl.col("o")
    owned = below(h, "devices", 3) + 1
    mine = (mix(o, "device") % owned.cast(pl.UInt64)).cast(pl.UInt64)
    era = changed(h, "new device", rates.new_device_a_year, pl.col("at"))
    device = mix(h ^ mine ^ (era.cast(pl.UInt64) * 8), "own device")
    member = chance(h, "member", rates.in_household)
    on_tablet = member & chance(h, "tablet", rates.family_tablet) & chance(o, "tablet", 0.3)
    tablet = mix(pl.col("house"), "tablet")
    return pl.format(
        "d-{}", hex_digits(pl.when(on_tablet).then(tablet).otherwise(device), "id", 12)
    )


def login() -> pl.Expr:
    """Return the app's login name; needs first and last."""
    number = pl.col("replica") * 100_000 + pl.col("person")
    stem = first_part(pl.col("first")) + first_part(pl.col("last")).str.slice(0, 1)
    return pl.format("{}{}", stem, number)


def order_lines(world: World, placed: pl.DataFrame, lines: pl.DataFrame) -> pl.Series:
    """Return each app order as one JSON text; `lines` has invoice and app_items."""
    rows = truth_of(placed, world.rates).join(
        lines, on="invoice", how="left", maintain_order="left"
    )
    head = pl.struct(
        ref="order_id",
        ts=pl.col("at").dt.epoch("ms"),
        device=device_id(world.rates),
        login=pl.when("logged_in").then(login()),
        buyer=_buyer(rows, world.rates),
    ).struct.json_encode()
    text = pl.format(
        '{},"items":{},"total_pence":{}}}', head.str.head(-1), pl.col("app_items"), "total_pence"
    )
    return rows.select(text.alias("line")).to_series()


def session_lines(visits: pl.DataFrame) -> pl.Series:
    """Return each app visit as one JSON text."""
    fields = pl.struct(
        sid="session_id",
        ts=pl.col("at").dt.epoch("ms"),
        device="device_id",
        login=pl.when("logged_in").then(login()),
        screens="pages",
        basket="basket",
        bought="bought",
        ref="order_id",
    )
    return visits.select(fields.struct.json_encode().alias("line")).to_series()


def _buyer(rows: pl.DataFrame, rates: Rates) -> pl.Series:
    h, logged_in = pl.col("h"), pl.col("logged_in")
    work = pl.when(chance(h, "work mail in app", 0.5)).then("other_mail")
    drawn = rows.select(
        key=pl.when(logged_in).then(mix(h, "app account")).otherwise("o"),
        mail=pl.coalesce(work, "mail"),
    )
    key = drawn["key"]
    mail = typed.mail(drawn["mail"], key, "app", rates)
    street = typed.address(rows, key, "app", rates)
    return rows.select(
        fullName=typed.name(rows, key, "app", rates, rates.name_typo),
        mail=typed.left_out(mail, key, "mail", rates.app_no_mail),
        mobile=typed.phone(rows, key, "app", rates),
        street=typed.left_out(street, key, "street", rates.app_no_address),
        zip=typed.postcode(rows, key, "app", rates),
        land="country",
    ).to_struct("buyer")
