"""The numbers that people rely on, by business date, as steps said them in their results."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stationmaster.monitor.facts.attempts import Attempt

__all__ = ["ROWS", "FigureFacts", "Said", "said_by"]

DAY_MARK: Final = "@"
ROWS: Final = "rows"
"""The figure that every table has by itself, without a job saying it."""


class Said(NamedTuple):
    """Hold a figure as one run said it."""

    name: str
    business_date: dt.date
    value: float
    at: dt.datetime
    pipeline: str
    step: str
    run_id: str


class FigureFacts:
    """Answer what figures were said, named `dataset/figure`.

    Args:
        attempts: Of all pipelines.
        made: What is made of each pipeline's attempts, where that is kept.
    """

    def __init__(
        self,
        attempts: Iterable[Attempt],
        *,
        made: Iterable[Mapping[str, tuple[Said, ...]]] | None = None,
    ) -> None:
        self._attempts = attempts
        self._made = made
        self._days: dict[str, Mapping[dt.date, float]] = {}

    @cached_property
    def history(self) -> Mapping[str, tuple[Said, ...]]:
        """Return all that was said of each figure, oldest first."""
        found: dict[str, tuple[Said, ...]] = {}
        for each in [said_by(self._attempts)] if self._made is None else self._made:
            for name, mine in each.items():
                before = found.get(name, ())
                both = sorted((*before, *mine), key=lambda said: said.at) if before else mine
                found[name] = tuple(both)
        return found

    def days(self, name: str) -> Mapping[dt.date, float]:
        """Return a figure's last word of each day, by day."""
        if name not in self._days:
            last = {each.business_date: each.value for each in self.history.get(name, ())}
            self._days[name] = dict(sorted(last.items()))
        return self._days[name]


def said_by(attempts: Iterable[Attempt]) -> dict[str, tuple[Said, ...]]:
    """Return all that attempts said of each figure, oldest first.

    The parts of a split step add up, once all are done; a number that one of them says of the
    whole stands in their place.
    """
    found: dict[str, list[Said]] = defaultdict(list)
    for tries in _by_step(attempts):
        done: dict[tuple[int, int], Attempt] = {}
        for mine in tries.values():
            ended = {each.part: each for each in mine if each.is_done}
            if not ended:
                continue
            done |= ended
            final = max(ended.values(), key=lambda each: each.ended_at or each.recorded_at)
            for name, value in _numbers(tuple(done.values())).items():
                said = _said(name, value, final)
                found[said.name].append(said)
    return {name: tuple(sorted(said, key=lambda each: each.at)) for name, said in found.items()}


def _by_step(attempts: Iterable[Attempt]) -> Iterable[Mapping[str, list[Attempt]]]:
    """Return the attempts of each step of each run, by try."""
    found: dict[tuple[str, str, str, dt.date], dict[str, list[Attempt]]] = defaultdict(dict)
    for each in attempts:
        step = (each.pipeline, each.run_id, each.step, each.business_date)
        found[step].setdefault(each.try_id, []).append(each)
    return found.values()


def _numbers(done: tuple[Attempt, ...]) -> dict[str, float]:
    """Return the figures of a step whose parts are done."""
    parts: dict[str, float] = defaultdict(float)
    if len(done) >= max(each.shards for each in done):
        for each in done:
            for name, value in each.part_figures.items():
                parts[name] += value
    whole = {name: value for each in done for name, value in each.figures.items()}
    return _rows(done) | parts | whole


def _rows(done: Iterable[Attempt]) -> dict[str, float]:
    """Return the rows of each table that was published."""
    return {
        f"{output.dataset}/{ROWS}{DAY_MARK}{output.business_date}": float(output.rows)
        for each in done
        for output in each.outputs
        if not (output.staged or output.already_published or output.uri)
    }


def _said(name: str, value: float, by: Attempt) -> Said:
    """Return what was said; a name with a day is a figure of another day than the step's own."""
    plain, _, day = name.partition(DAY_MARK)
    try:
        of = dt.date.fromisoformat(day) if day else by.business_date
    except ValueError:
        of = by.business_date
    at = by.ended_at or by.recorded_at
    return Said(plain, of, value, at, by.pipeline, by.step, by.run_id)
