"""What customer support holds: tickets from real cancellations, questions and complaints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from stationmaster.sources import typed
from stationmaster.sources.draw import below, chance, hex_digits, mix, pick, seeded, taken, unit
from stationmaster.sources.people import MAX_REPLICAS, truth_of
from stationmaster.sources.world import numbered

if TYPE_CHECKING:
    import datetime as dt

    from stationmaster.sources.rates import Rates
    from stationmaster.sources.world import World

__all__ = ["DAYS_AFTER", "asked", "cancelled", "none", "ticket_lines", "tickets"]

DAYS_AFTER: Final = 7
"""A question or complaint comes at most so many days after its order."""

_SOLVED: Final = 0.7
_OPEN: Final = 0.2
_SUBJECTS: Final = {
    "cancellation": ("Please cancel my order", "Return and refund", "Cancel part of my order",
                     "Item returned, refund please", "Ordered by mistake"),
    "question": ("Where is my parcel?", "Invoice copy please", "Is this back in stock?",
                 "Change delivery address", "Discount for larger quantities?"),
    "complaint": ("Arrived broken", "Item missing from parcel", "Wrong colour sent",
                  "Parcel left in the rain", "Charged twice"),
}  # fmt: skip


def cancelled(world: World, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
    """Return the real cancellations in [start, end) with the base person each is of."""
    real = pl.read_parquet(world.retail.cancellations).filter(
        pl.col("at").is_between(start, end, closed="left")
    )
    customers = world.people.drop_nulls("customer").select("customer", known="person")
    of_order = world.orders.select(order="invoice", buyer="person")
    some_guest = world.people.filter(pl.col("customer").is_null())["person"]
    number = pl.col("invoice").str.strip_prefix("C").cast(pl.UInt64)
    guest = taken(some_guest, below(number, "who cancels", some_guest.len()))
    return (
        real.join(customers, on="customer", how="left")
        .join(of_order, on="order", how="left")
        .with_columns(number=number, person=pl.coalesce("known", "buyer", guest))
        .drop("known", "buyer", "country")
        .join(world.people.select("person", "group", "country"), on="person", how="left")
        .sort("at", "invoice")
    )


def asked(world: World, placed: pl.DataFrame) -> pl.DataFrame:
    """Return the questions and complaints that placed orders lead to, at whatever time."""
    o, rates = pl.col("o"), world.rates
    parts = []
    for kind, share, earliest in (
        ("question", rates.question, 0),
        ("complaint", rates.complaint, 2),
    ):
        later = pl.duration(seconds=earliest * 86_400 + below(o, f"{kind} after", 5 * 86_400))
        part = placed.filter(chance(o, kind, share)).with_columns(
            o=mix(o, kind),
            at=pl.col("at") + later,
            kind=pl.lit(kind),
            order="invoice",
            amount_mills=pl.lit(None, dtype=pl.Int64),
        )
        parts.append(part)
    return pl.concat(parts)


def tickets(world: World, rows: pl.DataFrame) -> pl.DataFrame:
    """Add what is drawn per ticket to replicated rows, of `cancelled` or of `asked`."""
    own = seeded(pl.col("number") * MAX_REPLICAS + pl.col("replica"), "cancellation", world.seed)
    if "kind" not in rows.columns:
        rows = rows.with_columns(o=own, kind=pl.lit("cancellation"))
    return rows.with_columns(
        ticket_id=pl.format("T-{}", hex_digits(pl.col("o"), "ticket", 10)),
        order_id=numbered(pl.col("order")),
    )


def none() -> pl.DataFrame:
    """Return no ticket lines."""
    utc = pl.Datetime("us", "UTC")
    return pl.DataFrame(
        schema={"at": utc, "ticket_id": pl.String, "person_id": pl.String, "line": pl.String}
    )


def ticket_lines(world: World, rows: pl.DataFrame) -> pl.DataFrame:
    """Return line (the ticket as JSON), at, ticket_id and person_id, in the API's order."""
    o, iso = pl.col("o"), "%Y-%m-%dT%H:%M:%SZ"
    known = truth_of(rows, world.rates).with_columns(
        pl.col("at").dt.truncate("1s"),
        subject=_subject(),
        pence=(pl.col("amount_mills") / 10).round().cast(pl.Int64),
        answered=pl.duration(seconds=below(o, "answered after", 48 * 3600) + 300),
        place=unit(o, "status"),
    )
    order = typed.left_out(known["order_id"], known["o"], "order", world.rates.support_no_order)
    ticket = pl.struct(
        "ticket_id",
        created_at=pl.col("at").dt.strftime(iso),
        updated_at=(pl.col("at") + pl.col("answered")).dt.strftime(iso),
        order_ref=order,
        customer=_customer(known, world.rates),
        kind="kind",
        subject="subject",
        status=pl.when(pl.col("place") < _SOLVED).then(pl.lit("solved"))
        .when(pl.col("place") < _SOLVED + _OPEN).then(pl.lit("open"))
        .otherwise(pl.lit("pending")),
        cancelled_amount=(pl.col("pence").cast(pl.Decimal(14, 2)) / 100).cast(pl.String),
    )  # fmt: skip
    return known.select("at", "ticket_id", "person_id", line=ticket.struct.json_encode()).sort(
        "at", "ticket_id"
    )


def _customer(known: pl.DataFrame, rates: Rates) -> pl.Series:
    """Build the customer block as an agent notes it, anew for each ticket."""
    work = pl.when(chance(pl.col("h"), "work mail to support", 0.3)).then("other_mail")
    chosen, key = known.select(pl.coalesce(work, "mail")).to_series(), known["o"]
    mail = typed.mail(chosen, key, "support", rates)
    phone = typed.phone(known, key, "support", rates)
    return known.select(
        email=typed.left_out(mail, key, "mail", rates.support_no_mail),
        name=typed.name(known, key, "support", rates, rates.agent_typo),
        phone=typed.left_out(phone, key, "phone", rates.support_no_phone),
    ).to_struct("customer")


def _subject() -> pl.Expr:
    subject = pl.lit(None, dtype=pl.String)
    for kind, subjects in _SUBJECTS.items():
        drawn = pick(pl.col("o"), "subject", subjects)
        subject = pl.when(pl.col("kind") == kind).then(drawn).otherwise(subject)
    return subject
