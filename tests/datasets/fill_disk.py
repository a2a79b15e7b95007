"""A program that publishes a small partition and then one that does not fit on the disk.

Run in a mount namespace of its own, where it mounts a file system of 2 MiB as the warehouse.
"""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import polars as pl

from stationmaster.step.contracts import Contract
from stationmaster.step.datasets import Store
from stationmaster.step.errors import StorageFullError
from stationmaster.step.protocol import StepContext
from stationmaster.step.settings import Settings

CONTRACT = Path(__file__).parents[1] / "contracts" / "web_orders.odcs.yaml"
DAY = dt.date(2011, 11, 21)


def orders(rows: int) -> pl.DataFrame:
    """Return orders whose mail addresses do not compress."""
    number = pl.int_range(rows).cast(pl.String)
    return pl.select(
        order_id=number,
        ordered_at=pl.lit(dt.datetime(2011, 11, 21, tzinfo=dt.UTC)),
        email=number.hash(7).cast(pl.String) + number.hash(8).cast(pl.String),
        channel=pl.lit("web"),
        lines=pl.lit(1),
        items=pl.lit(1),
        revenue=pl.lit(Decimal("1.00")),
    )


def publish(store: Store, run: str, rows: int) -> None:
    """Publish orders as a run."""
    names = {"pipeline": "p", "run_id": run, "step": "s", "job": "j", "try_id": run}
    context = StepContext.model_validate({**names, "business_date": DAY})
    store.publish(store.stage(context, Contract.load(CONTRACT), orders(rows)))


def main(home: Path) -> None:
    """Print the error's message, what readers see after it, and how much was left behind."""
    warehouse = home / "warehouse"
    warehouse.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(warehouse)]
    subprocess.run(mount, check=True)
    store = Store.open(Settings(home=home))
    publish(store, "small", 10)
    try:
        publish(store, "big", 200_000)
    except StorageFullError as error:
        sys.stdout.write(f"{error}\n")
    sys.stdout.write(f"{store.read('web_orders', DAY).frame.collect().height}\n")
    publish(store, "again", 20)
    sys.stdout.write(f"{store.read('web_orders', DAY).frame.collect().height}\n")
    left = [path for path in warehouse.rglob("*.parquet") if path.stat().st_size > 100_000]
    sys.stdout.write(f"{len(left)}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
