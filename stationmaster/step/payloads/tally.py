"""Count what differs while payloads stream by: per place and change, once a record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from stationmaster.step.payloads.findings import Change, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Difference", "Home", "Sighting", "Tally"]

_MOST: Final = 20_000
"""Different differences that are told apart; a source that differs more has changed altogether."""


class Home(Protocol):
    """An object of payloads that a place lies in."""

    @property
    def records(self) -> int:
        """Return how many records have it."""


class Difference(NamedTuple):
    """Tell one difference from others."""

    path: str
    when: str
    change: Change
    expected: str
    got: str


@dataclass(slots=True)
class _Count:
    home: Home
    records: int
    last: int
    first_line: int
    first_time: str
    example: str
    times: int = 1


@dataclass(slots=True)
class Sighting:
    """Hold in which records something was seen that is no difference by itself."""

    records: int = 0
    first_line: int = 0
    first_time: str = ""
    value: float = 0.0
    """The one of the greatest size."""
    _last: int = 0

    def note(self, record: int, line: int, time: str, value: float = 0.0) -> None:
        """Take one of the record that is looked at."""
        if self._last != record:
            self._last = record
            self.records += 1
            self.first_line = min(self.first_line, line) if self.records > 1 else line
            if time and (not self.first_time or time < self.first_time):
                self.first_time = time
        if abs(value) > abs(self.value):
            self.value = value


class Tally:
    """Count differences; the same whatever order records come in, but for line numbers."""

    def __init__(self) -> None:
        self.record = 0
        """Number of the record that is looked at, from 1."""
        self._line = 0
        self._time = ""
        self._counts: dict[Difference, _Count] = {}

    @property
    def records(self) -> int:
        """Return how many records were looked at."""
        return self.record

    def begin(self, line: int, time: str) -> None:
        """Go on to the next record."""
        self.record += 1
        self._line = line
        self._time = time

    def sight(self, sighting: Sighting, value: float = 0.0) -> None:
        """Note what the record that is looked at has."""
        sighting.note(self.record, self._line, self._time, value)

    def note(self, difference: Difference, home: Home, example: str = "") -> None:
        """Count one difference of the record that is looked at, in an object of a place."""
        count = self._counts.get(difference)
        if count is None:
            if len(self._counts) < _MOST:
                self._counts[difference] = _Count(
                    home, 1, self.record, self._line, self._time, example
                )
            return
        count.times += 1
        if count.last != self.record:
            count.records += 1
            count.last = self.record
            count.first_line = min(count.first_line, self._line)
            if self._time and (not count.first_time or self._time < count.first_time):
                count.first_time = self._time
        if example and (len(example), example) < (len(count.example), count.example):
            count.example = example

    def times(self, difference: Difference) -> int:
        """Return how often a difference was noted, several times a record included."""
        count = self._counts.get(difference)
        return count.times if count else 0

    def finding(self, key: Difference, change: Change | None = None) -> Finding:
        """Return one difference as a finding."""
        count = self._counts[key]
        return Finding(
            path=key.path,
            change=change or key.change,
            expected=key.expected,
            got=key.got,
            count=count.records,
            of=count.home.records,
            first_line=count.first_line,
            first_time=count.first_time,
            example=count.example,
            when=key.when,
        )

    def __iter__(self) -> Iterator[Difference]:
        return iter(self._counts)
