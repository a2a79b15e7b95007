"""A store in a folder of its own, with makers of contexts and frames of one contract."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from stationmaster.step.contracts import Contract
from stationmaster.step.datasets import Staged, Store
from stationmaster.step.protocol import OutputRef, Shard, StepContext
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from pyiceberg.table import Table

CONTRACT = Path(__file__).parents[1] / "contracts" / "web_orders.odcs.yaml"
DAY = dt.date(2011, 11, 21)


@dataclass(frozen=True)
class Desk:
    """Hold a store and what a step brings to it."""

    settings: Settings
    store: Store
    contract: Contract

    def orders(
        self, count: int, *, revenue: str = "1.00", bad: int = 0, first: int = 0
    ) -> pl.DataFrame:
        """Return orders that keep the contract, but for `bad` ones; `revenue` tells versions."""
        numbers = range(first, first + count)
        columns = {
            "order_id": [str(number) for number in numbers],
            "ordered_at": [dt.datetime(2011, 11, 21, 9, tzinfo=dt.UTC)] * count,
            "email": [f"p{number}@example.com" for number in numbers],
            "channel": ["web"] * count,
            "lines": [1] * count,
            "items": [0 if number - first < bad else 1 for number in numbers],
            "revenue": [Decimal(revenue)] * count,
        }
        return pl.DataFrame(columns, schema={name: self.contract.schema[name] for name in columns})

    def step(self, run: str = "r1", number: int = 1, **others: object) -> StepContext:
        """Return a context; a try is named by its run and number unless told otherwise."""
        known: dict[str, object] = {
            "pipeline": "morning",
            "run_id": run,
            "step": "extract_web",
            "job": "extract-web",
            "try_id": f"{run}-{number}",
            "try_number": number,
            "business_date": DAY,
            "shard": Shard(),
        }
        return StepContext.model_validate({**known, **others})

    def stage(
        self, frame: pl.DataFrame | pl.LazyFrame, run: str = "r1", number: int = 1, **others: object
    ) -> Staged:
        """Stage a frame."""
        return self.store.stage(self.step(run, number, **others), self.contract, frame)

    def publish(
        self, frame: pl.DataFrame | pl.LazyFrame, run: str = "r1", number: int = 1, **others: object
    ) -> OutputRef:
        """Stage a frame and publish it."""
        return self.store.publish(self.stage(frame, run, number, **others))

    def rows(self, day: dt.date = DAY) -> pl.DataFrame:
        """Return what readers see."""
        return self.store.read("web_orders", day).frame.collect()

    def revenue(self, day: dt.date = DAY) -> list[str]:
        """Return the versions that readers see."""
        return sorted({str(value) for value in self.rows(day)["revenue"]})

    def quarantine(self, day: dt.date = DAY) -> pl.DataFrame:
        """Return the refused rows."""
        return self.store.read_quarantine("web_orders", day).frame.collect()

    def table(self, name: str = "stationmaster.web_orders") -> Table:
        """Return the Iceberg table."""
        return self.store.catalog.load_table(name)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Return a store on a new sqlite catalog, in the test's folder."""
    settings = Settings(home=tmp_path / "home")
    return Desk(settings, Store.open(settings), Contract.load(CONTRACT))
