"""Go through the faults on kind, several at once where each stays clear, and judge each."""

from __future__ import annotations

import datetime as dt
import threading
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

from tests.monitor_drill.judging import line_of
from tests.monitor_drill.kind.faults import Course
from tests.monitor_drill.kind.planned import FAULTS
from tests.monitor_drill.kind.site import drill_site, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from stationmaster.monitor.incidents.standing import StandingFinding, StandingIncident
    from tests.monitor_drill.judging import Expected
    from tests.monitor_drill.kind.planned import Fault
    from tests.monitor_drill.kind.site import Site

__all__ = ["kind_trials"]

LINGERS: Final = 20.0
"""So long it stays broken after it was told: what else comes of it comes by then, mostly."""

CALLS: Final = ("opened", "reopened", "again", "worsened", "cause-changed")
"""Kinds of messages that call somebody; who was called need not be called again."""

SLACK: Final = dt.timedelta(seconds=1)


def kind_trials(
    is_chosen: Callable[[str], bool],
) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """Yield the name of each fault, and what returns its line; they are broken meanwhile.

    Args:
        is_chosen: Tells by its name whether a fault is to be done.
    """
    chosen = [each for each in FAULTS if is_chosen(each.name)]
    if not chosen:
        return
    with drill_site() as site:
        lasting: list[_Trial] = []
        for group in sorted({each.group for each in chosen}):
            trials = [_Trial(each, site) for each in chosen if each.group == group]
            going = [*lasting, *trials]
            for each in trials:
                each.start(going)
            lasting += [each for each in trials if each.fault.lasts]
            for each in trials:
                if not each.fault.lasts:
                    yield each.fault.name, each.line
        for each in lasting:
            yield each.fault.name, each.line


@dataclass
class _Trial:
    """Break one thing, wait until it is told, mend it, wait until that is told."""

    fault: Fault
    site: Site
    _beside: Sequence[_Trial] = ()
    _thread: threading.Thread | None = None
    _line: dict[str, Any] = field(default_factory=dict)
    _texts_before: int = 0
    _begins: dt.datetime = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)

    def start(self, beside: Sequence[_Trial]) -> None:
        """Begin, in a thread of its own, beside others."""
        self._beside = beside
        self._thread = threading.Thread(target=self._run, name=self.fault.name)
        self._thread.start()

    def line(self) -> dict[str, Any]:
        """Wait for its end, and return its line of the record."""
        if self._thread is not None:
            self._thread.join()
        return self._line

    def incidents(self) -> list[StandingIncident]:
        """Return what was opened since it began, without what others must be found as."""
        return [each for each in self._all() if self._is_mine(each) or not self._is_others(each)]

    def findings(self, number: int) -> list[StandingFinding]:
        """Return what belongs to an incident."""
        return self.site.seen.findings(number)

    def events(self, number: int) -> list[str]:
        """Return what happened to an incident."""
        return self.site.seen.events(number, self._begins)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Return what reached the receiver of its incident."""
        return [told for each in self._mine() for told in self._texts_of(each)]

    def _run(self) -> None:
        begun = time.monotonic()
        try:
            self._line = self._tried()
        except Exception as error:  # noqa: BLE001 (the others go on; the record says what came)
            traceback.print_exc()
            self._line = {"wrong": [f"the drill itself failed: {type(error).__name__}: {error}"]}
        own = {"where": "kind", "fault": self.fault.name}
        self._line = {**own, **self._line, "took_s": round(time.monotonic() - begun, 1)}

    def _tried(self) -> dict[str, Any]:
        time.sleep(self.fault.after_seconds)
        fault, course = self.fault, Course(self.site, self._is_told, self._is_over)
        begins = self._begins = dt.datetime.now(dt.UTC)
        self._texts_before = len(self.site.seen.texts())
        with fault.breaking(course):
            begins = course.begun or begins
            until(self._is_told, fault.expected.within.total_seconds() + 60)
            time.sleep(LINGERS)
            told = self._mine()
            mended = course.mended or dt.datetime.now(dt.UTC)
        if told:
            until(self._is_over, fault.closes_within)
        line = line_of(self, fault.expected, told, begins=begins, mended=mended)
        line["wrong"] = [*line["wrong"], *self._told_wrongly()]
        closed = [each.closed_at for each in self._mine() if each.closed_at]
        line["closed_s"] = round((closed[0] - mended).total_seconds()) if closed else None
        return line | course.facts

    def _told_wrongly(self) -> Iterator[str]:
        """Find what was told twice, or not at all."""
        for each in self._mine():
            rows = [row for row in self.site.seen.sent(each.id) if row.made_at >= self._begins]
            kinds = Counter(str(row.document["kind"]) for row in rows)
            calls = sum(kinds[kind] for kind in CALLS)
            if (calls, kinds["closed"]) != (1, 1):
                yield f"expected one message of its beginning and one of its end, got {dict(kinds)}"
            texts = Counter(told["text"] for told in self._texts_of(each))
            yield from (f"told {n} times: {text[:80]}" for text, n in texts.items() if n > 1)

    def _texts_of(self, incident: StandingIncident) -> list[dict[str, Any]]:
        return self.site.seen.told(incident, self._texts_before)

    def _all(self) -> list[StandingIncident]:
        """Return what was opened since it began, or came back: that is opened then as well."""
        found = (self._since_begun(each) for each in self.site.seen.incidents(self._begins))
        return [each for each in found if each.opened_at >= self._begins - SLACK]

    def _since_begun(self, incident: StandingIncident) -> StandingIncident:
        came_back = self.site.seen.came_back_at(incident) if incident.reopened else None
        return incident if came_back is None else replace(incident, opened_at=came_back)

    def _mine(self) -> list[StandingIncident]:
        return [each for each in self._all() if self._is_mine(each)]

    def _is_mine(self, incident: StandingIncident) -> bool:
        return _fits(self.fault.expected, incident)

    def _is_others(self, incident: StandingIncident) -> bool:
        return any(
            _fits(each.fault.expected, incident) for each in self._beside if each is not self
        )

    def _is_told(self) -> bool:
        mine = self._mine()
        return bool(mine) and all(self._sent(each, CALLS) for each in mine)

    def _is_over(self) -> bool:
        mine = self._mine()
        return bool(mine) and all(
            each.closed_at is not None and self._sent(each, ("closed",)) for each in mine
        )

    def _sent(self, incident: StandingIncident, kinds: Sequence[str]) -> bool:
        """Tell whether one of these was sent of an incident since the fault began."""
        return any(
            row.document["kind"] in kinds and row.made_at >= self._begins
            for row in self.site.seen.sent(incident.id)
        )


def _fits(expected: Expected, incident: StandingIncident) -> bool:
    finding = incident.finding
    return finding.check in expected.check and fnmatchcase(str(finding.subject), expected.subject)
