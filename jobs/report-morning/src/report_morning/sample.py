"""A made-up month of a small shop, for tests and for looking at the page; no chance in it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

import polars as pl

from report_morning.morning import Morning
from report_morning.read import COLUMNS

__all__ = ["DAY", "FIRST_DAY", "ZONE", "Rows", "frames", "month", "morning_of"]

DAY: Final = dt.date(2011, 11, 21)
"""The Monday reported on."""
FIRST_DAY: Final = dt.date(2011, 10, 20)
ZONE: Final = ZoneInfo("Europe/London")

Rows: TypeAlias = dict[str, list[dict[str, Any]]]
"""Dataset -> its rows of all days."""

_COUNTRIES: Final = ("United Kingdom",) * 14 + ("Germany", "France", "EIRE", "Spain", "Norway")
_COUNTRIES_RARE: Final = ("Belgium", "Portugal", None)
_ORDERS_BY_WEEKDAY: Final = {1: 96, 2: 104, 3: 98, 4: 112, 5: 81, 6: 0, 7: 47}


def _at(day: dt.date, minute: int) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(8), ZONE).astimezone(dt.UTC) + dt.timedelta(
        minutes=minute
    )


def _buyer(day: dt.date, number: int, i: int) -> int:
    """Return somebody new for each fourth order, else one of 700 who come again."""
    return number + i if i % 4 == 0 else (day.toordinal() * 37 + i * 11) % 700


def _orders(day: dt.date, number: int) -> list[dict[str, Any]]:
    """Return unified orders of a day: every third from the app, amounts by rule."""
    amount = _ORDERS_BY_WEEKDAY[day.isoweekday()]
    amount = amount + (day.day * 7) % 13 - 6 if amount else 0
    return [
        {
            "business_date": day,
            "order_id": str(number + i),
            "source": "app" if i % 3 == 0 else "web",
            "unified_id": f"u{_buyer(day, number, i):06d}",
            "ordered_at": _at(day, i * 600 // amount),
            "revenue": Decimal((i * 7919 + day.day * 997) % 61_000 + 900) / 100,
        }
        for i in range(amount)
    ]


def _sessions(day: dt.date, orders: list[dict[str, Any]], source: str) -> list[dict[str, Any]]:
    mine = [o for o in orders if o["source"] == source]
    total = len(mine) * (19 if source == "web" else 11) + 40
    return [
        {
            "business_date": day,
            "session_id": f"{source}-{day:%m%d}-{i}",
            "started_at": _at(day, i * 890 // total),
            "added_to_cart": i < len(mine) * 4,
            "checked_out": i < len(mine) + len(mine) // 4,
            "order_id": mine[i]["order_id"] if i < len(mine) else None,
        }
        for i in range(total)
    ]


def _events(order: dict[str, Any], number: int) -> list[dict[str, Any]]:
    hours = 18 + (number * 29) % 31 + 24 * (number % 7 == 0)
    failed = number % 17 == 0
    base = {"shipment_id": f"s{order['order_id']}", "order_id": order["order_id"], "carrier": "RM"}
    steps = [("picked_up", 5), ("out_for_delivery", hours - 6), ("delivered", hours)]
    if failed:
        steps.insert(2, ("failed_attempt", hours - 3))
    found = []
    for event, after in steps:
        moment = order["ordered_at"] + dt.timedelta(hours=after)
        day = moment.astimezone(ZONE).date()
        found.append({**base, "business_date": day, "event": event, "event_at": moment})
    return found


def _tickets(day: dt.date, orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
    kinds = ("cancellation", "question", "question", "complaint", "cancellation")
    return [
        {
            "business_date": day,
            "ticket_id": f"t{order['order_id']}",
            "created_at": order["ordered_at"] + dt.timedelta(minutes=45),
            "updated_at": order["ordered_at"] + dt.timedelta(minutes=45),
            "order_id": order["order_id"],
            "kind": kinds[i % 5],
            "status": "open" if i % 4 == 0 else "closed",
            "cancelled_amount": order["revenue"] if kinds[i % 5] == "cancellation" else None,
        }
        for i, order in enumerate(orders[::6])
    ]


def _customers(orders: list[dict[str, Any]], day: dt.date) -> list[dict[str, Any]]:
    seen: dict[str, list[dict[str, Any]]] = {}
    for order in orders:
        if order["business_date"] <= day:
            seen.setdefault(order["unified_id"], []).append(order)
    return [
        {
            "business_date": day,
            "unified_id": person,
            "first_seen": min(o["business_date"] for o in own),
            "last_seen": max(o["business_date"] for o in own),
            "active": max(o["business_date"] for o in own) == day,
            "sources": "+".join(sorted({o["source"] for o in own})),
            "orders_to_date": len(own),
            "revenue_to_date": sum((o["revenue"] for o in own), Decimal(0)),
            "country": (*_COUNTRIES, *_COUNTRIES_RARE)[int(person[1:]) % 22],
        }
        for person, own in sorted(seen.items())
    ]


def _way(unified: int, **reasons: int) -> dict[str, int]:
    return {"own_count": unified - sum(reasons.values()), **reasons}


def _counts(customers: list[dict[str, Any]], day: dt.date) -> list[dict[str, Any]]:
    total = len(customers)
    active = sum(c["active"] for c in customers)
    twice, hidden, guests, shared = total // 20, total // 7, total // 38, total // 30
    explained = {
        "web": _way(total, duplicates=-twice, guests=-guests, not_seen_here=hidden),
        "app": _way(total, duplicates=-total // 80, not_seen_here=total // 3),
        "delivery": _way(total, duplicates=-total // 10, shared_contacts=shared),
        "support": _way(total, duplicates=-total // 140, not_seen_here=total // 2),
        "unified": {"own_count": total, "active": active},
    }
    told = {
        "own_count": "Customers as the team counts them: accounts, and mails of guests.",
        "active": "Of these, the ones seen on this day.",
        "duplicates": "The same people again, written otherwise: a typo, a changed mail.",
        "guests": "The same people again, without logging in: a guest's mail or another device.",
        "shared_contacts": "More people than the team sees: a family behind one mail or name.",
        "not_seen_here": "Customers that only other sources know.",
    }
    return [
        {
            "business_date": day,
            "source": source,
            "measure": measure,
            "value": value,
            "explanation": told[measure],
        }
        for source, measures in explained.items()
        for measure, value in measures.items()
    ]


def month(day: dt.date = DAY, first: dt.date = FIRST_DAY) -> Rows:
    """Return the rows of every dataset from `first` to `day`."""
    days = [first + dt.timedelta(days=n) for n in range((day - first).days + 1)]
    orders = [o for n, d in enumerate(days) for o in _orders(d, 560_000 + n * 200)]
    by_day = {d: [o for o in orders if o["business_date"] == d] for d in days}
    customers = _customers(orders, day)
    before = day - dt.timedelta(days=7)
    counts = _counts(customers, day)
    if before >= first:
        counts += _counts(_customers(orders, before), before)
    return {
        "web_orders": [o for o in orders if o["source"] == "web"],
        "app_orders": [o for o in orders if o["source"] == "app"],
        "web_sessions": [s for d in days for s in _sessions(d, by_day[d], "web")],
        "app_sessions": [s for d in days for s in _sessions(d, by_day[d], "app")],
        "delivery_events": [
            e for n, o in enumerate(orders) for e in _events(o, n) if e["business_date"] <= day
        ],
        "support_tickets": [t for d in days for t in _tickets(d, by_day[d])],
        "unified_customers": customers,
        "unified_orders": orders,
        "identity_changes": [
            {
                "business_date": day,
                "unified_id": "u000001",
                "change": "merged",
                "other_id": "u000002",
            }
        ],
        "customer_counts": counts,
    }


def frames(rows: Rows) -> dict[str, pl.DataFrame]:
    """Return the rows as frames with the columns that a report reads."""
    return {
        name: pl.DataFrame(
            [{key: row.get(key) for key in ("business_date", *columns)} for row in rows[name]],
            schema={"business_date": pl.Date, **columns},
        )
        for name, columns in COLUMNS.items()
    }


def morning_of(
    rows: Rows,
    day: dt.date = DAY,
    first: dt.date = FIRST_DAY,
    missing: frozenset[str] = frozenset(),
) -> Morning:
    """Wrap rows as the report's input; `missing` names datasets not published for the day."""
    there = pl.col("business_date") <= day
    days = frozenset(first + dt.timedelta(days=n) for n in range((day - first).days + 1))
    return Morning(
        business_date=day,
        zone=ZONE,
        tables={
            name: frame.lazy().filter(
                there & ((pl.col("business_date") != day) | pl.lit(name not in missing))
            )
            for name, frame in frames(rows).items()
        },
        published={name: days - {day} if name in missing else days for name in COLUMNS},
        quarantined={"web_orders": {"revenue_minimum": 2, "unreadable_line": 1}},
    )
