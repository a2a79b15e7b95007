"""Measures of alerts as lines of text."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from stationmaster.monitor.alerts.wording import lasting

if TYPE_CHECKING:
    from stationmaster.monitor.alerts.measures import AlertStats, Spread

__all__ = ["stats_lines"]


def stats_lines(found: AlertStats) -> list[str]:
    """Return the measures, a line each."""
    days = max(round((found.until - found.since) / dt.timedelta(days=1)), 1)
    incidents = "1 incident" if found.incidents == 1 else f"{found.incidents} incidents"
    span = "a day" if days == 1 else f"{days} days"
    all_of_them = f"{incidents} in {span}, {found.told} of them told"
    lines = [f"{all_of_them}, {found.foretold} before they happened."]
    if found.false_alarm_rate is not None:
        lines.append(
            f"False alarms: {found.false_alarms} of {found.told} ({found.false_alarm_rate:.0%}): "
            f"{found.judged_false} judged so, the others over by themselves within 10 minutes. "
            f"{found.judged} were judged."
        )
    lines += [
        f"Time to notice:  from its beginning to the incident  {_spread(found.begun_to_opened)}",
        f"                 from the incident to the message    {_spread(found.opened_to_sent)}",
        f"                 from its beginning to the message   {_spread(found.begun_to_sent)}",
    ]
    lines += [
        f"Messages a day:  {owner:<16} {number:.1f}"
        for owner, number in found.messages_a_day.items()
    ]
    return lines


def _spread(found: Spread) -> str:
    if found.p50 is None or found.p95 is None or found.most is None:
        return "nothing to measure"
    half, most_of, worst = (_words(each) for each in (found.p50, found.p95, found.most))
    return f"half within {half}, 95 % within {most_of}, the longest {worst}"


def _words(seconds: float) -> str:
    begun = dt.datetime.min.replace(tzinfo=dt.UTC)
    return lasting(begun, begun + dt.timedelta(seconds=seconds))
