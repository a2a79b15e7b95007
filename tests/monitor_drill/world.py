"""A small company on a simulated clock: real ledger rows, real files, and Airflow as it would be.

    world = World(folder, seed=1, first=date(2011, 9, 1))
    world.play(until)          # everything that happens until then is in the ledger and the folders
    world.airflow(now)         # what Airflow would say at that moment

Faults are functions that change what a step is going to do (`world.changes`), when a source
delivers (`world.deliveries`), and when the scheduler is away (`world.scheduler_away`).
"""

from __future__ import annotations

import datetime as dt
import heapq
import random
from itertools import count
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from stationmaster.ledger.store import Ledger
from stationmaster.step.settings import Settings
from tests.monitor_drill.orders import real_orders
from tests.monitor_drill.pipelines import Book, moment
from tests.monitor_drill.records import begun_record, ended_record, report_folder
from tests.monitor_drill.spans import RunSpan, span_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from stationmaster.ledger.records import AttemptRecord
    from tests.monitor_drill.plans import RunPlan, StepPlan
    from tests.monitor_drill.spans import Attempted

    Change = Callable[[StepPlan, dt.datetime], StepPlan]

__all__ = ["Away", "World"]

SOURCES: Final = ("web", "app", "delivery", "support")
DAY: Final = dt.timedelta(days=1)
AT_ONCE: Final = 2000

HOURLY_AFTER: Final = dt.timedelta(days=35)
"""A pipeline that came later than the others has 24 runs a day, and most of the history."""


class Away(NamedTuple):
    """Hold a time in which something does not work."""

    since: dt.datetime
    until: dt.datetime

    def holds(self, now: dt.datetime) -> bool:
        """Tell whether it goes on."""
        return self.since <= now < self.until


class World:
    """Hold the world.

    Args:
        folder: Where its ledger, landing zone and reports lie.
        seed: Of its natural spread.
        first: The first calendar day on which its pipelines run.
        runtime: kubernetes (something runs all the time), or process (a laptop).
        **settings: Others, such as `ledger_uri`; it is a sqlite file in the folder by default.
    """

    def __init__(
        self,
        folder: Path,
        *,
        seed: int,
        first: dt.date,
        runtime: Literal["process", "kubernetes"] = "kubernetes",
        **settings: Any,  # noqa: ANN401 (fields of Settings)
    ) -> None:
        (folder / "secrets").mkdir(parents=True, exist_ok=True)
        (folder / "secrets" / "support-api-token").write_text("drill", encoding="utf-8")
        self.settings = Settings(
            home=folder, runtime=runtime, secrets=folder / "secrets", **settings
        )
        self.book = Book(real_orders(), seed, hourly_since=first + HOURLY_AFTER)
        self.seed = seed
        self.now = moment(first, dt.time())
        self.changes: list[Change] = []
        self.deliveries: dict[tuple[str, dt.date], dt.datetime] = {}
        self.scheduler_away: list[Away] = []
        self.runs: list[RunSpan] = []
        self.extra_runs: list[RunPlan] = []
        self.ledger = Ledger.open(self.settings.ledger_location)
        self.ledger.migrate()
        self._reports = folder / "reports"
        self._landing = folder / "landing"
        self._next_day = first
        self._order = count()
        self._coming: list[tuple[dt.datetime, int, Callable[[], None]]] = []
        self._records: list[AttemptRecord] = []

    def close(self) -> None:
        """Close its ledger."""
        self.ledger.close()

    def play(self, until: dt.datetime) -> None:
        """Let everything happen up to a moment."""
        while True:
            while moment(self._next_day, dt.time()) <= until:
                self._begin_day(self._next_day)
                self._next_day += DAY
            if not self._coming or self._coming[0][0] > until:
                break
            self.now, _, happen = heapq.heappop(self._coming)
            happen()
        self.now = until
        self._write()

    def at(self, when: dt.datetime, happen: Callable[[], None]) -> None:
        """Let something happen at a moment."""
        heapq.heappush(self._coming, (when, next(self._order), happen))

    def delivered(self, source: str, day: dt.date) -> dt.datetime:
        """Return when a source has delivered a day; by nature at night, a while after midnight."""
        known = self.deliveries.get((source, day))
        if known is not None:
            return known
        drawn = random.Random(f"{self.seed} {source} {day}")  # noqa: S311 (to be repeated)
        over = dt.datetime.combine(day + DAY, dt.time(), dt.UTC)
        return over + dt.timedelta(minutes=drawn.uniform(40, 200))

    def complete_through(self) -> dt.datetime:
        """Return up to when support's API has everything now."""
        today = self.now.date()
        days = (today - n * DAY for n in range(1, 15))
        came = (day for day in days if self.delivered("support", day) <= self.now)
        newest = next(came, today - 15 * DAY)
        return dt.datetime.combine(newest + DAY, dt.time(), dt.UTC) - dt.timedelta(seconds=1)

    def going(self, now: dt.datetime) -> Iterable[RunSpan]:
        """Yield the runs that have begun and not ended."""
        return (each for each in self.runs if each.run.at <= now < each.ended_at)

    def _begin_day(self, day: dt.date) -> None:
        for source in SOURCES:
            came = self.delivered(source, day - DAY)
            if source != "support" and came < dt.datetime.max.replace(tzinfo=dt.UTC):
                self.at(came, lambda source=source: self._deliver(source, day - DAY))  # type: ignore[misc]
        extra = [each for each in self.extra_runs if moment(day, dt.time()) <= each.at]
        mine = [each for each in extra if each.at < moment(day, dt.time(), 1)]
        for run in (*self.book.runs(day), *mine):
            self.at(run.at, lambda run=run: self._begin(run))  # type: ignore[misc]

    def _deliver(self, source: str, day: dt.date) -> None:
        folder = self._landing / source / str(day)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "_SUCCESS").touch()

    def _begin(self, run: RunPlan) -> None:
        away = [each.until for each in self.scheduler_away if each.holds(run.at)]
        delivered = {source: self._needed(source, run.day) for source in SOURCES}
        span = span_of(run, self._changed(run), delivered, max(away, default=None))
        self.runs.append(span)
        for each in span.attempts:
            self.at(each.started_at, lambda each=each: self._record(begun_record(each)))  # type: ignore[misc]
            self.at(each.finished_at, lambda each=each: self._end(each))  # type: ignore[misc]

    def _changed(self, run: RunPlan) -> Iterable[StepPlan]:
        for plan in self.book.steps(run):
            now = plan
            for change in self.changes:
                now = change(now, run.at)
            yield now

    def _needed(self, source: str, day: dt.date) -> dt.datetime:
        """Return when the upstream days of a business date had come; UTC days, or London's."""
        local = source == "delivery"
        first = moment(day, dt.time()).date()
        days = {day} if local else {day, first}
        return max(self.delivered(source, each) for each in days)

    def _end(self, each: Attempted) -> None:
        self._record(ended_record(each, self._reports))
        plan = each.plan
        if each.trip is None and plan.report and not plan.forgets_report:
            shown = plan.day - DAY if plan.stale_report else plan.day
            folder = report_folder(self._reports, plan.report, plan.day)
            folder.mkdir(parents=True, exist_ok=True)
            for name in ("index.html", "report.json"):
                (folder / name).write_text(f"Morning report of {shown}\n", encoding="utf-8")

    def _record(self, record: AttemptRecord) -> None:
        self._records.append(record)
        if len(self._records) >= AT_ONCE:
            self._write()

    def _write(self) -> None:
        self.ledger.record_all(self._records)
        self._records.clear()
