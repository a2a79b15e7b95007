"""This morning's products: is each here, since when, and if not, when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.finding import Layer, Severity
from stationmaster.monitor.dashboard.reading.expectations import Product, title_of
from stationmaster.monitor.dashboard.reading.incidents import findings_now
from stationmaster.monitor.dashboard.reading.leanrows import NewestAttempts
from stationmaster.monitor.dashboard.reading.runs import pipelines
from stationmaster.monitor.facts.facts import Facts
from stationmaster.monitor.facts.ledger import LedgerFacts
from stationmaster.monitor.facts.missing import FactsUnavailableError
from stationmaster.monitor.facts.published import PublishedFacts
from stationmaster.monitor.monitoring import PipelineExpectation
from stationmaster.monitor.monitoringdays import done_at
from stationmaster.monitor.series.runrows import run_chance, runs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stationmaster.monitor.checks.finding import Finding
    from stationmaster.monitor.dashboard.reading.expectations import Expectations
    from stationmaster.monitor.dashboard.reading.source import Source
    from stationmaster.monitor.facts.published import Copy
    from stationmaster.monitor.facts.runs import Run

__all__ = ["ProductRow", "Standing", "expected_day", "facts_of", "products"]

MOST_UNNAMED: Final = 12
"""Products that are shown where nobody said what people wait for."""

ASLEEP: Final = dt.timedelta(days=7)
"""A product that nobody asked for in a week is not late: its pipeline is paused, or a try-out."""


class Standing(StrEnum):
    """Tell how a product stands."""

    HERE = "here"
    DOUBTFUL = "doubtful"
    """Here, but something about it is wrong."""
    COMING = "coming"
    """Not due yet."""
    LATE = "late"
    STOPPED = "stopped"
    """Not here, and nothing works on it."""
    ASLEEP = "asleep"
    """Nobody has asked for it lately."""


@dataclass(frozen=True)
class ProductRow:
    """Hold a product as it stands.

    Args:
        product: Which.
        day: The day whose numbers are waited for, or were there last.
        standing: How it stands.
        here_at: When it was complete.
        due_at: When it should be.
        finish_at: When it will be, by the durations of past runs.
        chance: That it misses its time, from 0 to 1.
        done: Steps that are done.
        steps: Steps of a whole run.
        last_day: The newest day that is complete.
        doubts: What is wrong about it.
        run_id: Of its newest run.
    """

    product: Product
    day: dt.date
    standing: Standing
    here_at: dt.datetime | None = None
    due_at: dt.datetime | None = None
    finish_at: dt.datetime | None = None
    chance: float | None = None
    done: int = 0
    steps: int = 0
    last_day: dt.date | None = None
    doubts: tuple[Finding, ...] = ()
    run_id: str = ""


def expected_day(source: Source, product: Product) -> dt.date:
    """Return the day whose numbers are due: mostly yesterday, on the business clock."""
    today = source.now().astimezone(source.zone).date()
    return product.newest_day(today, source.zone)


def products(source: Source, expectations: Expectations) -> list[ProductRow]:
    """Return all products, in the order of the expectations; else each pipeline is one."""
    # Kept: four parts of one page ask for them, and a chance is a thousand draws.
    names = tuple(each.pipeline for each in expectations.products)
    return source.kept(("products", names), lambda: _products(source, expectations))


def _products(source: Source, expectations: Expectations) -> list[ProductRow]:
    wanted: Sequence[Product] = (
        expectations.products
        or [
            Product(title_of(each.name), each.name)
            for each in sorted(pipelines(source), key=lambda row: row.last_day, reverse=True)
        ][:MOST_UNNAMED]
    )
    rows = [_row(source, each, always_on=expectations.always_on) for each in wanted]
    return [_with_doubts(source, row) for row in rows]


def facts_of(source: Source, pipeline: str) -> LedgerFacts:
    """Return what is known of one pipeline's last four weeks of business dates."""
    return source.kept(
        ("facts", pipeline),
        lambda: LedgerFacts(source.now(), NewestAttempts(source), [pipeline]),
    )


