"""Series of steps, datasets and costs that are off: slower, less, more, dearer."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.check import check
from stationmaster.monitor.checks.finding import Finding, Layer, Severity, Subject, SubjectKind
from stationmaster.monitor.checks.flagging import off_now, open_day, range_text
from stationmaster.monitor.checks.saying import day_text, duration, owner_of, run_links
from stationmaster.monitor.lineage import step_subject
from stationmaster.monitor.series.days import by_day
from stationmaster.monitor.series.points import DAILY
from stationmaster.monitor.series.stepseries import Measure
from stationmaster.monitor.series.wording import number_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stationmaster.monitor.checks.flagging import Off
    from stationmaster.monitor.facts.facts import Facts
    from stationmaster.monitor.facts.published import Publication

__all__ = ["cost_off", "quarantine_growing", "step_slower", "volume_off"]

RECENT: Final = dt.timedelta(days=2)
"""What is older is no news; a day that nobody has looked at for so long is nobody's."""

LEAST_SLOWER_SECONDS: Final = 60.0
LEAST_DEARER_USD: Final = 1.0
LEAST_SET_ASIDE: Final = 20
LEAST_ROWS: Final = 20
"""Fewer may come or not: a channel that is hardly used has such days."""
FEW_SET_ASIDE: Final = 5
"""Two rows of thirty are a share, and no trend."""


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
            f"{duration(usual)} on such a day.{_lasting(off)}",
            next_action="Compare its input (rows, files) and its node with the run of a week "
            f"before: `stationmaster ledger show --pipeline {pipeline} --step {step}`.",
            since=mine[-1].begun_at if off.days == 1 else _morning(facts, off.since),
            business_date=off.since,
            pipeline=pipeline,
            run_id=mine[-1].run_id,
            step=step,
            links=run_links(facts, pipeline, mine[-1].run_id, step),
            expected=f"about {duration(usual)}",
            got=duration(took),
            evidence={"seconds": round(took, 1), "expected_seconds": round(usual, 1)},
        )


@check("volume-off", layer=Layer.PIPELINE, severity=Severity.WARNING, owner="platform")
def volume_off(facts: Facts) -> Iterator[Finding]:
    """A dataset's newest day has far fewer, or far more, rows than days like it."""
    series = {
        name: {day: float(each.rows) for day, each in days.items()}
        for name, days in _tables(facts).items()
    }
    for off in off_now(facts, series, still_open=_open_days(facts)):
        newest = _tables(facts)[off.name][max(series[off.name])]
        if facts.now - newest.at > RECENT:
            continue
        if _is_small(newest.rows, off.usual) and not off.is_of_late:
            continue
        expected = facts.monitoring.datasets.get(off.name)
        owner = owner_of(facts, pipeline=newest.pipeline, named=expected.owner if expected else "")
        yield volume_off.finding(
            Subject(SubjectKind.DATASET, off.name),
            severity=Severity.INFO if off.is_of_late else Severity.WARNING,
            owner=owner,
            what=_volume_sentence(off, newest),
            next_action=f"Ask the source whether it delivered the whole day; then clear "
            f"{newest.step}."
            if off.is_low
            else "Look for records that came twice, or for a "
            "campaign; if it is right, it becomes normal within a week.",
            since=newest.at if off.days == 1 else _morning(facts, off.since),
            business_date=off.since,
            affected=facts.lineage.affected(Subject(SubjectKind.DATASET, off.name)).readers,
            pipeline=newest.pipeline,
            run_id=newest.run_id,
            step=newest.step,
            links=run_links(facts, newest.pipeline, newest.run_id, newest.step),
            expected=f"{range_text(off)} rows",
            got=f"{newest.rows:,} rows",
            evidence={"rows": newest.rows, "expected_rows": round(off.usual)},
        )


