"""The three pipelines of the simulated world: their runs, steps, volumes and natural spread.

`morning_analytics` has the real one's steps, jobs, datasets and figures; `hourly_orders` runs
every hour and `nightly_finance` every night, so that rhythms other than a daily one are watched.
"""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from tests.monitor_drill.nature import about, customers_on, figures_of, natural_trips
from tests.monitor_drill.plans import RunPlan, StepPlan, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.monitor_drill.orders import Orders

__all__ = ["LONDON", "OWN_JOBS", "Book", "moment"]

LONDON: Final = ZoneInfo("Europe/London")
MIB: Final = 2**20

OWN_JOBS: Final = {
    "load-orders": {"inputs": ["shop"], "outputs": ["hourly_orders"]},
    "refresh-board": {"inputs": ["hourly_orders"], "outputs": ["sales_board"]},
    "load-payments": {"inputs": ["bank"], "outputs": ["payments"]},
    "close-books": {"inputs": ["payments", "unified_orders"], "outputs": ["ledger_entries"]},
}
"""What the jobs of the two pipelines that exist only here read and write."""


def moment(day: dt.date, at: dt.time, days_later: int = 0) -> dt.datetime:
    """Return a moment of the business clock, in UTC."""
    local = dt.datetime.combine(day + dt.timedelta(days=days_later), at, LONDON)
    return local.astimezone(dt.UTC)


