"""Datasets and figures as Prometheus sees them: the newest that any step said of each."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import sqlalchemy as sa

from stationmaster.ledger.models import attempt
from stationmaster.monitor.metrics.families import Sample

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["NewestData"]

FIRST_LOOK: Final = dt.timedelta(days=8)
"""So far back a dataset is known after a restart: a weekly one is."""

MOST_RESULTS: Final = 20_000
OVERLAP: Final = dt.timedelta(minutes=2)
"""What is recorded at one moment is seen at another: a transaction may be late."""

SUCCEEDED: Final = "succeeded"


class _Published(NamedTuple):
    """Hold a dataset's newest partition; sorts by business date, then by when."""

    business_date: str
    published: float
    rows: float
    quarantined: float


class NewestData:
    """Hold each dataset's newest partition and each figure's newest value; reads what is new.

    Args:
        figures: Whether the figures' values are told.
    """

    def __init__(self, *, figures: bool) -> None:
        self._tells_figures = figures
        self._seen: dt.datetime | None = None
        self._datasets: dict[str, _Published] = {}
        self._figures: dict[str, tuple[str, float]] = {}

    def read(self, connection: sa.Connection, now: dt.datetime) -> Iterator[Sample]:
        """Yield each dataset's and each figure's newest; asks only for what was recorded since."""
        c = attempt.c
        since = now - FIRST_LOOK if self._seen is None else self._seen - OVERLAP
        query = (
            sa.select(c.recorded_at, c.finished_at, c.business_date, c.result)
            .where(c.recorded_at >= since, c.verdict == SUCCEEDED, c.result.is_not(None))
            .order_by(c.recorded_at.desc())
            .limit(MOST_RESULTS)
        )
        for recorded, finished, day, result in connection.execute(query):
            if isinstance(result, dict):
                self._take(result, day, (finished or recorded).timestamp())
            self._seen = recorded if self._seen is None else max(self._seen, recorded)
        yield from self._samples()

    def _take(self, result: Mapping[str, Any], day: dt.date, at: float) -> None:
        for output in result.get("outputs") or ():
            if output.get("staged"):
                continue
            rows, aside = output.get("rows") or 0, output.get("quarantined_rows") or 0
            told = _Published(str(output.get("business_date") or day), at, rows, aside)
            name = str(output.get("dataset"))
            self._datasets[name] = max(told, self._datasets.get(name, told))
        for name, value in (result.get("figures") or {}).items():
            there = self._figures.get(name, ("", 0.0))
            if str(day) >= there[0]:
                self._figures[name] = (str(day), float(value))

    def _samples(self) -> Iterator[Sample]:
        for name, told in sorted(self._datasets.items()):
            day = dt.datetime.fromisoformat(told.business_date).replace(tzinfo=dt.UTC)
            values = {
                "published_timestamp_seconds": told.published,
                "business_date_timestamp_seconds": day.timestamp(),
                "rows": told.rows,
                "quarantined_rows": told.quarantined,
            }
            for part, value in values.items():
                yield Sample(f"stationmaster_dataset_{part}", (name,), float(value))
        figures = self._figures if self._tells_figures else {}
        for name, (_, value) in sorted(figures.items()):
            yield Sample("stationmaster_figure", (name,), value)
