"""While a run goes: the chance that it misses its deadline.

Drawn from the pipeline's own past: each draw takes one past run, whose steps' waits and durations
the steps that are still to come take over, so that what is slow together stays slow together. A
step that runs takes a duration among those that were longer than it has taken so far. What is done
tells how slow this day is, as far as the past shows that slow beginnings have slow ends. The end is
the longest way through what precedes what.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["DeadlineChance", "Span", "chance_to_miss", "precedence"]

LEAST_RUNS: Final = 5
DRAWS: Final = 1000
MOST_PACE: Final = 4.0
OVERLAP_SECONDS: Final = 1.0
TAIL: Final = 0.3
"""A step that already takes longer than ever goes on for a part of its time, drawn so wide."""


class Span(NamedTuple):
    """Hold when a step began and ended, in seconds of any clock; `end` None: it goes on."""

    start: float
    end: float | None


@dataclass(frozen=True, slots=True)
class DeadlineChance:
    """Say how likely a run misses its deadline.

    Args:
        chance: From 0 to 1; None: not enough history.
        finish: The middle of when it ends, in seconds of the same clock.
        finish_early: In one of ten draws it ends before.
        finish_late: In one of ten draws it ends after.
        critical: The steps on the longest way, and in what part of the draws each was.
        runs: How many past runs this is drawn from.
        why: One sentence.
    """

    chance: float | None
    finish: float | None = None
    finish_early: float | None = None
    finish_late: float | None = None
    critical: tuple[tuple[str, float], ...] = ()
    runs: int = 0
    why: str = ""


def precedence(runs: Iterable[Mapping[str, Span]]) -> dict[str, frozenset[str]]:
    """Return which steps each step comes after: those that ended before it began in every run.

    The ledger does not know a pipeline's edges; that is what runs of the past show of them. Steps
    that were seen together in fewer than 5 runs precede nothing.
    """
    together: dict[tuple[str, str], int] = {}
    broken: set[tuple[str, str]] = set()
    for run in runs:
        for before, first in run.items():
            for after, second in run.items():
                if before == after or first.end is None:
                    continue
                together[before, after] = together.get((before, after), 0) + 1
                if first.end > second.start + OVERLAP_SECONDS:
                    broken.add((before, after))
    found: dict[str, set[str]] = {}
    for (before, after), number in together.items():
        found.setdefault(after, set())
        if number >= LEAST_RUNS and (before, after) not in broken:
            found[after].add(before)
    return {step: frozenset(steps) for step, steps in found.items()}


def chance_to_miss(
    past: Sequence[Mapping[str, Span]],
    now_run: Mapping[str, Span],
    *,
    now: float,
    deadline: float,
    after: Mapping[str, Iterable[str]] | None = None,
) -> DeadlineChance:
    """Return how likely a run ends after its deadline.

    Args:
        past: Whole runs: each step's span, in seconds on a clock of their own.
        now_run: The steps of this run that began, in seconds on the clock of `now`.
        now: The moment.
        deadline: When all steps should be done.
        after: Which steps each step comes after; None: what the past shows (`precedence`).
    """
    if len(past) < LEAST_RUNS:
        why = f"Not enough history: {len(past)} of {LEAST_RUNS} runs."
        return DeadlineChance(None, runs=len(past), why=why)
    edges = {step: frozenset(steps) for step, steps in (after or precedence(past)).items()}
    order = _ordered(edges, {step for run in past for step in run} | set(now_run))
    durations = {step: _durations(past, step) for step in order}
    pace = _pace(past, now_run, durations)
    rng = random.Random(11)  # noqa: S311 (draws of futures, no secret)
    finishes: list[float] = []
    critical: dict[str, int] = dict.fromkeys(order, 0)
    for _ in range(DRAWS):
        example = past[rng.randrange(len(past))]
        ends = _draw(_Drawn(order, edges, durations, example, pace, rng), now_run, now)
        last = max(ends, key=lambda step: ends[step])
        finishes.append(ends[last])
        for step in _way(last, ends, edges):
            critical[step] += 1
    finishes.sort()
    missed = sum(finish > deadline for finish in finishes) / DRAWS
    open_steps = {step for step in order if step not in now_run or now_run[step].end is None}
    ranked = sorted(
        ((s, n / DRAWS) for s, n in critical.items() if s in open_steps and n), key=lambda e: -e[1]
    )
    early, middle, late = (finishes[int(part * DRAWS)] for part in (0.1, 0.5, 0.9))
    why = (
        f"{missed * 100:.0f} % to miss it, by {len(past)} runs: {len(open_steps)} of {len(order)} "
        f"steps to go, {pace:.2g} times the usual pace."
    )
    return DeadlineChance(missed, middle, early, late, tuple(ranked), len(past), why)


class _Drawn(NamedTuple):
    """Hold what one drawn future is made of."""

    order: list[str]
    edges: Mapping[str, frozenset[str]]
    durations: Mapping[str, list[float]]
    example: Mapping[str, Span]
    pace: float
    rng: random.Random


def _draw(drawn: _Drawn, now_run: Mapping[str, Span], now: float) -> dict[str, float]:
    """Return when each step ends in one drawn future."""
    ends: dict[str, float] = {}
    for step in drawn.order:
        known = now_run.get(step)
        if known is not None and known.end is not None:
            ends[step] = known.end
        elif known is not None:
            ends[step] = max(now, known.start + _longer(drawn, step, now - known.start))
        elif step in drawn.example:
            before = drawn.edges.get(step, frozenset())
            ready = max((ends[each] for each in before if each in ends), default=now)
            wait, seconds = _taken(drawn.example, step, before)
            ends[step] = max(now, ready + wait) + seconds * drawn.pace
    return ends or {"": now}


def _taken(example: Mapping[str, Span], step: str, before: Iterable[str]) -> tuple[float, float]:
    """Return how long a step of a past run waited for its turn, and took."""
    span = example[step]
    ended = [example[each].end for each in before if each in example]
    ready = max((end for end in ended if end is not None), default=span.start)
    return max(0.0, span.start - ready), (span.end or span.start) - span.start


def _longer(drawn: _Drawn, step: str, elapsed: float) -> float:
    """Return a duration of a running step: one of those that were longer than it has taken."""
    longer = [each * drawn.pace for each in drawn.durations[step] if each * drawn.pace > elapsed]
    if longer:
        return drawn.rng.choice(longer)
    return elapsed * (1 + drawn.rng.expovariate(1 / TAIL))


def _durations(past: Iterable[Mapping[str, Span]], step: str) -> list[float]:
    spans = [run[step] for run in past if step in run]
    return [span.end - span.start for span in spans if span.end is not None]


def _pace(
    past: Sequence[Mapping[str, Span]],
    now_run: Mapping[str, Span],
    durations: Mapping[str, list[float]],
) -> float:
    """Return how many times as long as usual what is to come takes, by what is done.

    The past says how far a slow beginning has a slow end: the median over its runs of the one's
    logarithm over the other's, between 0 and 1.
    """
    usual = {
        step: median(known) for step, known in durations.items() if known and median(known) > 0
    }
    done = [step for step, span in now_run.items() if span.end is not None and step in usual]
    begun = _slowness(now_run, done, usual)
    if begun is None:
        return 1.0
    rest = [step for step in usual if step not in now_run]
    carried = []
    for run in past:
        first, second = _slowness(run, done, usual), _slowness(run, rest, usual)
        if first is not None and second is not None and abs(first) > 0.05:  # noqa: PLR2004 (five per cent are no slow day)
            carried.append(second / first)
    share = min(1.0, max(0.0, median(carried))) if len(carried) >= LEAST_RUNS else 0.0
    return min(MOST_PACE, max(1 / MOST_PACE, math.exp(share * begun)))


def _slowness(
    run: Mapping[str, Span], steps: Iterable[str], usual: Mapping[str, float]
) -> float | None:
    """Return the logarithm of how slow some steps of a run were together; None: none ran."""
    taken = [(run[s].end or run[s].start) - run[s].start for s in steps if s in run]
    expected = [usual[s] for s in steps if s in run]
    if sum(taken) <= 0 or sum(expected) <= 0:
        return None
    return math.log(sum(taken) / sum(expected))


def _ordered(edges: Mapping[str, frozenset[str]], steps: set[str]) -> list[str]:
    """Return all steps, each after those that precede it; a circle is broken where it is met."""
    order: list[str] = []
    seen: set[str] = set()

    def visit(step: str) -> None:
        if step in seen:
            return
        seen.add(step)
        for before in sorted(edges.get(step, ())):
            visit(before)
        order.append(step)

    for step in sorted(steps):
        visit(step)
    return order


def _way(last: str, ends: Mapping[str, float], edges: Mapping[str, frozenset[str]]) -> list[str]:
    """Return the steps that a step's end hangs on, back to the first."""
    way = [last] if last else []
    while True:
        before = [each for each in edges.get(way[-1], ()) if each in ends] if way else []
        if not before:
            return way
        way.append(max(before, key=lambda step: ends[step]))
