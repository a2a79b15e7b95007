"""Series of steps and costs that are off: slower, dearer."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.check import check
from stationmaster.monitor.checks.finding import Finding, Layer, Severity, Subject, SubjectKind
from stationmaster.monitor.checks.flagging import lasting, off_now, since_morning
from stationmaster.monitor.checks.saying import day_text, duration, owner_of, run_links
from stationmaster.monitor.lineage import step_subject
from stationmaster.monitor.series.days import by_day
from stationmaster.monitor.series.points import DAILY
from stationmaster.monitor.series.stepseries import Measure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stationmaster.monitor.facts.facts import Facts

__all__ = ["cost_off", "step_slower"]

RECENT: Final = dt.timedelta(days=2)
"""What is older is no news; a day that nobody has looked at for so long is nobody's."""

LEAST_SLOWER_SECONDS: Final = 60.0
LEAST_DEARER_USD: Final = 1.0


@check("step-slower", layer=Layer.PIPELINE, severity=Severity.WARNING, owner="platform")
def step_slower(facts: Facts) -> Iterator[Finding]:
    """A step takes much longer than on days like this."""
    series: dict[str, Mapping[dt.date, float]] = {}
    for pipeline in facts.ledger.pipelines:
        found = facts.ledger.history(pipeline).series(Measure.DURATION)
        for name, each in found.items():
            days, values = by_day(each)
            dates = [DAILY.start_of(day).date() for day in days]
            series[str(name)] = dict(zip(dates, values, strict=True))
    for off in off_now(facts, series):
        usual = off.usual
        took = off.judgement.value or 0.0
        pipeline, _, step = off.name.partition("/")
        if off.is_low or off.is_of_late or took - usual < LEAST_SLOWER_SECONDS:
            continue
        newest = max(series[off.name])
        mine = [r.steps[step] for r in facts.ledger.runs[pipeline] if r.business_date == newest]
        if not mine or facts.now - mine[-1].begun_at > RECENT:
            continue
        yield step_slower.finding(
            step_subject(pipeline, step),
            owner=owner_of(facts, pipeline=pipeline),
            what=f"{step} took {duration(took)} for {day_text(newest)}; it usually takes "
            f"{duration(usual)} on such a day.{lasting(off)}",
            next_action="Compare its input (rows, files) and its node with the run of a week "
            f"before: `stationmaster ledger show --pipeline {pipeline} --step {step}`.",
            since=mine[-1].begun_at if off.days == 1 else since_morning(facts, off.since),
            business_date=off.since,
            pipeline=pipeline,
            run_id=mine[-1].run_id,
            step=step,
            links=run_links(facts, pipeline, mine[-1].run_id, step),
            expected=f"about {duration(usual)}",
            got=duration(took),
            evidence={"seconds": round(took, 1), "expected_seconds": round(usual, 1)},
        )


@check("cost-off", layer=Layer.PIPELINE, severity=Severity.WARNING, owner="platform")
def cost_off(facts: Facts) -> Iterator[Finding]:
    """A pipeline's day cost far more than days like it, or than its budget."""
    runs = _runs_a_day(facts)
    per_run = {
        name: {day: usd / max(1, runs[name].get(day, 1)) for day, usd in days.items()}
        for name, days in facts.ledger.costs.items()
    }
    dearer = {
        each.name: each
        for each in off_now(facts, per_run)
        if not each.is_low and not each.is_of_late
    }
    for name, days in facts.ledger.costs.items():
        newest = max(days)
        usd = days[newest]
        if facts.now.date() - newest > RECENT:
            continue
        wanted = facts.monitoring.pipelines.get(name)
        budget = wanted.budget_usd_a_day if wanted else None
        off = dearer.get(name)
        usual = (
            off.first.range.expected * max(1, runs[name].get(newest, 1))
            if (off and off.first.range)
            else usd
        )
        if usd - usual < LEAST_DEARER_USD and (budget is None or usd <= budget):
            continue
        beside = f"about {usual:,.2f} USD" if off else f"a budget of {budget or 0:,.2f} USD"
        yield cost_off.finding(
            Subject(SubjectKind.PIPELINE, name),
            owner=owner_of(facts, pipeline=name),
            what=f"{name} cost {usd:,.2f} USD on {day_text(newest)} (UTC); expected was {beside}.",
            next_action="See which step: `stationmaster cost show --by step`; look for "
            "retries, larger sizes and on-demand nodes, then ask who changed that step.",
            since=since_morning(facts, newest + dt.timedelta(days=1)),
            business_date=off.since if off else newest,
            pipeline=name,
            expected=beside,
            got=f"{usd:,.2f} USD",
            evidence={"cost_usd": round(usd, 4), "expected_usd": round(usual, 4)},
        )


def _runs_a_day(facts: Facts) -> dict[str, dict[dt.date, int]]:
    """Return how many business dates of each pipeline began on each day (UTC).

    A day on which ten old days are caught up costs ten times as much, and is none the dearer.
    """
    found: dict[str, dict[dt.date, set[dt.date]]] = defaultdict(lambda: defaultdict(set))
    for name, runs in facts.ledger.runs.items():
        for run in runs:
            found[name][run.begun_at.astimezone(dt.UTC).date()].add(run.business_date)
    return {
        name: {day: len(dates) for day, dates in days.items()} for name, days in found.items()
    } | {name: {} for name in facts.ledger.costs if name not in found}
