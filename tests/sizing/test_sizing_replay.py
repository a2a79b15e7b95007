"""Replays: nothing is looked at early, and the measure is the one that all policies share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.ledger.sizing.comparing import POLICIES, compare
from stationmaster.ledger.sizing.fleet import recommend_all
from stationmaster.ledger.sizing.generating import Recipe, generate
from stationmaster.ledger.sizing.measuring import doubled, enlarged, enlarged_by_vpa, measure
from stationmaster.ledger.sizing.observations import MIB
from stationmaster.ledger.sizing.recommending import Limits, recommend
from stationmaster.ledger.sizing.replaying import replay_sizes
from stationmaster.ledger.sizing.rivals import largest_so_far_sizes, vpa_sizes
from stationmaster.ledger.sizing.traces import as_history
from tests.sizing.runs import GIB, drawn_traces, frame_of, history_of, runs_of

if TYPE_CHECKING:
    from stationmaster.ledger.sizing.measuring import Enlarge
    from stationmaster.ledger.sizing.observations import Observation


def sizes_in_order(trace: list[Observation]) -> list[float]:
    """Return our size of each run, in order of submission."""
    return replay_sizes(history_of(trace)).frame.sort("order")["size"].to_list()


@settings(max_examples=40, deadline=None)
@given(drawn_traces(), st.data())
def test_no_decision_looks_at_a_later_run(trace: list[Observation], data: st.DataObject) -> None:
    """Cutting a history off, or changing what comes later, changes no earlier size."""
    cut = data.draw(st.integers(1, len(trace)))
    changed = [run._replace(peak_bytes=run.peak_bytes * 3) for run in trace[cut:]]

    whole = sizes_in_order(trace)

    assert sizes_in_order(trace[:cut]) == pytest.approx(whole[:cut])
    assert sizes_in_order(trace[:cut] + changed)[:cut] == pytest.approx(whole[:cut])


@settings(max_examples=30, deadline=None)
@given(drawn_traces())
def test_the_rivals_look_at_no_later_run_either(trace: list[Observation]) -> None:
    """All policies are measured by the same rule."""
    cut = (len(trace) + 1) // 2
    for sizes in (vpa_sizes, lambda frame: largest_so_far_sizes(frame, 1.10)):
        frames = (replay_sizes(history_of(part)).frame for part in (trace, trace[:cut]))
        whole, part = (
            frame.with_columns(sizes(frame).alias("tried")).sort("order")["tried"].to_list()
            for frame in frames
        )
        assert part == pytest.approx(whole[:cut])


@settings(max_examples=30, deadline=None)
@given(drawn_traces())
def test_names_of_steps_decide_nothing(trace: list[Observation]) -> None:
    """The same runs under other names, in another order of the alphabet, get the same sizes."""
    names = {run.task: f"other_{9 - int(run.task[-1])}" for run in trace}

    renamed = [run._replace(task=names[run.task]) for run in trace]

    assert sizes_in_order(renamed) == pytest.approx(sizes_in_order(trace))


@settings(max_examples=30, deadline=None)
@given(drawn_traces())
def test_all_steps_at_once_get_what_each_gets_alone(trace: list[Observation]) -> None:
    """Columns for thousands of steps and plain Python for one recommend the same."""
    found = recommend_all(history_of(trace))
    for size in found.steps:
        runs = [run for run in trace if run.task == size.task]
        alone = recommend(
            runs, runs[-1].requested_bytes, next_input=runs[-1].input_bytes, pool=found.pool
        )

        for name in ("by_input", "margin", "runs", "replayed", "exceeded", "confidence"):
            assert getattr(alone, name) == getattr(size.recommendation, name), name
        assert abs(alone.memory_bytes - size.recommendation.memory_bytes) <= MIB


@settings(max_examples=30, deadline=None)
@given(drawn_traces())
def test_no_size_exceeds_the_largest_node(trace: list[Observation]) -> None:
    """A replay with a largest node never reserves more."""
    frame = replay_sizes(history_of(trace), node_bytes=GIB).frame

    assert frame["size"].max() <= GIB  # type: ignore[operator]  # a Float64


@settings(max_examples=30, deadline=None)
@given(drawn_traces())
def test_after_running_out_of_memory_no_size_is_as_small_again(trace: list[Observation]) -> None:
    """Until a step runs short once more, its sizes stay above what was too small."""
    frame = replay_sizes(history_of(trace)).frame.filter(pl.col("run") >= 3)
    for step in frame.partition_by("code"):
        too_small = 0.0
        for size, needed in step.sort("run").select("size", "needed").iter_rows():
            assert size > too_small
            too_small = size if needed > size else too_small


def test_the_first_three_runs_take_the_preset() -> None:
    """Whatever the policy, it starts on the fourth run."""
    frame = replay_sizes(history_of(runs_of([100] * 6))).frame

    assert frame["size"].to_list()[:3] == [4 * GIB] * 3
    assert frame["size"].to_list()[3] < GIB


ONE_RUN = pl.DataFrame(
    {"needed": [1000.0 * MIB], "duration_seconds": [3600.0], "declared": [4096.0 * MIB]}
)


@pytest.mark.parametrize(
    ("size", "enlarge", "attempts"),
    [
        (1000.0, doubled, [1000]),
        (600.0, doubled, [600, 1200]),
        (600.0, enlarged, [600, 900, 4096]),
        (700.0, enlarged, [700, 1050]),
        (600.0, enlarged_by_vpa, [600, 720, 864, 1036.8]),
        (200.0, enlarged_by_vpa, [200, 300, 400, 500, 600, 720, 864, 1036.8]),
    ],
)
def test_each_attempt_reserves_its_size_for_the_whole_duration(
    size: float, enlarge: Enlarge, attempts: list[float]
) -> None:
    """Failed attempts count in full; useful is the peak once; the rest is wasted."""
    measured = measure(ONE_RUN.with_columns(size=pl.lit(size * MIB)), "size", enlarge)

    reserved = sum(attempts) * MIB / 1e9
    assert measured.reserved_gb_hours == pytest.approx(reserved)
    assert measured.useful_gb_hours == pytest.approx(1000 * MIB / 1e9)
    assert measured.wasted_share == pytest.approx(1 - 1000 / sum(attempts))
    assert measured.attempts == measured.most_attempts == len(attempts)
    assert measured.first_try_out_of_memory == (len(attempts) > 1)


def test_a_larger_declared_size_ends_the_enlargements() -> None:
    """The second enlargement is at least what the author asked for, after that it doubles."""
    huge = ONE_RUN.with_columns(needed=pl.lit(9000.0 * MIB), size=pl.lit(600.0 * MIB))

    assert measure(huge, "size", enlarged).attempts == 5  # 600, 900, 4096, 8192, 16384


def test_ours_wastes_less_and_fails_less_than_its_rivals() -> None:
    """On a history of all families it is better than VPA and max times 1.10 on both counts."""
    found = compare(generate(Recipe(steps=120, seed=77)))

    ours = found["ours"]
    assert set(found) == set(POLICIES)
    assert found["user_preset"].wasted_share > 0.5
    for rival in ("vpa_defaults", "max_times_1_10"):
        assert ours.wasted_share < found[rival].wasted_share
        assert ours.first_try_oom_rate < found[rival].first_try_oom_rate
    assert ours.first_try_oom_rate <= 0.005


def test_a_recommendation_for_all_obeys_limits() -> None:
    """The largest node, and what was too small, bound the sizes of a whole fleet."""
    trace = runs_of([100] * 30) + runs_of([9000] * 30, "big", declared=16 * GIB)
    history = as_history(frame_of(sorted(trace, key=lambda run: run.submitted_at)))

    found = recommend_all(history, too_small={"step": 300 * MIB}, limits=Limits(node_bytes=8 * GIB))

    sizes = {each.task: each.recommendation for each in found.steps}
    assert sizes["big"].memory_bytes == 8 * GIB
    assert "the largest node holds 8 GiB" in sizes["big"].why
    assert sizes["step"].memory_bytes > 300 * MIB
    assert "300 MiB proved too small" in sizes["step"].why
