"""Is it there: sources, datasets, reports; and can readers get it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.check import check
from stationmaster.monitor.checks.finding import Finding, Layer, Severity, Subject, SubjectKind
from stationmaster.monitor.checks.saying import clock, day_text, listed, owner_of, run_links
from stationmaster.monitor.facts.missing import FactsNotHereError
from stationmaster.monitor.monitoringdays import (
    done_without,
    overdue,
    pipelines_after,
    pipelines_making,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.monitor.facts.facts import Facts
    from stationmaster.monitor.facts.published import Publication
    from stationmaster.monitor.facts.runs import StepRun
    from stationmaster.monitor.monitoring import ReportExpectation

__all__ = ["dataset_stale", "report_stale", "report_unread", "source_late"]

KEPT: Final = dt.timedelta(days=2)
"""Whether readers can get it is asked of what was published so lately."""


@check("source-late", layer=Layer.BUSINESS, severity=Severity.WARNING, owner="platform")
def source_late(facts: Facts) -> Iterator[Finding]:
    """An upstream system has not delivered its day by the time it is due."""
    for name, expected in facts.monitoring.sources.items():
        subject = Subject(SubjectKind.SOURCE, name)
        for day in overdue(facts, expected, pipelines_after(facts, name)):
            try:
                owed = facts.deliveries.owed(name, expected, day.business_date)
            except FactsNotHereError:
                break
            if owed is None:
                continue
            affected = facts.lineage.affected(subject)
            asked = expected.contact or f"the owner of {name}"
            yield source_late.finding(
                subject,
                severity=_urgency(facts, pipelines_after(facts, name)),
                owner=owner_of(facts, named=expected.owner),
                what=f"The source {name} has not delivered {owed.what}; it was due at "
                f"{clock(facts, day.due_at)}: {owed.detail}.",
                next_action=f"Ask {asked} for {owed.what}; the run waits and goes on by itself.",
                since=day.due_at,
                business_date=day.business_date,
                affected=affected.readers or affected.reports,
                expected=f"{owed.what} by {clock(facts, day.due_at)}",
                got=owed.detail,
            )


@check(
    "dataset-stale",
    layer=Layer.BUSINESS,
    severity=Severity.WARNING,
    owner="platform",
    hold=dt.timedelta(minutes=20),  # by then its step has failed, or its run is late: that is why
)
def dataset_stale(facts: Facts) -> Iterator[Finding]:
    """A dataset's day is not published by the time its readers expect it, or is empty."""
    for name, expected in facts.monitoring.datasets.items():
        subject = Subject(SubjectKind.DATASET, name)
        for day in overdue(facts, expected, pipelines_making(facts, subject)):
            there = facts.published.last(name, day.business_date)
            if there is not None and there.rows >= expected.least_rows:
                continue
            came = "is not published" if there is None else f"has {there.rows:,} rows"
            yield dataset_stale.finding(
                subject,
                owner=_owner_of_data(facts, subject, expected.owner),
                what=f"{name} of {day_text(day.business_date)} {came}; it was due at "
                f"{clock(facts, day.due_at)}.{_newest(facts, name)}",
                next_action=_look_at_maker(facts, subject),
                since=day.due_at,
                business_date=day.business_date,
                affected=facts.lineage.affected(subject).readers,
                expected=f"at least {expected.least_rows:,} rows"
                if there is not None
                else f"published by {clock(facts, day.due_at)}",
                got=came,
            )


@check("report-stale", layer=Layer.BUSINESS, severity=Severity.CRITICAL, owner="platform")
def report_stale(facts: Facts) -> Iterator[Finding]:
    """A report is not up by the time its readers expect it, or its step is done without it."""
    for name, expected in facts.monitoring.reports.items():
        subject = Subject(SubjectKind.REPORT, name)
        makers = pipelines_making(facts, subject)
        forgotten = {mine.business_date: mine for mine in done_without(facts, name)}
        for mine in forgotten.values():
            yield _forgotten(facts, subject, expected, mine)
        for day in overdue(facts, expected, makers):
            known = facts.published.last(name, day.business_date) is not None
            if known or day.business_date in forgotten:
                continue
            yield report_stale.finding(
                subject,
                severity=_urgency(facts, makers),
                owner=_owner_of_data(facts, subject, expected.owner),
                what=f"The {expected.title or name} of {day_text(day.business_date)} is not up; it "
                f"was due at {clock(facts, day.due_at)}.{_newest(facts, name)}",
                next_action=_look_at_maker(facts, subject),
                since=day.due_at,
                business_date=day.business_date,
                affected=expected.readers,
                expected=f"up by {clock(facts, day.due_at)}",
                got="not published",
            )


