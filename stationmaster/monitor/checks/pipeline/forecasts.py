"""What will be wrong: memory outgrown, steps creeping slower, more set aside, pools too small."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import TYPE_CHECKING, Final

from stationmaster.ledger.quantities import size_text
from stationmaster.monitor.checks.check import check
from stationmaster.monitor.checks.finding import Finding, Layer, Severity, Subject, SubjectKind
from stationmaster.monitor.checks.saying import owner_of
from stationmaster.monitor.lineage import step_subject
from stationmaster.monitor.series.outlooks import (
    creeping_outlook,
    memory_outlook,
    pool_outlook,
)
from stationmaster.monitor.series.points import DAILY, Series
from stationmaster.monitor.series.stepseries import (
    Measure,
    memory_at_once,
    memory_given,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stationmaster.monitor.checks.check import Check
    from stationmaster.monitor.facts.facts import Facts
    from stationmaster.monitor.series.outlooks import StepOutlook
    from stationmaster.monitor.series.stepseries import StepName

__all__ = ["latency_creeping", "memory_outgrown", "pool_outgrown", "quarantine_creeping"]

HOUR: Final = dt.timedelta(hours=1)
"""A series gets one value a day: to look more often would only be dear."""

LEAST_DAYS: Final = 14
RECENT_DAYS: Final = 3
SOON_DAYS: Final = 3.0
"""Memory that runs out within so many days is told at once: a second day may be too late."""

LEAST_SECONDS: Final = 60.0
"""A step that takes less may double without anybody waiting for it."""

UNITS: Final = {"Mi": 2**20, "Gi": 2**30, "Ti": 2**40}

_foretelling = partial(
    check,
    layer=Layer.PIPELINE,
    severity=Severity.WARNING,
    owner="platform",
    every=HOUR,
    clear_after=dt.timedelta(hours=12),
)


@_foretelling("memory-outgrown")
def memory_outgrown(facts: Facts) -> Iterator[Finding]:
    """A step's memory grows, and it will soon run out of what it is given."""
    for pipeline in facts.ledger.pipelines:
        history = facts.ledger.history(pipeline)
        given = memory_given(history.step_rows)
        for name, series in history.series(Measure.PEAK_MEMORY).items():
            if name not in given:
                continue
            told = _confirmed(facts, series, _of_memory(str(name), given[name]), soon=SOON_DAYS)
            if told is None:
                continue
            yield _of_step(
                memory_outgrown,
                facts,
                name,
                told,
                next_action=f"{told.action} Give the step that size in its job.yaml, or let "
                "STATIONMASTER_SIZING=apply do it.",
                expected=f"below {size_text(given[name])}",
                got=f"{size_text(told.forecast.level or 0)}, "
                f"{(told.forecast.growth or 0):+.1%} a day",
            )


@_foretelling("latency-creeping")
def latency_creeping(facts: Facts) -> Iterator[Finding]:
    """A step takes longer day by day, and will soon take twice as long as it did."""
    yield from _creeping(facts, Measure.DURATION)


@_foretelling("quarantine-creeping")
def quarantine_creeping(facts: Facts) -> Iterator[Finding]:
    """A larger share of rows is set aside day by day, and will soon be twice what it was."""
    yield from _creeping(facts, Measure.QUARANTINE)


@_foretelling("pool-outgrown")
def pool_outgrown(facts: Facts) -> Iterator[Finding]:
    """What runs at once grows, and a node pool will soon be too small for it."""
    caps = {name: _bytes(size) for name, size in facts.monitoring.node_pools.items()}
    rows = [row for name in facts.ledger.pipelines for row in facts.ledger.step_rows(name)]
    for pool, series in memory_at_once(rows).items() if caps else ():
        if pool not in caps:
            continue
        told = _confirmed(facts, series, _of_pool(pool, caps[pool]))
        if told is not None:
            subject = Subject(SubjectKind.POOL, pool)
            yield _told(pool_outgrown, facts, subject, told, owner=facts.monitoring.owner)


def _creeping(facts: Facts, measure: Measure) -> Iterator[Finding]:
    found = latency_creeping if measure is Measure.DURATION else quarantine_creeping
    for pipeline in facts.ledger.pipelines:
        for name, series in facts.ledger.history(pipeline).series(measure).items():
            told = _confirmed(facts, series, _of_measure(str(name), measure))
            if told is None:
                continue
            if measure is Measure.DURATION and (told.forecast.level or 0.0) < LEAST_SECONDS:
                continue
            shown = f"stationmaster ledger show --pipeline {name.pipeline} --step {name.step}"
            todo = f"{told.action} `{shown}` shows each day."
            yield _of_step(found, facts, name, told, next_action=todo)


def _of_step(
    found: Check, facts: Facts, name: StepName, told: StepOutlook, **fields: str
) -> Finding:
    owner = owner_of(facts, pipeline=name.pipeline)
    of_step = {"pipeline": name.pipeline, "step": name.step, "owner": owner, **fields}
    return _told(found, facts, step_subject(name.pipeline, name.step), told, **of_step)


def _told(
    found: Check, facts: Facts, subject: Subject, told: StepOutlook, **fields: str
) -> Finding:
    own = {"what": told.sentence, "next_action": told.action, **fields}
    since, evidence = _trend_began(facts, told), _evidence(told)
    return found.finding(subject, since=since, foretold=True, evidence=evidence, **own)


def _confirmed(
    facts: Facts, series: Series, outlook: Callable[[Series], StepOutlook], soon: float = 0.0
) -> StepOutlook | None:
    """Return what two days in a row foretell, or one within so few days as are soon.

    One alone is apt to be noise. Nothing is foretold of what has not run for days: it may have been
    taken away.
    """
    if len(series) <= LEAST_DAYS:
        return None
    newest = DAILY.start_of(series.last).date()
    if (facts.now.date() - newest).days > RECENT_DAYS + 1:
        return None
    told = outlook(series)
    if not told.is_due:
        return None
    if (told.forecast.days or 0.0) <= soon:
        return told
    before = dict(list(series.by_period.items())[:-1])
    return told if outlook(Series(series.name, series.rhythm, before)).is_due else None


def _of_memory(name: str, given: int) -> Callable[[Series], StepOutlook]:
    return lambda series: memory_outlook(name, series, given)


def _of_pool(name: str, cap: int) -> Callable[[Series], StepOutlook]:
    return lambda series: pool_outlook(name, series, cap)


def _of_measure(name: str, measure: Measure) -> Callable[[Series], StepOutlook]:
    return lambda series: creeping_outlook(name, series, measure)


def _trend_began(facts: Facts, told: StepOutlook) -> dt.datetime:
    day = DAILY.start_of(told.day - (told.forecast.trend_days or 1) + 1).date()
    return dt.datetime.combine(day, dt.time(), facts.monitoring.clock).astimezone(dt.UTC)


def _evidence(told: StepOutlook) -> dict[str, float | None]:
    forecast = told.forecast
    return {
        "level": forecast.level,
        "limit": forecast.limit,
        "growth_a_day": forecast.growth,
        "days": forecast.days,
        "days_earliest": forecast.earliest,
        "days_latest": forecast.latest,
    }


def _bytes(size: str) -> int:
    return int(size[:-2]) * UNITS[size[-2:]]
