"""Scrape a ledger as Prometheus would, and read what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from stationmaster.monitor.metrics.collecting import LedgerCollector

if TYPE_CHECKING:
    import datetime as dt

    import sqlalchemy as sa

__all__ = ["Values", "read", "scrape"]

Values = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Scraped:
    """Hold what one scrape said."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.values: Values = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    @property
    def ledger_up(self) -> float:
        """Return whether the ledger answers, wherever it is."""
        return next(value for (name, _), value in self.values.items() if name.endswith("_up"))

    def value(self, name: str, **labels: str) -> float | None:
        """Return a number by its metric's name, without `stationmaster_`, and all its labels."""
        return self.values.get((f"stationmaster_{name}", frozenset(labels.items())))


def scrape(engine: sa.Engine, now: dt.datetime) -> Scraped:
    """Return what a process that has just started says at a moment."""
    return read(LedgerCollector(engine, lambda: now))


def read(collector: LedgerCollector) -> Scraped:
    """Return what a collector says."""
    registry = CollectorRegistry()
    registry.register(collector)
    return Scraped(generate_latest(registry).decode())
