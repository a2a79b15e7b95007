"""Rows of datasets that are off: fewer, more, or more set aside than on days like it."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

from stationmaster.monitor.checks.check import check
from stationmaster.monitor.checks.finding import Finding, Layer, Severity, Subject, SubjectKind
from stationmaster.monitor.checks.flagging import (
    lasting,
    off_now,
    open_day,
    range_text,
    since_morning,
)
from stationmaster.monitor.checks.saying import day_text, listed, owner_of, run_links
from stationmaster.monitor.lineage import step_subject
from stationmaster.monitor.series.wording import change_text, number_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from stationmaster.monitor.checks.flagging import Off
    from stationmaster.monitor.facts.facts import Facts
    from stationmaster.monitor.facts.published import Publication

__all__ = ["quarantine_growing", "volume_off"]

RECENT: Final = dt.timedelta(days=2)
"""What is older is no news; a day that nobody has looked at for so long is nobody's."""

LEAST_SET_ASIDE: Final = 20
LEAST_ROWS: Final = 20
"""Fewer may come or not: a channel that is hardly used has such days."""
FEW_SET_ASIDE: Final = 5
"""Two rows of thirty are a share, and no trend."""
CREPT_TIMES: Final = 2.0
"""A week in which more is set aside than before is told when its last day's share has doubled."""
CREEPING_DAYS: Final = 7
ROOTS: Final = 2
"""So many datasets of one pipeline that do not come of each other have one cause."""


@check("volume-off", layer=Layer.PIPELINE, severity=Severity.WARNING, owner="platform")
def volume_off(facts: Facts) -> Iterator[Finding]:
    """A dataset's newest day has far fewer, or far more, rows than days like it."""
    tables = _tables(facts)
    series = {
        name: {day: float(each.rows) for day, each in days.items()} for name, days in tables.items()
    }
    found = [
        _Volume(off, newest)
        for off in off_now(facts, series, still_open=_open_days(facts))
        if facts.now - (newest := tables[off.name][max(series[off.name])]).at <= RECENT
        and (off.is_of_late or not _is_small(newest.rows, off.usual))
    ]
    for each in found:
        yield _of_dataset(facts, each)
    yield from _of_pipelines(facts, found)


class _Volume(NamedTuple):
    """Hold a dataset that is off, and its newest day."""

    off: Off
    newest: Publication


def _of_dataset(facts: Facts, each: _Volume) -> Finding:
    off, newest = each
    subject = Subject(SubjectKind.DATASET, off.name)
    expected = facts.monitoring.datasets.get(off.name)
    asked = _whom_to_ask(facts, subject)
    return volume_off.finding(
        subject,
        severity=Severity.INFO if off.is_of_late else Severity.WARNING,
        owner=owner_of(facts, pipeline=newest.pipeline, named=expected.owner if expected else ""),
        what=_volume_sentence(off, newest),
        next_action=f"Ask {asked} whether all of {day_text(newest.business_date)} was delivered; "
        f"when the rest has come, clear {newest.step}."
        if off.is_low
        else f"Look for records that came twice; if there are none, ask {asked} whether there was "
        "a campaign. If it is right, leave it: it becomes normal within a week.",
        since=newest.at if off.days == 1 else since_morning(facts, off.since),
        business_date=off.since,
        affected=facts.lineage.affected(subject).readers,
        pipeline=newest.pipeline,
        run_id=newest.run_id,
        step=newest.step,
        links=run_links(facts, newest.pipeline, newest.run_id, newest.step),
        expected=f"{range_text(off)} rows",
        got=f"{newest.rows:,} rows",
        evidence={"rows": newest.rows, "expected_rows": round(off.usual)},
    )


def _of_pipelines(facts: Facts, found: Sequence[_Volume]) -> Iterator[Finding]:
    """Yield one cause for datasets that are off together, and do not come of each other.

    Four sources of one pipeline are off the same way on the same day for one reason: demand, or
    what they share. What comes of them comes of the pipeline, so all of it is one incident.
    """
    together: dict[tuple[str, bool, dt.date], list[_Volume]] = defaultdict(list)
    for each in found:
        if not each.off.is_of_late:
            together[each.newest.pipeline, each.off.is_low, each.off.since].append(each)
    for (pipeline, is_low, since), mine in together.items():
        names = {Subject(SubjectKind.DATASET, each.off.name) for each in mine}
        roots = {
            each.newest.step
            for each in mine
            if not names & facts.lineage.upstream(Subject(SubjectKind.DATASET, each.off.name))
        }
        if len(roots) < ROOTS:
            continue
        last = max((each.newest for each in mine), key=lambda newest: newest.at)
        first = min((each.newest for each in mine), key=lambda newest: newest.at)
        day = since if len({each.off.days for each in mine}) > 1 else last.business_date
        told = listed(
            f"{each.off.name} {change_text(each.newest.rows, each.off.usual)}" for each in mine
        )
        more = "fewer" if is_low else "more"
        missing = "a part that is missing" if is_low else "records that came twice"
        subject = Subject(SubjectKind.PIPELINE, pipeline)
        yield volume_off.finding(
            subject,
            owner=owner_of(facts, pipeline=pipeline),
            what=f"{len(mine)} datasets of {pipeline} have far {more} rows for {day_text(day)} "
            f"than on such a day: {told}. One cause is likely: the day's business, or what their "
            "sources share.",
            next_action="Ask who knows the business of that day (a campaign, a shop that was "
            f"closed); if nobody does, look for {missing} "
            f"in each source, then clear {listed(sorted(roots))}.",
            since=first.at if since == first.business_date else since_morning(facts, since),
            business_date=since,
            affected=facts.lineage.affected(subject).readers,
            pipeline=pipeline,
            run_id=last.run_id,
            links=run_links(facts, pipeline, last.run_id),
            evidence={each.off.name: each.newest.rows for each in mine},
        )


