"""What an engineer writes without us: a polars script that reads, types, filters, writes parquet.

`python bare_extract.py <landing folder of a day> <out folder> [times]` prints wall and CPU
seconds of each time. It trusts its input: no contract, no quarantine, no duplicates, no checksums,
no publishing.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from pathlib import Path

import polars as pl

__all__ = ["main"]

START = dt.datetime(2011, 11, 21, tzinfo=dt.UTC)
END = START + dt.timedelta(days=1)
MONEY = pl.Decimal(12, 2)
PRICE = pl.Decimal(18, 6)
TEXT = pl.String()


def blank(column: pl.Expr) -> pl.Expr:
    """Make what is empty null."""
    text = column.str.strip_chars()
    return pl.when(text != "").then(text)


def iso(column: str) -> pl.Expr:
    """Read a time such as 2011-11-21T08:26:00Z."""
    return pl.col(column).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC")


def epoch(column: str) -> pl.Expr:
    """Read milliseconds since 1970."""
    return pl.from_epoch(column, time_unit="ms").dt.replace_time_zone("UTC").dt.cast_time_unit("us")


def texts(*names: str) -> dict[str, pl.DataType]:
    """Return a schema of text fields."""
    return dict.fromkeys(names, TEXT)


WEB_CUSTOMER = ("id", "email", "name", "phone", "address", "postcode", "country")
APP_BUYER = ("fullName", "mail", "mobile", "street", "zip", "land")
FLAGS = {"added_to_cart": pl.Boolean(), "checked_out": pl.Boolean()}
SCHEMAS: dict[str, dict[str, pl.DataType]] = {
    "web orders": texts("order_id", "placed_at", "session_id", "currency")
    | {
        "customer": pl.Struct(texts(*WEB_CUSTOMER)),
        "lines": pl.List(pl.Struct({"quantity": pl.Int64(), "unit_price": TEXT})),
    },
    "web sessions": texts("session_id", "started_at", "visitor_id", "customer_id", "order_id")
    | {"pages": pl.Int64()}
    | FLAGS,
    "app orders": texts("ref", "device", "login")
    | {
        "ts": pl.Int64(),
        "buyer": pl.Struct(texts(*APP_BUYER)),
        "items": pl.List(pl.Struct({"qty": pl.Int64(), "pence": pl.Int64()})),
        "total_pence": pl.Int64(),
    },
    "app sessions": texts("sid", "device", "login", "ref")
    | {"ts": pl.Int64(), "screens": pl.Int64(), "basket": pl.Boolean(), "bought": pl.Boolean()},
}


def columns(kind: str) -> list[pl.Expr]:
    """Return the same columns our jobs make."""
    line = pl.element().struct
    if kind == "web orders":
        person = [
            blank(pl.col("customer").struct.field(name)).alias(f"customer_{name}")
            for name in WEB_CUSTOMER
        ]
        price, count = line.field("unit_price").cast(PRICE), line.field("quantity")
        revenue = pl.col("lines").list.eval(price * count.cast(pl.Decimal(18, 0))).list.sum()
        return [
            blank(pl.col("order_id")),
            iso("placed_at").alias("at"),
            blank(pl.col("session_id")),
            *person,
            pl.col("lines").list.len().alias("line_count"),
            pl.col("lines").list.eval(count).list.sum().alias("items"),
            revenue.round(2).cast(MONEY).alias("revenue"),
        ]
    if kind == "app orders":
        person = [blank(pl.col("buyer").struct.field(name)) for name in APP_BUYER]
        return [
            *(blank(pl.col(name)) for name in ("ref", "device", "login")),
            epoch("ts").alias("at"),
            *person,
            pl.col("items").list.len().alias("line_count"),
            pl.col("items").list.eval(line.field("qty")).list.sum().alias("item_count"),
            (pl.col("total_pence").cast(pl.Decimal(18, 2)) / 100).cast(MONEY).alias("revenue"),
        ]
    at = iso("started_at") if kind == "web sessions" else epoch("ts")
    rest = [name for name in SCHEMAS[kind] if name not in {"started_at", "ts"}]
    plain = [blank(pl.col(name)) if SCHEMAS[kind][name] == TEXT else pl.col(name) for name in rest]
    return [at.alias("at"), *plain]


def extract(folder: Path, out: Path) -> None:
    """Write one parquet file for orders and one for sessions."""
    source = folder.parent.name
    for what in ("orders", "sessions"):
        kind = f"{source} {what}"
        files = sorted(folder.glob(f"{what}-*.jsonl.gz"))
        query = pl.scan_ndjson(files, schema=SCHEMAS[kind]).select(columns(kind))
        of_day = (pl.col("at") >= pl.lit(START)) & (pl.col("at") < pl.lit(END))
        query.filter(of_day).sink_parquet(out / f"{source}-{what}.parquet")


def main() -> None:
    """Extract as often as asked and print wall and CPU seconds of each time as JSON."""
    seconds = []
    for _ in range(int(sys.argv[3]) if len(sys.argv) > 3 else 1):
        started, used = time.perf_counter(), time.process_time()
        extract(Path(sys.argv[1]), Path(sys.argv[2]))
        seconds.append((time.perf_counter() - started, time.process_time() - used))
    sys.stdout.write(json.dumps(seconds))


if __name__ == "__main__":
    main()
