"""The chance that a run misses its deadline comes from the pipeline's own past."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.monitor.series.deadlines import Span, chance_to_miss, precedence

SECONDS = {"extract": 600.0, "load": 300.0, "merge": 900.0, "report": 120.0}
AFTER = {"load": ["extract"], "merge": ["extract"], "report": ["load", "merge"]}


def past_run(seed: int, spread: float = 0.1) -> dict[str, Span]:
    """Return a run: two steps side by side after the first one, the last after both."""
    rng = random.Random(seed)  # noqa: S311 (durations, no secret)
    ends: dict[str, float] = {}
    spans = {}
    for step in ("extract", "load", "merge", "report"):
        start = max((ends[each] for each in AFTER.get(step, ())), default=0.0) + 5
        ends[step] = start + SECONDS[step] * 2.718 ** rng.gauss(0, spread)
        spans[step] = Span(start, ends[step])
    return spans


PAST = [past_run(seed) for seed in range(40)]
USUAL_END = 5 + 600 + 5 + 900 + 5 + 120


def test_what_precedes_what_is_read_from_the_past() -> None:
    """A step comes after those that were over before it began in every run."""
    found = precedence(PAST)

    assert found["report"] == {"extract", "load", "merge"}
    assert found["load"] == found["merge"] == {"extract"}
    assert found["extract"] == frozenset()


def test_a_run_in_time_is_likely_to_be_done_in_time() -> None:
    """With ten minutes to spare there is hardly a chance to miss; with none, it is likely."""
    begun = {"extract": Span(5, 600)}

    calm = chance_to_miss(PAST, begun, now=610, deadline=USUAL_END + 600)
    late = chance_to_miss(PAST, begun, now=610, deadline=USUAL_END - 400)

    assert calm.chance is not None
    assert late.chance is not None
    assert calm.chance < 0.05
    assert late.chance > 0.9


def test_the_longest_way_is_named() -> None:
    """Of two steps side by side the longer one is what the end hangs on."""
    told = chance_to_miss(PAST, {"extract": Span(5, 600)}, now=610, deadline=USUAL_END)

    shares = dict(told.critical)
    assert shares["report"] == 1.0
    assert shares["merge"] > 0.99
    assert "load" not in shares


def test_a_step_that_runs_long_raises_the_chance() -> None:
    """The longer a step goes on beyond its usual time, the likelier the deadline is missed."""
    begun = {"extract": Span(5, 605), "load": Span(610, 900), "merge": Span(610, None)}
    chances = [
        chance_to_miss(PAST, begun, now=610.0 + elapsed, deadline=USUAL_END + 200).chance or 0.0
        for elapsed in (100, 900, 1050, 1300)
    ]

    assert chances == sorted(chances)
    assert chances[0] < 0.3
    assert chances[-1] == 1.0


def test_a_slow_beginning_counts_as_far_as_it_did_in_the_past() -> None:
    """Where slow mornings were slow to the end, a slow first step delays what is to come."""
    together = []
    for seed in range(30):
        pace = 2.718 ** random.Random(seed).gauss(0, 0.4)  # noqa: S311 (durations, no secret)
        spans = past_run(seed, spread=0.02)
        together.append({s: Span(a * pace, (b or a) * pace) for s, (a, b) in spans.items()})
    slow = {"extract": Span(5, 5 + 1800)}

    coupled = chance_to_miss(together, slow, now=1810, deadline=1805 + 1030 * 2)
    free = chance_to_miss(PAST, slow, now=1810, deadline=1805 + 1030 * 2)

    assert coupled.chance is not None
    assert coupled.chance > 0.5
    assert free.chance == 0.0


def test_four_runs_are_no_history() -> None:
    """The answer says how many runs there are and how many are needed, and no number."""
    told = chance_to_miss(PAST[:4], {}, now=0, deadline=1)

    assert (told.chance, told.why) == (None, "Not enough history: 4 of 5 runs.")


def test_a_run_that_is_done_has_no_chance_left() -> None:
    """When all steps are over it is in time, or it is not."""
    done = past_run(99)
    end = done["report"].end or 0.0

    assert chance_to_miss(PAST, done, now=end, deadline=end + 1).chance == 0.0
    assert chance_to_miss(PAST, done, now=end, deadline=end - 1).chance == 1.0


@settings(max_examples=20, deadline=None)
@given(st.floats(min_value=0, max_value=4000), st.floats(min_value=0, max_value=4000))
def test_a_later_deadline_is_never_likelier_to_be_missed(one: float, other: float) -> None:
    """The chance falls as the deadline moves away."""
    early, late = sorted((one, other))
    begun = {"extract": Span(5, 600)}

    sooner = chance_to_miss(PAST[:10], begun, now=700, deadline=early).chance
    later = chance_to_miss(PAST[:10], begun, now=700, deadline=late).chance

    assert sooner is not None
    assert later is not None
    assert sooner >= later


def test_the_chances_are_true_on_the_whole() -> None:
    """Of runs told a chance of p, about p miss: measured over runs that are not in the past."""
    told, missed = 0.0, 0
    for seed in range(200, 250):
        run = past_run(seed)
        begun = {"extract": run["extract"]}
        now = run["extract"].end or 0.0
        told += chance_to_miss(PAST, begun, now=now, deadline=USUAL_END, after=AFTER).chance or 0.0
        missed += (run["report"].end or 0.0) > USUAL_END

    assert abs(told - missed) < 10