def _whom_to_ask(facts: Facts, subject: Subject) -> str:
    """Return who delivers what a dataset is made of, as one asks for them."""
    sources = facts.monitoring.sources
    names = sorted(
        each.name for each in facts.lineage.upstream(subject) if each.kind is SubjectKind.SOURCE
    )
    known = [sources[name].contact for name in names if name in sources and sources[name].contact]
    return listed(known) or (f"the owner of {listed(names)}" if names else "its source")


@check(
    "quarantine-growing",
    layer=Layer.PIPELINE,
    severity=Severity.WARNING,
    owner="platform",
    clear_after=dt.timedelta(hours=36),  # one good day among bad ones ends nothing
)
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
        if not each.is_low
    }
    for name, days in tables.items():
        newest = days[max(days)]
        share = _share_set_aside(newest)
        expected = facts.monitoring.datasets.get(name)
        most = expected.most_quarantined if expected else 1.0
        before_week = [_share_set_aside(days[day]) for day in sorted(days)[:-CREEPING_DAYS]]
        usual = median(before_week or [0.0])
        jumped = name in off and newest.quarantined_rows >= LEAST_SET_ASIDE
        if jumped and off[name].is_of_late:  # more of all rows is no trouble of the quarantine
            jumped = share >= CREPT_TIMES * usual
        too_much = share > most and newest.quarantined_rows >= FEW_SET_ASIDE
        if facts.now - newest.at > RECENT or not (jumped or too_much):
            continue
        before = f"; usually {usual:.1%}" if usual else ""
        # Without a business date: what goes on for days is one trouble, not one a day.
        yield quarantine_growing.finding(
            Subject(SubjectKind.DATASET, name),
            owner=owner_of(
                facts, pipeline=newest.pipeline, named=expected.owner if expected else ""
            ),
            what=f"{newest.quarantined_rows:,} rows of {name} for "
            f"{day_text(newest.business_date)} were set aside ({share:.1%})"
            f"{before}{_allowed(share, most)}.",
            next_action=f"See by which rule: the notes of {newest.step} (`stationmaster ledger "
            f"show --pipeline {newest.pipeline} --step {newest.step}`) and the quarantine of "
            f"{name}; then ask {_whom_to_ask(facts, Subject(SubjectKind.DATASET, name))} to mend "
            "it, or mend the rule.",
            since=newest.at,
            caused_by=(step_subject(newest.pipeline, newest.step),),  # its share may have crept
            pipeline=newest.pipeline,
            run_id=newest.run_id,
            step=newest.step,
            links=run_links(facts, newest.pipeline, newest.run_id, newest.step),
            expected=f"at most {most:.0%}" if share > most else before.removeprefix("; "),
            got=f"{newest.quarantined_rows:,} rows, {share:.1%}",
            evidence={"quarantined_rows": newest.quarantined_rows, "share": round(share, 4)},
        )


def _tables(facts: Facts) -> dict[str, Mapping[dt.date, Publication]]:
    """Return the published days of each table; a report's files are no rows."""
    found = {name: facts.published.days(name) for name in facts.published.history}
    return {
        name: days for name, days in found.items() if not any(each.uri for each in days.values())
    }


def _share_set_aside(each: Publication) -> float:
    return each.quarantined_rows / max(1, each.rows + each.quarantined_rows)


def _allowed(share: float, most: float) -> str:
    return f"; at most {most:.0%} may be" if share > most else ""


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
        f"{more} than on such a day: about {number_text(off.usual)}.{lasting(off)}"
    )


def _open_days(facts: Facts) -> dict[str, dt.date]:
    """Return the day of each dataset of which more is still to come."""
    found = {
        name: open_day(facts, ((each.business_date, each.at) for each in history))
        for name, history in facts.published.history.items()
    }
    return {name: day for name, day in found.items() if day is not None}