class Book:
    """Say what each run would do on a day without faults.

    Args:
        orders: Real ones.
        seed: Of the natural spread.
        hourly_since: The hourly pipeline came into use then.
    """

    def __init__(self, orders: Orders, seed: int, hourly_since: dt.date = dt.date.min) -> None:
        self._orders = orders
        self._hourly_since = hourly_since
        self._seed = seed
        self.volumes: dict[tuple[str, dt.date], float] = {}
        """How much of a day a source has, where it is not what it was: (source, business date)."""

    def runs(self, day: dt.date) -> Iterator[RunPlan]:
        """Yield the runs that start on a calendar day (business clock), in any order."""
        before = day - dt.timedelta(days=1)
        at = moment(day, dt.time(6))
        yield RunPlan(pipeline="morning_analytics", run_id=_run_id(at), day=before, at=at)
        at = moment(day, dt.time(2, 30))
        yield RunPlan(pipeline="nightly_finance", run_id=_run_id(at), day=before, at=at, retries=2)
        if day < self._hourly_since:
            return
        start = moment(day, dt.time())
        end = moment(day, dt.time(), 1)
        hours = range(round((end - start) / dt.timedelta(hours=1)))
        for number in hours:  # 23 or 25 where the clock changes
            at = start + dt.timedelta(hours=number, minutes=10)
            data = (at - dt.timedelta(hours=1)).astimezone(LONDON)
            yield RunPlan(
                pipeline="hourly_orders",
                run_id=_run_id(at),
                day=data.date(),
                at=at,
                hour=data.hour,
                retries=2,
            )

    def steps(self, run: RunPlan) -> tuple[StepPlan, ...]:
        """Return the steps of a run, causes first."""
        if run.pipeline == "hourly_orders":
            found = self._hourly(run)
        elif run.pipeline == "nightly_finance":
            found = self._nightly(run)
        else:
            found = self._morning(run)
        return tuple(found)

    def _share(self, source: str, day: dt.date) -> float:
        return self.volumes.get((source, day), 1.0)

    def _came(self, day: dt.date) -> tuple[int, int, float]:
        """Return the web orders, app orders and pounds that came of a day."""
        web, app, pounds = self._orders.of(day)
        came_web = round(web * self._share("web", day))
        came_app = round(app * self._share("app", day))
        worth = pounds * self._share("pounds", day)
        return came_web, came_app, worth * (came_web + came_app) / max(1, web + app)

    def _of_day(self, run: RunPlan, what: str) -> random.Random:
        """Return the spread of a day's data: however often a day is run, its data is the same."""
        return random.Random(f"{self._seed} {run.pipeline} {run.day} {what}")  # noqa: S311 (as below)

    def _spread(self, run: RunPlan, step: str) -> random.Random:
        return random.Random(f"{self._seed} {run.pipeline} {run.run_id} {step}")  # noqa: S311 (a drill is to be repeated)

    def _step(  # noqa: PLR0913 (what a step is)
        self,
        run: RunPlan,
        step: str,
        *,
        job: str,
        tables: dict[str, Table],
        seconds: float,
        mib: float,
        **more: object,
    ) -> StepPlan:
        """Return a step with natural spread and, now and then, something that passes."""
        drawn = self._spread(run, step)
        rows = sum(each.rows for each in tables.values())
        return StepPlan(
            pipeline=run.pipeline,
            step=step,
            job=job,
            day=run.day,
            run_id=run.run_id,
            tables=tables,
            seconds=(seconds + rows * 0.01) * drawn.lognormvariate(0, 0.09),
            memory_bytes=(mib * MIB + rows * 20_000) * drawn.lognormvariate(0, 0.03),
            delay_seconds=drawn.uniform(4, 14),
            trips=natural_trips(drawn),
            **more,  # type: ignore[arg-type]
        )

    def _morning(self, run: RunPlan) -> Iterator[StepPlan]:
        drawn = self._of_day(run, "volumes")
        web, app, pounds = self._came(run.day)
        back = [self._orders.of(run.day - dt.timedelta(days=n)) for n in range(1, 4)]
        moved = round(
            (sum(w + a for w, a, _ in back) / 3 * 3.3 + web + app)
            * self._share("delivery", run.day)
        )
        tickets = about(drawn, 0.2 * (web + app) + 0.05 * moved)
        visits = 12 * (web + app) + 40
        before = self._came(run.day - dt.timedelta(days=1))
        quarantined = about(drawn, 0.004 * visits)
        loads = {
            "web": {
                "web_orders": Table(web, about(drawn, 0.01 * web)),
                "web_sessions": Table(about(drawn, visits), quarantined),
            },
            "app": {
                "app_orders": Table(app, about(drawn, 0.01 * app)),
                "app_sessions": Table(about(drawn, visits / 2)),
            },
            "delivery": {"delivery_events": Table(moved, about(drawn, 0.01 * moved))},
            "support": {"support_tickets": Table(tickets)},
        }
        customers = customers_on(run.day)
        sold = sum(self._orders.of(run.day)[:2])
        figures = figures_of((web, app, pounds), before, sold, customers, drawn)
        for source, tables in loads.items():
            yield self._step(
                run,
                f"extract_{source}",
                job=f"extract-{source}",
                tables=tables,
                seconds={"web": 62, "app": 48, "delivery": 40, "support": 75}[source],
                mib={"web": 330, "app": 300, "delivery": 210, "support": 180}[source],
                asked_bytes=2**30 if source in {"web", "app"} else 2**29,
                source=source,
                figures=figures.get(f"extract_{source}", {}),
            )
        yield self._merge(run, web + app, figures["merge_customers"])
        yield self._step(
            run,
            "report_morning",
            job="report-morning",
            tables={"daily_metrics": Table(24)},
            report="morning_report",
            seconds=45,
            mib=260,
            asked_bytes=2**29,
            after=("merge_customers",),
            figures=figures["report_morning"],
        )

    def _merge(self, run: RunPlan, orders: int, figures: dict[str, float]) -> StepPlan:
        drawn = self._of_day(run, "customers")
        customers = customers_on(run.day)
        tables = {
            "unified_customers": Table(customers),
            "unified_orders": Table(orders),
            "identity_changes": Table(about(drawn, orders * 0.6)),
            "customer_counts": Table(5),
        }
        return self._step(
            run,
            "merge_customers",
            job="merge-customers",
            tables=tables,
            seconds=150,
            mib=900,
            asked_bytes=2**31,
            after=tuple(f"extract_{each}" for each in ("web", "app", "delivery", "support")),
            figures=figures,
        )

    def _hourly(self, run: RunPlan) -> Iterator[StepPlan]:
        # The day so far: each run writes its day anew, all or nothing.
        orders = sum(self._orders.hours(run.day)[: (run.hour or 0) + 1])
        loaded = {"hourly_orders": Table(orders * 26)}
        yield self._step(run, "load_orders", job="load-orders", tables=loaded, seconds=25, mib=150)
        yield self._step(
            run,
            "refresh_board",
            job="refresh-board",
            tables={"sales_board": Table(1)},
            seconds=12,
            mib=120,
            after=("load_orders",),
        )

    def _nightly(self, run: RunPlan) -> Iterator[StepPlan]:
        web, app, _ = self._orders.of(run.day)
        drawn = self._of_day(run, "payments")
        payments = {"payments": Table(about(drawn, 1.02 * (web + app)))}
        yield self._step(
            run, "load_payments", job="load-payments", tables=payments, seconds=90, mib=240
        )
        entries = {"ledger_entries": Table(3 * (web + app) + 12)}
        yield self._step(
            run,
            "close_books",
            job="close-books",
            tables=entries,
            seconds=4400,
            mib=700,
            cores=96,
            large_node=True,
            after=("load_payments",),
        )


def _run_id(at: dt.datetime) -> str:
    return f"scheduled__{at.isoformat()}"
