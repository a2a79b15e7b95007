"""From a run of Airflow to the business date it works on, and to its upstream days."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from stationmaster.step.errors import BusinessDateError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

__all__ = ["business_date_template", "day_bounds", "parse_business_date", "upstream_days"]


def business_date_template(zone: ZoneInfo) -> str:
    """Return the Jinja template of a run's business date: the day before the run, in `zone`.

    A run has an interval's end (scheduled), or a logical date, or only the moment it may start
    after (triggered in the UI without a date; then Airflow leaves the other two undefined, and
    its run has plain datetimes). The day is counted back on the calendar, not by 24 hours, so a
    clock change moves nothing.
    """
    moment = "(data_interval_end|default(none) or logical_date|default(none) or dag_run.run_after)"
    there = f"macros.dateutil.tz.gettz('{zone.key}')"
    return f"{{{{ {moment}.astimezone({there}).date() - macros.timedelta(days=1) }}}}"


def parse_business_date(value: object, *, where: str) -> dt.date:
    """Return what a rendered `business_date` means.

    Raises:
        BusinessDateError: It is no calendar date.
    """
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(str(value).strip())
    except ValueError:
        raise BusinessDateError(
            where=f"business_date of {where}",
            expected="a calendar date like 2011-11-21",
            got=repr(value),
            hint="Leave business_date out for the day before the run, or correct its template.",
        ) from None


def day_bounds(day: dt.date, zone: ZoneInfo) -> tuple[dt.datetime, dt.datetime]:
    """Return [start, end) of a calendar day in UTC; 23 or 25 hours when the clock changes."""
    midnight = dt.datetime.combine(day, dt.time(), zone)
    following = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), zone)
    return midnight.astimezone(dt.UTC), following.astimezone(dt.UTC)


def upstream_days(day: dt.date, business: ZoneInfo, upstream: ZoneInfo) -> list[dt.date]:
    """Return the upstream's calendar days that overlap the business date, in order."""
    start, end = day_bounds(day, business)
    first = start.astimezone(upstream).date()
    last = (end - dt.timedelta(microseconds=1)).astimezone(upstream).date()
    return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
