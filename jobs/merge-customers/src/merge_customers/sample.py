"""Make up a few small days of a shop, to try the merge on: for tests and for the README."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import polars as pl

__all__ = ["FIRST_DAY", "sample_days"]

FIRST_DAY = dt.date(2011, 11, 1)
GIVEN = ("Jane", "Robert", "Mary", "David", "Susan", "Ali", "Elizabeth", "Thomas")
SHORT = {"Robert": "Bob", "David": "Dave", "Susan": "Sue", "Elizabeth": "Liz", "Thomas": "Tom"}
SURNAMES = ("Smith", "O'Neill", "Carpenter", "Hall", "Nguyen", "Woodward", "Penrose")
STREETS = ("High Street", "Mill Road", "Station Road", "Church Lane")

COLUMNS: dict[str, dict[str, Any]] = {
    "web_orders": dict.fromkeys(("order_id", "session_id", "customer_id"), pl.String),
    "web_sessions": dict.fromkeys(
        ("session_id", "visitor_id", "customer_id", "order_id"), pl.String
    ),
    "app_orders": dict.fromkeys(("order_id", "device_id", "login"), pl.String),
    "app_sessions": dict.fromkeys(("session_id", "device_id", "login", "order_id"), pl.String),
    "delivery_events": dict.fromkeys(
        ("shipment_id", "order_id", "recipient", "phone", "address", "postcode"), pl.String
    ),
    "support_tickets": dict.fromkeys(
        ("ticket_id", "order_id", "email", "full_name", "phone"), pl.String
    ),
}
"""The columns that the merge reads; `sample_days` adds times, money and the business date."""

WHO = ("full_name", "email", "phone", "address", "postcode", "country")


def sample_days(days: int = 10, people: int = 24, seed: int = 1) -> dict[str, pl.DataFrame]:
    """Give the six extracts of so many days from `FIRST_DAY`; two people share each household."""
    draw = random.Random(seed)  # noqa: S311 (made-up people, no secret)
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in COLUMNS}
    everyone = [_person(draw, number) for number in range(people)]
    for number in range(days):
        day = FIRST_DAY + dt.timedelta(days=number)
        for person in draw.sample(everyone, people // 3):
            _order(draw, rows, person, day)
    return {name: _frame(name, of) for name, of in rows.items()}


def _person(draw: random.Random, number: int) -> dict[str, str]:
    given, household = GIVEN[number % len(GIVEN)], number // 2
    last = SURNAMES[household % len(SURNAMES)]
    return {
        "number": str(number),
        "given": given,
        "surname": last,
        "email": f"{given}.{last}{number}@example.com".replace("'", "").lower(),
        "phone": f"07700{household:06}" if household % 3 == 0 else f"07{draw.randrange(10**9):09}",
        "address": f"{household + 1} {STREETS[household % len(STREETS)]}, Leeds",
        "postcode": f"LS{household % 9 + 1} {household % 8 + 1}AB",
    }


def _typed(draw: random.Random, person: dict[str, str]) -> dict[str, str | None]:
    given = draw.choice([person["given"], SHORT.get(person["given"], person["given"])])
    name = f"{given} {person['surname']}"
    return {
        "full_name": draw.choice([name, name.upper(), f"Mr {name}"]),
        "email": draw.choice([person["email"], person["email"].upper()]),
        "phone": draw.choice([person["phone"], "+44 " + person["phone"][1:], None]),
        "address": person["address"],
        "postcode": draw.choice([person["postcode"], person["postcode"].replace(" ", "")]),
        "country": "United Kingdom",
    }


def _order(
    draw: random.Random, rows: dict[str, list[dict[str, Any]]], person: dict[str, str], day: dt.date
) -> None:
    number = f"{day:%d}{int(person['number']):03}"
    order = {
        "order_id": f"O{number}",
        "business_date": day,
        "ordered_at": dt.datetime(day.year, day.month, day.day, 12, tzinfo=dt.UTC),
        "revenue": f"{draw.randrange(100, 9999) / 100:.2f}",
    }
    session = {"session_id": f"S{number}", "order_id": f"O{number}", "business_date": day}
    typed = _typed(draw, person)
    if int(person["number"]) % 3:
        account = f"W-{person['number']}" if draw.random() < 0.5 else None  # noqa: PLR2004 (half)
        visitor = f"v-{person['number']}"
        rows["web_orders"].append({**order, **typed, **session, "customer_id": account})
        rows["web_sessions"].append({**session, "visitor_id": visitor, "customer_id": account})
    else:
        device = {"device_id": f"d-{person['number']}", "login": f"l{person['number']}"}
        rows["app_orders"].append({**order, **typed, **device})
        rows["app_sessions"].append({**session, **device})
    label = _typed(draw, person)
    parcel = {**label, "recipient": label["full_name"], "order_id": f"O{number}"}
    rows["delivery_events"].append({**parcel, "shipment_id": f"P{number}", "business_date": day})
    if draw.random() < 0.2:  # noqa: PLR2004 (every fifth)
        ticket = {**_typed(draw, person), "ticket_id": f"T{number}", "order_id": None}
        rows["support_tickets"].append({**ticket, "business_date": day})


def _frame(name: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    schema = {**COLUMNS[name], "business_date": pl.Date}
    if name.endswith("_orders"):
        schema |= dict.fromkeys(WHO, pl.String)
        schema |= {"ordered_at": pl.Datetime("us", "UTC"), "revenue": pl.String}
    data = {column: [row.get(column) for row in rows] for column in schema}
    frame = pl.DataFrame(data, schema=schema)
    if "revenue" not in schema:
        return frame
    return frame.with_columns(pl.col("revenue").cast(pl.Decimal(12, 2)))