def _row(source: Source, product: Product, *, always_on: bool) -> ProductRow:
    runs = facts_of(source, product.pipeline).runs.get(product.pipeline, ())
    done = _done(source, product, {run.business_date for run in runs})
    day = expected_day(source, product)
    if product.expected is None or product.expected.due is None:
        day = max((run.business_date for run in runs), default=day)
    row = ProductRow(
        product,
        day,
        Standing.COMING,
        due_at=product.due_at(day, source.zone),
        last_day=max(done, default=None),
        steps=max((len(run.steps) for run in runs), default=0),
    )
    if day in done:
        row = replace(row, standing=Standing.HERE, here_at=done[day])
    mine = next((run for run in reversed(runs) if run.business_date == day), None)
    if mine is None:
        return row if day in done else _without_run(source, row, runs, always_on=always_on)
    ended = sum(step.is_done for step in mine.steps.values())
    row = replace(row, done=ended, run_id=mine.run_id)
    return row if day in done else _unfinished(source, row, mine)


def _done(source: Source, product: Product, days: set[dt.date]) -> dict[dt.date, dt.datetime]:
    """Return when each day was done, by the rule that checks go by."""
    ledger = facts_of(source, product.pipeline)
    published = PublishedFacts(ledger.attempts(product.pipeline), _NoShelf())
    facts = Facts(
        now=source.now(), parts={"ledger": lambda: ledger, "published": lambda: published}
    )
    expected = product.expected or PipelineExpectation()
    found = {day: done_at(facts, product.pipeline, expected, day) for day in days}
    return {day: at for day, at in found.items() if at is not None}


class _NoShelf:
    """Look nowhere: a page says what the ledger saw."""

    def look(self, uri: str) -> Copy:
        """Refuse to look.

        Raises:
            FactsUnavailableError: Always.
        """
        raise FactsUnavailableError(uri)


def _without_run(
    source: Source, row: ProductRow, runs: Sequence[Run], *, always_on: bool
) -> ProductRow:
    """Return how a product stands of whose day nothing has begun."""
    now = source.now()
    overdue = row.due_at is not None and now > row.due_at
    newest = max((run.business_date for run in runs), default=dt.date.min)
    # Whoever works on days long ago tries things out; a laptop may have been off.
    if newest < row.day - ASLEEP or (overdue and not always_on):
        return replace(row, standing=Standing.ASLEEP)
    return replace(row, standing=Standing.LATE if overdue else Standing.COMING)


def _unfinished(source: Source, row: ProductRow, run: Run) -> ProductRow:
    """Return how a product stands that is being made, or whose making has stopped."""
    now = source.now()
    facts = facts_of(source, row.product.pipeline)
    if run.begun_at < now - ASLEEP:
        return replace(row, standing=Standing.ASLEEP)
    overdue = row.due_at is not None and now > row.due_at
    if any(step.failed for step in run.steps.values()) and not run.goes_on:
        return replace(row, standing=Standing.LATE if overdue else Standing.STOPPED)
    told, finish = run_chance(
        runs_of(facts.step_rows(row.product.pipeline)),
        run.run_id,
        now=now,
        deadline=row.due_at or now,
    )
    return replace(
        row,
        standing=Standing.LATE if overdue else Standing.COMING,
        finish_at=finish,
        chance=told.chance if row.due_at is not None else None,
    )


def _with_doubts(source: Source, row: ProductRow) -> ProductRow:
    """Return the row with what is wrong about a product that is there."""
    found = tuple(each.finding for each in findings_now(source) if _is_about(each.finding, row))
    if row.standing is not Standing.HERE or not found:
        return replace(row, doubts=found)
    return replace(row, standing=Standing.DOUBTFUL, doubts=found)


def _is_about(finding: Finding, row: ProductRow) -> bool:
    """Tell whether a finding throws doubt on a product of a day: data, not machines."""
    return (
        finding.layer is Layer.BUSINESS
        and not finding.foretold
        and finding.severity is not Severity.INFO
        and finding.business_date in {None, row.day}
        and (finding.pipeline == row.product.pipeline or row.product.name in finding.affected)
    )
