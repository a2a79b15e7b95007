"""Read generated days straight into the frames that the merge reads, with the truth beside.

The benches of identity measure the linkage, not the extraction: so the files that the sources
write are read here by a few lines of polars, and the truth by nobody but the benches.
"""

from __future__ import annotations

import datetime as dt
import gzip
import json
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from merge_customers.records import Extracts
from stationmaster.sources.days import generate_day, support_file
from stationmaster.sources.retail import fetch
from stationmaster.sources.truth import truth_folder
from stationmaster.sources.world import World
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Days", "days_between", "generated", "with_person"]

TABLES = tuple(Extracts.__annotations__)
ZONE = "Europe/London"


@dataclass(frozen=True)
class Days:
    """Hold generated days: what the merge reads, and who is who."""

    extracts: Extracts
    truth: pl.DataFrame

    def until(self, day: dt.date) -> Days:
        """Give what was known on a day."""
        past = pl.col("business_date") <= day
        frames = {name: getattr(self.extracts, name).filter(past) for name in TABLES}
        return Days(Extracts(**frames), self.truth.filter(past))


def days_between(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    """Give each day from the first to the last."""
    for number in range((last - first).days + 1):
        yield first + dt.timedelta(days=number)


def generated(
    first: dt.date, last: dt.date, orders_a_day: int | None = None, seed: int = 1
) -> Days:
    """Generate days, or read them where they were generated before."""
    folder = Path(".stationmaster/bench") / f"{first}-{last}-{orders_a_day or 'real'}-{seed}"
    if not (folder / "truth.parquet").exists():
        partial = Path(tempfile.mkdtemp(dir=_made(folder.parent)))
        _generate(partial, first, last, orders_a_day, seed)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    frames = {name: pl.scan_parquet(folder / f"{name}.parquet") for name in TABLES}
    return Days(Extracts(**frames), pl.read_parquet(folder / "truth.parquet"))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _generate(
    folder: Path, first: dt.date, last: dt.date, orders_a_day: int | None, seed: int
) -> None:
    retail = fetch(Settings(), progress=_say)
    world = World(retail, seed=seed, orders_a_day=orders_a_day)
    settings = Settings(home=folder / "home")
    parts: dict[str, list[pl.DataFrame]] = {name: [] for name in (*TABLES, "truth")}
    for day in days_between(first, last):
        generate_day(world, settings, day)
        for name, frame in _read_day(settings, day).items():
            parts[name].append(frame)
        shutil.rmtree(settings.home)
    for name, frames in parts.items():
        whole = pl.concat(frames).filter(pl.col("business_date").is_between(first, last))
        whole.write_parquet(folder / f"{name}.parquet")


def _read_day(settings: Settings, day: dt.date) -> dict[str, pl.DataFrame]:
    landing = Path(settings.landing_location)
    truth = pl.read_parquet(truth_folder(settings) / "*" / f"{day}.parquet")
    return {
        **_web(landing / "web" / str(day)),
        **_app(landing / "app" / str(day)),
        "delivery_events": _delivery(landing / "delivery" / str(day)),
        "support_tickets": _support(support_file(settings, day)),
        "truth": _dated(truth, pl.col("at")),
    }


def _dated(frame: pl.DataFrame, at: pl.Expr) -> pl.DataFrame:
    return frame.with_columns(business_date=at.dt.convert_time_zone(ZONE).dt.date())


def _json(folder: Path, pattern: str) -> list[dict[str, object]]:
    rows = []
    for path in sorted(folder.glob(pattern)):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            rows += [json.loads(line) for line in lines]
    return rows


def _frame(rows: list[dict[str, object]], columns: dict[str, str]) -> pl.DataFrame:
    """Take columns out of JSON rows by path ("customer.email"), all as text."""

    def dig(row: object, path: str) -> str | None:
        for part in path.split("."):
            row = row.get(part) if isinstance(row, dict) else None
        return None if row is None else str(row)

    data = {name: [dig(row, path) for row in rows] for name, path in columns.items()}
    return pl.DataFrame(data, schema=dict.fromkeys(columns, pl.String))


def _iso(column: str) -> pl.Expr:
    return (
        pl.col(column)
        .str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us")
        .dt.replace_time_zone("UTC")
    )


def _ms(column: str) -> pl.Expr:
    return (
        pl.from_epoch(pl.col(column).cast(pl.Int64), "ms")
        .dt.cast_time_unit("us")
        .dt.replace_time_zone("UTC")
    )


def _web(folder: Path) -> dict[str, pl.DataFrame]:
    who = {"customer_id": "id", "email": "email", "full_name": "name", "phone": "phone",
           "address": "address", "postcode": "postcode", "country": "country"}  # fmt: skip
    rows = _json(folder, "orders-*")
    for row in rows:
        row["revenue"] = sum(line["quantity"] * float(line["unit_price"]) for line in row["lines"])  # type: ignore[attr-defined]
    orders = _frame(rows, {"order_id": "order_id", "at": "placed_at", "revenue": "revenue",
                           **{name: f"customer.{path}" for name, path in who.items()}})  # fmt: skip
    sessions = _frame(_json(folder, "sessions-*"), {
        "session_id": "session_id", "visitor_id": "visitor_id", "customer_id": "customer_id",
        "order_id": "order_id", "at": "started_at"})  # fmt: skip
    return {
        "web_orders": _ordered(orders, _iso("at")),
        "web_sessions": _dated(sessions, _iso("at")),
    }


def _ordered(orders: pl.DataFrame, at: pl.Expr) -> pl.DataFrame:
    money = pl.col("revenue").cast(pl.Float64).round(2).cast(pl.Decimal(14, 2))
    return _dated(orders, at).with_columns(ordered_at=at, revenue=money)


def _app(folder: Path) -> dict[str, pl.DataFrame]:
    who = {"full_name": "fullName", "email": "mail", "phone": "mobile", "address": "street",
           "postcode": "zip", "country": "land"}  # fmt: skip
    orders = _frame(_json(folder, "orders-*"), {
        "order_id": "ref", "at": "ts", "device_id": "device", "login": "login",
        "revenue": "total_pence", **{name: f"buyer.{path}" for name, path in who.items()},
    })  # fmt: skip
    orders = orders.with_columns(revenue=pl.col("revenue").cast(pl.Float64) / 100)
    sessions = _frame(_json(folder, "sessions-*"), {
        "session_id": "sid", "device_id": "device", "login": "login", "order_id": "ref", "at": "ts",
    })  # fmt: skip
    return {"app_orders": _ordered(orders, _ms("at")), "app_sessions": _dated(sessions, _ms("at"))}


def _delivery(folder: Path) -> pl.DataFrame:
    parts = [pl.read_csv(path, infer_schema=False) for path in sorted(folder.glob("events-*.csv"))]
    offset = pl.col("event_time") + pl.col("utc_offset")
    at = offset.str.to_datetime("%d/%m/%Y %H:%M%:z", time_unit="us").dt.convert_time_zone("UTC")
    frame = pl.concat(parts).with_columns(pl.when(pl.col(pl.String) != "").then(pl.col(pl.String)))
    return _dated(frame.rename({"order_ref": "order_id"}), at).select(
        "shipment_id", "order_id", "recipient", "phone", "address", "postcode", "business_date"
    )


def _support(path: Path) -> pl.DataFrame:
    rows = _json(path.parent, path.name)
    frame = _frame(rows, {
        "ticket_id": "ticket_id", "order_id": "order_ref", "at": "created_at",
        "email": "customer.email", "full_name": "customer.name", "phone": "customer.phone",
    })  # fmt: skip
    return _dated(frame, _iso("at"))


def with_person(records: pl.DataFrame, days: Days) -> pl.DataFrame:
    """Add to the merge's records the `person` that the truth knows."""
    truth = days.truth.select("source", "kind", "record_id", person="person_id").unique()
    kinds = {"order": "order", "event": "parcel", "ticket": "ticket"}
    deeds = truth.filter(pl.col("kind").is_in(list(kinds))).with_columns(
        pl.col("kind").replace(kinds)
    )
    visits = [
        frame.filter(pl.col(account).is_not_null())
        .select(source=pl.lit(source), record_id="session_id", account=account)
        .collect()
        for source, account, frame in (
            ("web", "customer_id", days.extracts.web_sessions),
            ("app", "login", days.extracts.app_sessions),
        )
    ]
    accounts = (
        pl.concat(visits)
        .join(truth.filter(pl.col("kind") == "session"), on=["source", "record_id"])
        .select("source", "account", visitor="person")
        .unique(["source", "account"])
    )
    named = records.join(
        deeds, left_on=["source", "kind", "record"], right_on=["source", "kind", "record_id"],
        how="left", maintain_order="left",
    ).join(accounts, on=["source", "account"], how="left", maintain_order="left")  # fmt: skip
    visitor = pl.when(pl.col("kind") == "visit").then("visitor")
    return named.with_columns(person=pl.coalesce("person", visitor)).drop("visitor")
