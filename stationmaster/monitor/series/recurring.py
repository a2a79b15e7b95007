"""What is off at the same hour every day, or on the same weekday every week: a new shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from stationmaster.monitor.series.judgements import Flag, Judgement, Kind
    from stationmaster.monitor.series.points import Rhythm

__all__ = ["Recurring"]


class _Return(NamedTuple):
    """Say what comes back: after how many periods, when it is no news, when it is normal."""

    periods: int
    within: int
    own_flags: int
    accepted_times: int


RETURNS: Final = {
    "daily": (_Return(7, within=7, own_flags=2, accepted_times=3),),
    "hourly": (
        _Return(168, within=168, own_flags=1, accepted_times=3),
        _Return(24, within=72, own_flags=1, accepted_times=5),
    ),
}
"""The same weekday (and hour); the same hour of the day, also across a weekend."""


@dataclass
class _Again:
    flag: Flag
    kind: Kind | None
    period: int
    times: int


class Recurring:
    """Join flags of the same hour of the day (weekday, for daily series), and say when to accept.

    A clock that changes, a job that moved to another hour, a weekday that is no working day any
    more: the first ones are told, and then it is how the week looks.
    """

    def __init__(self, rhythm: Rhythm) -> None:
        self._returns = RETURNS[rhythm.name]
        self._last: dict[tuple[int, int], _Again] = {}

    def flag_of(self, said: Judgement) -> Flag | None:
        """Return the flag that a value goes on with; None: it is news."""
        for each in self._returns:
            again = self._fresh(said, each)
            if again is not None and again.times >= each.own_flags:
                return again.flag
        return None

    def is_accepted(self, said: Judgement, flag: Flag) -> bool:
        """Note a value that is off, and its flag; tell whether such values are normal now."""
        accepted = False
        for each in self._returns:
            again = self._fresh(said, each)
            times = 1 if again is None else again.times + 1
            key = (each.periods, said.period % each.periods)
            self._last[key] = _Again(flag, said.kind, said.period, times)
            accepted = accepted or times >= each.accepted_times
        return accepted

    def _fresh(self, said: Judgement, each: _Return) -> _Again | None:
        again = self._last.get((each.periods, said.period % each.periods))
        if again is None or again.kind is not said.kind:
            return None
        return again if said.period - again.period <= each.within else None
