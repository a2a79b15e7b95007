"""Turn real days into what the four systems hold, each a pure function of seed and data."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

import polars as pl

from stationmaster.sources import app, delivery, support, web
from stationmaster.sources.draw import FIRST_DAY, LAST_DAY
from stationmaster.sources.landing import DayFolder, day_folder, gzipped
from stationmaster.sources.people import person_id
from stationmaster.sources.truth import TruthDay
from stationmaster.sources.visits import day_of, visits

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stationmaster.sources.world import World
    from stationmaster.step.settings import Settings

__all__ = ["SOURCES", "generate_day", "support_file", "support_folder"]

SOURCES: Final = ("web", "app", "delivery", "support")


def generate_day(
    world: World, settings: Settings, day: dt.date, sources: tuple[str, ...] = SOURCES
) -> dict[str, int]:
    """Write what each source holds of its own day, and the truth; return records by source."""
    return {source: _WRITERS[source](world, settings, day) for source in sources}


def support_folder(settings: Settings) -> Path:
    """Return the folder that the support API answers from."""
    return settings.home.absolute() / "support"


def support_file(settings: Settings, day: dt.date) -> Path:
    """Return the file with the tickets of one UTC day."""
    return support_folder(settings) / f"{day}.jsonl.gz"


def _shop(source: str) -> Callable[[World, Settings, dt.date], int]:
    """Return the writer of the web shop or the app: they differ in their formats only."""
    form = {"web": web, "app": app}[source]
    column = {"web": "web_lines", "app": "app_items"}[source]

    def write(world: World, settings: Settings, day: dt.date) -> int:
        folder = DayFolder(day_folder(settings, source, day), day)
        truth = TruthDay(settings, source, day)
        orders = world.orders_between(*day_of(day))
        lines = world.lines(column, orders)
        for batch in world.batches(orders if orders.height else _closed_day(world, day)):
            placed = world.as_placed(batch)
            sold = placed.filter(pl.col("channel") == source).sort("at", "order_id")
            seen = visits(world, placed, day, source)
            if orders.height:
                folder.add_json("orders", form.order_lines(world, sold, lines))
                truth.add("order", _named(sold, "order_id"))
            else:
                seen = seen.filter(~pl.col("bought"))
            folder.add_json("sessions", form.session_lines(seen))
            truth.add("session", _visitors(seen))
        folder.complete("orders", "sessions")
        truth.close()
        return folder.close()

    return write


def _visitors(seen: pl.DataFrame) -> pl.DataFrame:
    by_name = pl.col("logged_in") | pl.col("bought")
    return seen.select("person_id", "at", record_id="session_id", identified=by_name)


def _named(rows: pl.DataFrame, record: str) -> pl.DataFrame:
    return rows.select("at", record_id=record, person_id=person_id())


def _closed_day(world: World, day: dt.date) -> pl.DataFrame:
    """Return stand-ins for a day without orders: its visits are like those of a trading day."""
    real = world.orders
    if not FIRST_DAY <= day <= LAST_DAY:
        return real.clear()
    wanted = round(world.median_orders * world.rates.closed_day_visits)
    start = (day.toordinal() * 7919) % (real.height - wanted)
    return real.slice(start, wanted).with_columns(
        number=pl.col("number") + day.toordinal() * 10_000_000
    )


def _delivery(world: World, settings: Settings, day: dt.date) -> int:
    folder = DayFolder(day_folder(settings, "delivery", day), day)
    truth = TruthDay(settings, "delivery", day)
    earliest, _ = delivery.bounds(day - dt.timedelta(days=delivery.DAYS_AFTER))
    _, end = delivery.bounds(day)
    for batch in world.batches(world.orders_between(earliest, end)):
        happened = delivery.events(world.as_placed(batch), day, world.rates)
        if happened.height:
            rows = delivery.rows(world, happened)
            folder.add_csv("events", rows.drop("person_id", "event_at"))
            truth.add("event", rows.select("person_id", at="event_at", record_id="shipment_id"))
    folder.complete_csv("events", delivery.COLUMNS)
    truth.close()
    return folder.close()


def _support(world: World, settings: Settings, day: dt.date) -> int:
    truth = TruthDay(settings, "support", day)
    everything = _tickets(world, *day_of(day))
    truth.add("ticket", everything.select("person_id", "at", record_id="ticket_id"))
    lines = everything["line"].to_list()
    path = support_file(settings, day)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzipped("".join(f"{line}\n" for line in lines).encode()))
    truth.close()
    return len(lines)


def _tickets(world: World, start: dt.datetime, end: dt.datetime) -> pl.DataFrame:
    """Return the tickets created in [start, end), in the API's order."""
    made = [
        support.ticket_lines(world, support.tickets(world, batch))
        for batch in world.batches(support.cancelled(world, start, end))
    ]
    earlier = start - dt.timedelta(days=support.DAYS_AFTER)
    for batch in world.batches(world.orders_between(earlier, end)):
        asked = support.asked(world, world.as_placed(batch))
        now = asked.filter(pl.col("at").is_between(start, end, closed="left"))
        made.append(support.ticket_lines(world, support.tickets(world, now)))
    return pl.concat([support.none(), *made]).sort("at", "ticket_id")


_WRITERS: Final = {
    "web": _shop("web"),
    "app": _shop("app"),
    "delivery": _delivery,
    "support": _support,
}