@check(
    "report-unread",
    layer=Layer.BUSINESS,
    severity=Severity.CRITICAL,
    owner="platform",
    hold=dt.timedelta(minutes=2),
    every=dt.timedelta(minutes=2),
)
def report_unread(facts: Facts) -> Iterator[Finding]:
    """A report is published, and its readers cannot get it, or get another day's."""
    for name, expected in facts.monitoring.reports.items():
        newest = facts.published.newest(name)
        if newest is None or facts.now - newest.at > KEPT:
            continue
        for number, place in enumerate(expected.where):
            uri = place.format(date=newest.business_date, reports=_root(newest, name))
            holds = expected.holds.format(date=newest.business_date) if number == 0 else ""
            why = _why_unread(facts, uri, holds)
            if why:
                yield _unread(facts, name, expected, newest, uri, why)
                break


def _unread(  # noqa: PLR0913, PLR0917 (what it is about)
    facts: Facts,
    name: str,
    expected: ReportExpectation,
    newest: Publication,
    uri: str,
    why: str,
) -> Finding:
    title = expected.title or name
    return report_unread.finding(
        Subject(SubjectKind.REPORT, name),
        severity=_urgency(facts, [newest.pipeline]),
        owner=owner_of(facts, pipeline=newest.pipeline, named=expected.owner),
        what=f"The {title} of {day_text(newest.business_date)} was published at "
        f"{clock(facts, newest.at)}, but its readers do not get it: {why}.",
        next_action=f"Look at {uri}; clear {newest.step} to publish it again.",
        since=newest.at,
        business_date=newest.business_date,
        affected=expected.readers,
        pipeline=newest.pipeline,
        run_id=newest.run_id,
        step=newest.step,
        links=run_links(facts, newest.pipeline, newest.run_id, newest.step),
        expected=f"the {title} of {newest.business_date} at {uri}",
        got=why,
    )


def _forgotten(
    facts: Facts, subject: Subject, expected: ReportExpectation, mine: StepRun
) -> Finding:
    """Return that a step is done and has not published its report: no need to wait for when."""
    title = expected.title or subject.name
    ended = mine.ended_at or mine.begun_at
    return report_stale.finding(
        subject,
        severity=_urgency(facts, [mine.pipeline]),
        owner=_owner_of_data(facts, subject, expected.owner),
        what=f"The {title} of {day_text(mine.business_date)} was not written: {mine.step} ended "
        f"well at {clock(facts, ended)} and published none.{_newest(facts, subject.name)}",
        next_action=f"Clear {mine.step} to write it again; if it is not there then, read its log "
        "and ask who owns the job.",
        since=ended,
        business_date=mine.business_date,
        affected=expected.readers,
        pipeline=mine.pipeline,
        run_id=mine.run_id,
        step=mine.step,
        links=run_links(facts, mine.pipeline, mine.run_id, mine.step),
        expected=f"the {title} of {mine.business_date}, published by {mine.step}",
        got="not published",
    )


def _why_unread(facts: Facts, uri: str, holds: str) -> str:
    """Return why readers do not get the right day at a place, "" where they do."""
    copy = facts.published.shelf.look(uri)
    if not copy.found:
        return copy.why
    if copy.size == 0 or not copy.text.strip():
        return "the file is empty"
    return "" if holds in copy.text else f"it does not say {holds}"


def _root(newest: Publication, name: str) -> str:
    """Return the folder of reports, by where the report was published."""
    return newest.uri.rstrip("/").removesuffix(f"/{name}/{newest.business_date}")


def _urgency(facts: Facts, pipelines: list[str] | tuple[str, ...]) -> Severity:
    known = [facts.monitoring.pipelines.get(name) for name in pipelines]
    return Severity.CRITICAL if any(each and each.urgent for each in known) else Severity.WARNING


def _owner_of_data(facts: Facts, subject: Subject, named: str) -> str:
    makers = pipelines_making(facts, subject)
    return owner_of(facts, pipeline=makers[0] if makers else "", named=named)


def _newest(facts: Facts, name: str) -> str:
    newest = facts.published.newest(name)
    if newest is None:
        return ""
    return f" Readers still see {day_text(newest.business_date)}."


def _look_at_maker(facts: Facts, subject: Subject) -> str:
    causes = facts.lineage.causes.get(subject, frozenset())
    steps = sorted(each.name for each in causes if each.kind is SubjectKind.STEP)
    if not steps:
        return f"Find the job that writes {subject.name} (`outputs` in job.yaml), and run it."
    return f"Look at the run of {listed(steps)} in Airflow: what it waits for, or why it failed."
