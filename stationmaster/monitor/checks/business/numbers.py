"""Are the numbers right: against each other, against their past, against what was published."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.check import check
from stationmaster.monitor.checks.finding import Finding, Layer, Severity, Subject, SubjectKind
from stationmaster.monitor.checks.flagging import off_now, open_day, range_text
from stationmaster.monitor.checks.saying import clock, day_text, listed, owner_of, run_links
from stationmaster.monitor.series.wording import change_text, number_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stationmaster.monitor.checks.flagging import Off
    from stationmaster.monitor.facts.facts import Facts
    from stationmaster.monitor.facts.figures import Said
    from stationmaster.monitor.monitoring import Agreement

__all__ = ["numbers_changed", "sources_disagree", "total_off"]

RECENT: Final = dt.timedelta(days=2)
READ_AFTER: Final = dt.timedelta(minutes=30)
"""What is corrected sooner, hardly anybody has read."""

TOLD_FOR: Final = dt.timedelta(hours=24)
MATTERS: Final = 0.001
"""A part of a figure by which it may change without anybody minding."""


@check("sources-disagree", layer=Layer.BUSINESS, severity=Severity.WARNING, owner="platform")
def sources_disagree(facts: Facts) -> Iterator[Finding]:
    """Figures of two sources that should be the same are not."""
    for agreed in facts.monitoring.agreements:
        day = _newest_common_day(facts, agreed)
        if day is None:
            continue
        left = _sum(facts, agreed.left, day)
        right = _sum(facts, agreed.right, day + dt.timedelta(days=agreed.lag_days))
        allowed = max(agreed.absolute, agreed.relative * max(abs(left), abs(right)))
        if abs(left - right) <= allowed:
            continue
        said = _last(facts, agreed.right, day + dt.timedelta(days=agreed.lag_days))
        yield sources_disagree.finding(
            Subject(SubjectKind.FIGURE, agreed.right[0]),
            severity=agreed.severity,
            owner=owner_of(facts, pipeline=said.pipeline, named=agreed.owner),
            what=f"{agreed.name} do not agree for {day_text(day)}: {number_text(left)} by "
            f"{' + '.join(agreed.left)}, {number_text(right)} by {' + '.join(agreed.right)}. "
            f"{agreed.why}",
            next_action=_find_the_wrong_one(facts, agreed, day, short_left=left < right),
            since=said.at,
            business_date=day,
            affected=_readers(facts, agreed.right[0]),
            pipeline=said.pipeline,
            run_id=said.run_id,
            step=said.step,
            links=run_links(facts, said.pipeline, said.run_id, said.step),
            expected=f"{number_text(left)}, give or take {number_text(allowed)}",
            got=number_text(right),
            evidence={"left": left, "right": right, "allowed": allowed, "agreement": agreed.name},
        )


@check("total-off", layer=Layer.BUSINESS, severity=Severity.WARNING, owner="platform")
def total_off(facts: Facts) -> Iterator[Finding]:
    """A total that people rely on is far from what it is on such days."""
    totals = {each.figure: each for each in facts.monitoring.totals}
    for share in sorted({each.least_change for each in totals.values()}):
        names = [name for name, each in totals.items() if each.least_change == share]
        series = {name: facts.figures.days(name) for name in names}
        still_open = {name: day for name in names if (day := _open(facts, name))}
        for off in off_now(facts, series, still_open=still_open, share=share):
            total = totals[off.name]
            said = _said_on(facts.figures.history[off.name], max(series[off.name]))
            if facts.now - said.at > RECENT:
                continue
            subject = Subject(SubjectKind.FIGURE, total.figure)
            yield total_off.finding(
                subject,
                severity=Severity.INFO if off.is_of_late else total.severity,
                owner=owner_of(facts, pipeline=said.pipeline, named=total.owner),
                what=f"{total.figure} of the last week: {off.first.why}"
                if off.is_of_late
                else f"{total.figure} is {number_text(said.value)} for "
                f"{day_text(said.business_date)}, {change_text(said.value, off.usual)} what such a "
                f"day has: about {number_text(off.usual)}.",
                next_action=_before_it_is_used(facts, said, off),
                since=said.at,
                business_date=off.since,
                affected=_readers(facts, total.figure),
                pipeline=said.pipeline,
                run_id=said.run_id,
                step=said.step,
                links=run_links(facts, said.pipeline, said.run_id, said.step),
                expected=range_text(off),
                got=number_text(said.value),
                evidence={"value": said.value, "expected": off.usual},
            )


@check(
    "numbers-changed-after-publishing",
    layer=Layer.BUSINESS,
    severity=Severity.WARNING,
    owner="platform",
)
def numbers_changed(facts: Facts) -> Iterator[Finding]:
    """A figure that people have read already is another one now."""
    relied = {total.figure for total in facts.monitoring.totals}
    relied |= {
        name for name in facts.figures.history if name.partition("/")[0] in facts.monitoring.reports
    }
    for name in sorted(relied):
        for first, last in _changes(facts, facts.figures.history.get(name, ())):
            subject = Subject(SubjectKind.FIGURE, name)
            yield numbers_changed.finding(
                subject,
                owner=owner_of(facts, pipeline=last.pipeline),
                what=f"{name} of {day_text(last.business_date)} was {number_text(first.value)} "
                f"from {clock(facts, first.at)} on and is {number_text(last.value)} since "
                f"{clock(facts, last.at)}.",
                next_action="Tell those who have used the first number; the run's notes say which "
                "source came late or anew.",
                since=last.at,
                business_date=last.business_date,
                affected=_readers(facts, name),
                pipeline=last.pipeline,
                run_id=last.run_id,
                step=last.step,
                links=run_links(facts, last.pipeline, last.run_id, last.step),
                expected=number_text(first.value),
                got=number_text(last.value),
                evidence={"before": first.value, "now": last.value},
            )


def _find_the_wrong_one(facts: Facts, agreed: Agreement, day: dt.date, *, short_left: bool) -> str:
    """Return which steps said the two numbers, what to compare, and what mends it."""
    lag = dt.timedelta(days=agreed.lag_days)
    left, right = _last(facts, agreed.left, day), _last(facts, agreed.right, day + lag)
    less, more = (left, right) if short_left else (right, left)
    if (less.pipeline, less.step) == (more.pipeline, more.step):
        return (
            f"Both are said by {less.step}: see in its notes and inputs what is missing from the "
            f"smaller one (`stationmaster ledger show --pipeline {less.pipeline} --step "
            f"{less.step}`), ask the owner of that source, then clear the step that reads it."
        )
    return (
        f"{less.step} says the smaller number: see whether all of {day} had come when it ran; if "
        f"not, ask the owner of its source, then clear {less.step}. Else {more.step} counts "
        "something twice."
    )


def _before_it_is_used(facts: Facts, said: Said, off: Off) -> str:
    """Return what to ask of a total that is off, by whether it is too low or too high."""
    readers = _readers(facts, said.name)
    why = (
        "see whether a source is short (`stationmaster incidents list`)"
        if off.is_low
        else "see whether records came twice, or a source changed its unit (pence for pounds)"
    )
    todo = f"{why}, mend that and clear {said.step}; else ask who knows that day."
    if not readers:
        return f"{todo[0].upper()}{todo[1:]}"
    return f"Tell {listed(readers)} not to use it yet; then {todo}"


def _readers(facts: Facts, figure: str) -> tuple[str, ...]:
    """Return who reads a figure: the readers of its report, or of what comes of its dataset."""
    report = facts.monitoring.reports.get(figure.partition("/")[0])
    if report is not None:
        return report.readers
    return facts.lineage.affected(Subject(SubjectKind.FIGURE, figure)).readers


def _newest_common_day(facts: Facts, agreed: Agreement) -> dt.date | None:
    """Return the newest day that both sides say whole, if they said it of late."""
    lag = dt.timedelta(days=agreed.lag_days)
    both = [set(facts.figures.days(name)) for name in agreed.left]
    both += [{day - lag for day in facts.figures.days(name)} for name in agreed.right]
    common = set.intersection(*both)
    still_open = {_open(facts, name) for name in (*agreed.left, *agreed.right)}
    common -= {day - lag for day in still_open if day} | {day for day in still_open if day}
    if not common:
        return None
    day = max(common)
    if facts.monitoring.kind_of_day(day) is not None:
        return None
    said = _last(facts, agreed.right, day + lag)
    return day if facts.now - said.at <= RECENT + lag else None


def _open(facts: Facts, name: str) -> dt.date | None:
    """Return the day of a figure of which more is still to come."""
    history = facts.figures.history.get(name, ())
    return open_day(facts, ((said.business_date, said.at) for said in history))


def _sum(facts: Facts, names: Sequence[str], day: dt.date) -> float:
    return sum(facts.figures.days(name)[day] for name in names)


def _last(facts: Facts, names: Sequence[str], day: dt.date) -> Said:
    """Return who said one of the figures of a day last."""
    return max(
        (_said_on(facts.figures.history[name], day) for name in names), key=lambda said: said.at
    )


def _said_on(history: Sequence[Said], day: dt.date) -> Said:
    return [said for said in history if said.business_date == day][-1]


def _changes(facts: Facts, history: Sequence[Said]) -> Iterator[tuple[Said, Said]]:
    """Yield what readers saw first of a day, and what it was changed to of late."""
    by_day: dict[dt.date, list[Said]] = {}
    for said in history:
        by_day.setdefault(said.business_date, []).append(said)
    for mine in by_day.values():
        last = mine[-1]
        read = [said for said in mine if last.at - said.at >= READ_AFTER]
        if not read or facts.now - last.at > TOLD_FOR:
            continue
        first = read[-1]
        if abs(last.value - first.value) > MATTERS * max(abs(first.value), abs(last.value)):
            yield first, last
