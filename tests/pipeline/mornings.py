"""Run mornings by the real runner in this process: sources, extracts, merges, reports."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from extract_app.job import run as extract_app
from extract_delivery.job import run as extract_delivery
from extract_support.job import run as extract_support
from extract_web.job import run as extract_web
from merge_customers.job import run as merge_customers
from report_morning.job import run as report_morning
from stationmaster.sources.days import generate_day
from stationmaster.sources.support_api import running_api, token
from stationmaster.step.datasets import Store
from stationmaster.step.settings import Settings
from stationmaster.step.testing import run_job

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import polars as pl

    from stationmaster.sources.world import World
    from stationmaster.step import Job

__all__ = ["EXTRACTS", "MERGED", "REPORTED", "Mornings", "days_from"]

EXTRACTS: tuple[Job[...], ...] = (extract_web, extract_app, extract_delivery, extract_support)
EXTRACTED = (
    "web_orders",
    "web_sessions",
    "app_orders",
    "app_sessions",
    "delivery_events",
    "support_tickets",
)
MERGED = ("unified_customers", "unified_orders", "identity_changes", "customer_counts")
REPORTED = ("daily_metrics",)


def days_from(first: dt.date, count: int) -> list[dt.date]:
    """Return `count` days, the first included."""
    return [first + dt.timedelta(days=offset) for offset in range(count)]


class Mornings:
    """One laptop: a home folder, four sources, and the jobs of the pipeline."""

    def __init__(self, home: Path) -> None:
        self.settings = Settings(home=home, data=Settings().data_folder)

    def play_sources(self, world: World, days: Iterable[dt.date]) -> None:
        """Write what the four systems hold of the days."""
        token(self.settings)
        for day in days:
            generate_day(world, self.settings, day)

    def extract(self, days: Sequence[dt.date], jobs: Sequence[Job[...]] = EXTRACTS) -> None:
        """Extract the days from the sources, with support's API answering."""
        with running_api(self.settings) as url:
            for day in days:
                for job in jobs:
                    self._run(job, day, support_api_url=url)

    def merge(self, days: Iterable[dt.date]) -> None:
        """Merge customers for each of the days, in the order given."""
        for day in days:
            self._run(merge_customers, day)

    def report(self, days: Iterable[dt.date]) -> None:
        """Write the report of each of the days, in the order given."""
        for day in days:
            self._run(report_morning, day)

    def table(self, dataset: str, day: dt.date) -> pl.DataFrame:
        """Return one published partition, its rows in a fixed order."""
        frame = Store.open(self.settings).read(dataset, day).frame.collect()
        return frame.select(sorted(frame.columns)).sort(pl_keys(frame))

    def tables(self, datasets: Sequence[str], days: Sequence[dt.date]) -> dict[Any, pl.DataFrame]:
        """Return the published partitions by dataset and day."""
        return {(dataset, day): self.table(dataset, day) for dataset in datasets for day in days}

    def _run(self, job: Job[...], day: dt.date, **settings: str) -> None:
        done = run_job(
            job,
            day,
            home=self.settings.home,
            settings={"data": self.settings.data, **settings},
        )
        if done.exit_code:
            message = f"{job.name} {day}: {done.result.error}"
            raise AssertionError(message)


def pl_keys(frame: pl.DataFrame) -> list[str]:
    """Return columns that sort a frame the same way each time."""
    return sorted(frame.columns)


def differences(left: dict[Any, pl.DataFrame], right: dict[Any, pl.DataFrame]) -> list[str]:
    """Name the partitions in which two sets of tables differ."""
    names = [str(key) for key in sorted(left.keys() ^ right.keys(), key=str)]
    return names + [str(key) for key in left if key in right and not left[key].equals(right[key])]
