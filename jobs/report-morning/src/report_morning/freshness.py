"""Whether each source's day is there, whole and fresh."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Final

import polars as pl

from report_morning.model import Arrival, Quarantined, SourceArrival, State
from report_morning.morning import RECORDS, SOURCES, WEEK
from report_morning.wording import clock, count, day_short, listed, rule_meaning

if TYPE_CHECKING:
    import datetime as dt

    from report_morning.morning import Morning

__all__ = ["arrivals"]

_TIMES: Final = {
    "web_orders": "ordered_at",
    "web_sessions": "started_at",
    "app_orders": "ordered_at",
    "app_sessions": "started_at",
    "delivery_events": "event_at",
    "support_tickets": "created_at",
}
_USUAL_WEEKS: Final = 4
_FEWER_THAN_USUAL: Final = 0.5
_USUAL_MEANS_SOMETHING: Final = 20
_MANY_QUARANTINED: Final = 0.01


def arrivals(morning: Morning) -> tuple[SourceArrival, ...]:
    """Judge every source's arrival, in the order of `SOURCES`."""
    return tuple(_source(morning, source) for source in SOURCES)


def _source(morning: Morning, source: str) -> SourceArrival:
    title, names = SOURCES[source]
    datasets = tuple(_arrival(morning, name) for name in names)
    state, sentence = _judge(morning, datasets)
    moments = [a.latest for a in datasets if a.latest]
    return SourceArrival(
        source=source,
        title=title,
        state=state,
        sentence=sentence,
        rows=sum(a.rows for a in datasets),
        latest=max(moments, default=None),
        quarantined_rows=None if morning.quarantined is None else _aside(datasets),
        datasets=datasets,
    )


def _arrival(morning: Morning, dataset: str) -> Arrival:
    rules = (morning.quarantined or {}).get(dataset, {})
    found = (
        morning.day(dataset)
        .select(rows=pl.len(), latest=pl.col(_TIMES[dataset]).max())
        .collect()
        .row(0, named=True)
    )
    latest = found["latest"]
    return Arrival(
        dataset=dataset,
        published=morning.has(dataset),
        rows=found["rows"],
        usual_rows=_usual(morning, dataset),
        latest=latest.astimezone(morning.zone) if latest else None,
        quarantined=tuple(
            Quarantined(rule=rule, rows=rows, meaning=rule_meaning(rule))
            for rule, rows in sorted(rules.items(), key=lambda item: (-item[1], item[0]))
        ),
    )


def _usual(morning: Morning, dataset: str) -> int | None:
    """Return the median rows of the same weekday in the weeks before, None without any."""
    days = [morning.business_date - WEEK * n for n in range(1, _USUAL_WEEKS + 1)]
    known = [day for day in days if morning.has(dataset, day)]
    if not known:
        return None
    counted = (
        morning.tables[dataset]
        .filter(pl.col("business_date").is_in(known))
        .group_by("business_date")
        .len()
        .collect()
    )
    by_day: dict[dt.date, int] = dict(counted.iter_rows())
    return round(statistics.median(by_day.get(day, 0) for day in known))


def _judge(morning: Morning, datasets: tuple[Arrival, ...]) -> tuple[State, str]:
    missing = [RECORDS[a.dataset] for a in datasets if not a.published]
    day = day_short(morning.business_date)
    if missing:
        return State.MISSING, f"No {listed(missing)} have arrived for {day}."
    rows = sum(a.rows for a in datasets)
    few = [a for a in datasets if _too_few(a)]
    if few:
        told = [
            f"{count(a.rows)} {RECORDS[a.dataset]} where {count(a.usual_rows or 0)} are usual"
            for a in few
        ]
        return State.CARE, f"Far fewer than on this weekday before: {listed(told)}."
    aside = _aside(datasets)
    if aside > _MANY_QUARANTINED * (rows + aside):
        return State.CARE, f"{count(aside)} of {count(rows + aside)} rows were set aside."
    latest = max((a.latest for a in datasets if a.latest), default=None)
    if latest is None:
        return State.GOOD, f"Delivered, with nothing in it for {day}."
    return State.GOOD, f"Complete, last record at {clock(latest, morning.business_date)}."


def _aside(datasets: tuple[Arrival, ...]) -> int:
    return sum(q.rows for a in datasets for q in a.quarantined)


def _too_few(arrival: Arrival) -> bool:
    usual = arrival.usual_rows or 0
    return usual >= _USUAL_MEANS_SOMETHING and arrival.rows < usual * _FEWER_THAN_USUAL