@check("quarantine-growing", layer=Layer.PIPELINE, severity=Severity.WARNING, owner="platform")
def quarantine_growing(facts: Facts) -> Iterator[Finding]:
    """Far more rows of a dataset are set aside than usual."""
    tables = _tables(facts)
    series = {
        name: {day: float(each.quarantined_rows) for day, each in days.items()}
        for name, days in tables.items()
    }
    off = {
        each.name: each
        for each in off_now(facts, series, still_open=_open_days(facts))
        if not each.is_low and not each.is_of_late
    }
    for name, days in tables.items():
        newest = days[max(days)]
        share = newest.quarantined_rows / max(1, newest.rows + newest.quarantined_rows)
        expected = facts.monitoring.datasets.get(name)
        most = expected.most_quarantined if expected else 1.0
        jumped = name in off and newest.quarantined_rows >= LEAST_SET_ASIDE
        too_much = share > most and newest.quarantined_rows >= FEW_SET_ASIDE
        if facts.now - newest.at > RECENT or not (jumped or too_much):
            continue
        usual = off[name].first.range if name in off else None
        before = f"; usually about {number_text(usual.expected)}" if usual else ""
        # Without a business date: what goes on for days is one trouble, not one a day.
        yield quarantine_growing.finding(
            Subject(SubjectKind.DATASET, name),
            owner=owner_of(
                facts, pipeline=newest.pipeline, named=expected.owner if expected else ""
            ),
            what=f"{newest.quarantined_rows:,} rows of {name} for "
            f"{day_text(newest.business_date)} were set aside ({share:.1%}){before}.",
            next_action=f"See by which rule: the notes of {newest.step}, and the "
            f"quarantine of {name}; then mend the source or the rule.",
            since=newest.at,
            pipeline=newest.pipeline,
            run_id=newest.run_id,
            step=newest.step,
            links=run_links(facts, newest.pipeline, newest.run_id, newest.step),
            expected=f"at most {most:.0%}" if share > most else before.removeprefix("; "),
            got=f"{newest.quarantined_rows:,} rows, {share:.1%}",
            evidence={"quarantined_rows": newest.quarantined_rows, "share": round(share, 4)},
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
            "retries, larger sizes and on-demand nodes.",
            since=_morning(facts, newest + dt.timedelta(days=1)),
            business_date=off.since if off else newest,
            pipeline=name,
            expected=beside,
            got=f"{usd:,.2f} USD",
            evidence={"cost_usd": round(usd, 4), "expected_usd": round(usual, 4)},
        )


def _tables(facts: Facts) -> dict[str, Mapping[dt.date, Publication]]:
    """Return the published days of each table; a report's files are no rows."""
    found = {name: facts.published.days(name) for name in facts.published.history}
    return {
        name: days for name, days in found.items() if not any(each.uri for each in days.values())
    }


def _is_small(rows: int, usual: float) -> bool:
    """Tell whether the difference is one of a few rows, and nobody's trouble."""
    gone = rows == 0 and usual >= LEAST_ROWS / 2
    return abs(rows - usual) < LEAST_ROWS and not gone


def _volume_sentence(off: Off, newest: Publication) -> str:
    if off.is_of_late:
        return f"{off.name}: rows of the last week: {off.first.why}"
    more = "fewer" if off.is_low else "more"
    return (
        f"{off.name} has {newest.rows:,} rows for {day_text(newest.business_date)}, "
        f"{more} than on such a day: about {number_text(off.usual)}.{_lasting(off)}"
    )


def _open_days(facts: Facts) -> dict[str, dt.date]:
    """Return the day of each dataset of which more is still to come."""
    found = {
        name: open_day(facts, ((each.business_date, each.at) for each in history))
        for name, history in facts.published.history.items()
    }
    return {name: day for name, day in found.items() if day is not None}


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


def _morning(facts: Facts, day: dt.date) -> dt.datetime:
    """Return when a day began on the business clock."""
    return dt.datetime.combine(day, dt.time(), facts.monitoring.clock).astimezone(dt.UTC)


def _lasting(off: Off) -> str:
    return "" if off.days == 1 else f" So it is since {day_text(off.since)}."
