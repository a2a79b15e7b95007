"""What a recommendation promises, whatever the history."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.ledger.sizing.deciding import LEAST_BYTES, Rule, size_by
from stationmaster.ledger.sizing.margins import MARGINS
from stationmaster.ledger.sizing.observations import MIB
from stationmaster.ledger.sizing.recommending import Confidence, Limits, recommend
from tests.sizing.runs import GIB, drawn_runs, runs_of, steady

if TYPE_CHECKING:
    from stationmaster.ledger.sizing.observations import Observation

RUNS = drawn_runs(least=5)


def size_of(runs: list[Observation], declared: int = 400 * GIB, **known: object) -> int:
    """Return the recommended size."""
    limits = Limits(**known) if known else Limits()  # type: ignore[arg-type]  # of Limits
    return recommend(runs, declared, limits=limits).memory_bytes


@pytest.mark.parametrize("runs", range(5))
def test_the_declared_size_stays_until_five_runs(runs: int) -> None:
    """Fewer runs size nothing, and the reason says how many there are."""
    found = recommend(steady(runs), 4 * GIB)

    assert found.memory_bytes == 4 * GIB
    assert found.confidence is Confidence.NONE
    assert f"{runs} of 5 runs seen" in found.why


def test_a_steady_step_gets_its_peak_and_little_more() -> None:
    """40 runs that differ by less than 1 % leave no reason for room, and the sentence says why."""
    found = recommend(steady(40), 4 * GIB)

    assert 1005 * MIB * 1.02 <= found.memory_bytes <= 1005 * MIB * 1.06
    assert found.confidence is Confidence.HIGH
    assert (
        "largest recent peak 1005 MiB" in found.why or "largest recent peak 0.981 GiB" in found.why
    )
    assert "0 of 37 runs" in found.why


def test_an_unsteady_step_gets_more_room_than_a_steady_one() -> None:
    """Where the next peak was often above all before, the margin is larger."""
    unsteady = recommend(runs_of([100, 130, 90, 180, 100, 250, 110, 330, 120, 470]), 400 * GIB)
    calm = recommend(runs_of([470] * 10), 400 * GIB)

    assert unsteady.margin > calm.margin
    assert unsteady.exceeded > 0 or unsteady.margin >= 1.3


@settings(max_examples=40, deadline=None)
@given(RUNS)
def test_a_size_holds_what_was_needed_last(runs: list[Observation]) -> None:
    """Where the input does not foretell the peak, the size is above every one of the last 20."""
    found = recommend(runs, 400 * GIB)
    peak = max(run.peak_bytes for run in runs[-20:])

    assert found.memory_bytes >= min(peak * MARGINS[0], 400 * GIB)
    assert found.memory_bytes <= max(max(run.peak_bytes for run in runs) * 2.0 + MIB, LEAST_BYTES)


@settings(max_examples=40, deadline=None)
@given(RUNS, st.integers(0, 10**11))
def test_the_largest_node_caps_every_size(runs: list[Observation], source: int) -> None:
    """No recommendation asks for more than one node has, also where more was foretold."""
    limits = Limits(node_bytes=2 * GIB)

    assert recommend(runs, 400 * GIB, next_input=source, limits=limits).memory_bytes <= 2 * GIB


@settings(max_examples=40, deadline=None)
@given(RUNS, st.data())
def test_a_size_is_above_what_the_last_out_of_memory_proved_too_small(
    runs: list[Observation], data: st.DataObject
) -> None:
    """Whatever came after, a size that was once too small is not recommended again."""
    where = data.draw(st.integers(0, len(runs) - 1))
    short = data.draw(st.integers(64 * MIB, 100 * GIB))
    killed = runs[where]._replace(out_of_memory=True, requested_bytes=short, peak_bytes=short)

    assert size_of([*runs[:where], killed, *runs[where + 1 :]]) > short


SIZES = st.floats(MIB, 512 * GIB)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(MARGINS), SIZES, SIZES, st.floats(1, 8), SIZES | st.just(0.0))
def test_at_a_margin_more_expected_never_means_a_smaller_size(
    margin: float, expected: float, declared: float, factor: float, floor: float
) -> None:
    """Whatever is declared and was too small, a size follows what is expected upwards."""
    rule = Rule(follow_line=False, largest_margin=margin, line_margin=2.0, chance=0.0)
    less = size_by(rule, expected, None, declared, floor)
    more = size_by(rule, expected * factor, None, declared, floor)

    assert more >= less * (1 - 1e-12)
    assert less >= max(floor, min(expected * MARGINS[0], declared) * (1 - 1e-12))


@settings(max_examples=40, deadline=None)
@given(RUNS, st.sampled_from([2, 4, 16]))
def test_a_step_of_another_scale_gets_a_size_of_that_scale(
    runs: list[Observation], factor: int
) -> None:
    """Twice the memory in all runs means twice the size: nothing but the least size is absolute."""
    scaled = [run._replace(peak_bytes=run.peak_bytes * factor) for run in runs]
    small, large = size_of(runs), size_of(scaled, 400 * GIB * factor)

    assert small == LEAST_BYTES or abs(large - factor * small) <= factor * MIB


@settings(max_examples=40, deadline=None)
@given(RUNS)
def test_the_same_rows_give_the_same_size(runs: list[Observation]) -> None:
    """No clock and no chance take part."""
    assert recommend(runs, 4 * GIB) == recommend(list(runs), 4 * GIB)


def test_a_declared_size_that_is_near_enough_is_kept() -> None:
    """A margin alone never asks for more than what is declared and was always enough."""
    found = recommend(runs_of([500, 300, 450, 250, 490, 350], declared=540 * MIB), 540 * MIB)

    assert found.memory_bytes <= 540 * MIB


def test_no_step_gets_less_than_64_mebibytes_unless_it_declares_less() -> None:
    """A peak of a few MiB is measured by chance; so small a size saves nothing."""
    tiny = [run._replace(duration_seconds=1.0) for run in runs_of([6, 9, 5, 8, 7, 10])]

    assert recommend(tiny, GIB).memory_bytes == 64 * MIB
    assert recommend(tiny, 32 * MIB).memory_bytes <= 32 * MIB
    assert "no step gets less than 64 MiB" in recommend(tiny, GIB).why


def test_input_size_is_used_where_it_explains_the_peak() -> None:
    """With input that is known beforehand, twice the volume gets twice the memory, and says so."""
    volumes = [3, 5, 2, 8, 4, 6, 9, 3, 7, 5, 4, 8, 6, 2, 5, 7]
    runs = [
        run._replace(input_bytes=volume * 10**9)
        for run, volume in zip(runs_of([volume * 200 for volume in volumes]), volumes, strict=True)
    ]
    small = recommend(runs, 64 * GIB, next_input=2 * 10**9)
    large = recommend(runs, 64 * GIB, next_input=16 * 10**9)

    assert small.by_input
    assert 400 * MIB <= small.memory_bytes <= 520 * MIB
    assert 3200 * MIB <= large.memory_bytes <= 4200 * MIB
    assert "its input explains the peak" in large.why


def test_input_size_is_ignored_where_it_explains_nothing() -> None:
    """A step whose peak has nothing to do with its input is sized by its largest peak."""
    inputs = [7, 1, 9, 3, 8, 2, 6, 4, 5, 9, 1, 7, 3, 8, 2, 6]
    runs = [
        run._replace(input_bytes=source * 10**9)
        for run, source in zip(steady(16), inputs, strict=True)
    ]

    assert not recommend(runs, 4 * GIB, next_input=10**9).by_input


def test_sizing_one_step_loads_no_table_library() -> None:
    """The process that starts steps sizes them without polars, which costs memory and time."""
    modules = ", ".join(
        f"stationmaster.ledger.sizing.{name}"
        for name in ("recommending", "applying", "cpu", "reading")
    )
    code = f"import sys, {modules}; sys.exit('polars' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
