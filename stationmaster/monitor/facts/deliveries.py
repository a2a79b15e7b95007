"""Has a source delivered a day? Asked where steps would read it: its landing folder, or its API."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from stationmaster.monitor.facts.missing import FactsNotHereError

if TYPE_CHECKING:
    from collections.abc import Callable

    from stationmaster.monitor.monitoring import SourceExpectation

__all__ = ["Deliveries", "DeliveryFacts", "Owed", "upstream_days"]


class Owed(NamedTuple):
    """Say what a source still owes of a business date.

    Args:
        what: The first of its own days that is missing, or the moment.
        since: When that day was over.
        detail: What was seen instead.
    """

    what: str
    since: dt.datetime
    detail: str


class DeliveryFacts(Protocol):
    """Tell what sources owe."""

    def owed(self, source: str, expected: SourceExpectation, day: dt.date) -> Owed | None:
        """Return what a source still owes of a business date; None: all is there.

        Raises:
            FactsNotHereError: Nobody has told where it delivers.
            FactsUnavailableError: Its place does not answer.
        """


def upstream_days(
    day: dt.date, business: ZoneInfo, upstream: ZoneInfo
) -> list[tuple[dt.date, dt.datetime]]:
    """Return the upstream's own days that overlap a business date, each with when it is over."""
    start = dt.datetime.combine(day, dt.time(), business).astimezone(dt.UTC)
    end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), business).astimezone(dt.UTC)
    first = start.astimezone(upstream).date()
    last = (end - dt.timedelta(microseconds=1)).astimezone(upstream).date()
    days = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
    return [
        (each, dt.datetime.combine(each + dt.timedelta(days=1), dt.time(), upstream))
        for each in days
    ]


class Deliveries:
    """Look into landing folders, and ask APIs for their status.

    Args:
        business: The business clock's zone.
        landing: Whether a place holds a file: `holds(uri)`.
        root: The landing zone.
        complete_through: Asks an API up to when it is complete.
    """

    def __init__(
        self,
        business: ZoneInfo,
        *,
        root: str,
        landing: Callable[[str], bool],
        complete_through: Callable[[str, str], dt.datetime | None] | None = None,
    ) -> None:
        self._business = business
        self._root = root.rstrip("/")
        self._holds = landing
        self._complete_through = complete_through
        self._told: dict[str, dt.datetime | None] = {}

    def owed(self, source: str, expected: SourceExpectation, day: dt.date) -> Owed | None:
        """Return what a source still owes of a business date; None: all is there."""
        days = upstream_days(day, self._business, ZoneInfo(expected.zone))
        if expected.kind == "api":
            return self._owed_by_api(source, expected, days[-1][1].astimezone(dt.UTC), day)
        for each, over in days:
            folder = f"{self._root}/{source}/{each}"
            if not self._holds(f"{folder}/_SUCCESS"):
                return Owed(str(each), over.astimezone(dt.UTC), f"{folder} has no _SUCCESS")
        return None

    def _owed_by_api(
        self, source: str, expected: SourceExpectation, until: dt.datetime, day: dt.date
    ) -> Owed | None:
        if self._complete_through is None:
            message = f"nobody can ask {source}'s API here"
            raise FactsNotHereError(message)
        if source not in self._told:  # one question a look, however many days are owed
            self._told[source] = self._complete_through(source, expected.url)
        complete = self._told[source]
        if complete is None:
            return Owed(str(day), until, "it has delivered nothing yet")
        if complete >= until - dt.timedelta(seconds=1):
            return None
        return Owed(str(day), until, f"it is complete through {complete:%Y-%m-%d %H:%M:%S} UTC")
