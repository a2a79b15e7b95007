"""What steps teach one another is the same whether columns or plain Python find it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from stationmaster.ledger.sizing.fleet import recommend_all
from stationmaster.ledger.sizing.learning import choosing_runs, pool_of
from stationmaster.ledger.sizing.margins import Pool
from tests.sizing.runs import drawn_traces, history_of, steady

if TYPE_CHECKING:
    from stationmaster.ledger.sizing.observations import Observation


def steps_of(trace: list[Observation]) -> list[list[Observation]]:
    """Return the runs of each step of a history."""
    names = sorted({run.task for run in trace})
    return [[run for run in trace if run.task == name] for name in names]


def counts(pool: Pool) -> tuple[object, ...]:
    """Return all that a pool has counted; classes without a run are not there."""
    classes = (pool.largest, pool.line)
    passed = [{cell: runs for cell, runs in each.runs.items() if runs} for each in classes]
    return passed, pool.largest.counts, pool.line.counts, pool.sized_runs, pool.out_of_memory


@settings(max_examples=60, deadline=None)
@given(drawn_traces())
def test_a_book_learns_what_a_fleet_learns(trace: list[Observation]) -> None:
    """Whoever starts steps knows of others what `sizes show` knows, without data frames."""
    wanted = recommend_all(history_of(trace)).pool
    found = pool_of(steps_of(trace))
    assert counts(found) == counts(wanted)
    assert found.byte_seconds == pytest.approx(wanted.byte_seconds)


def test_nothing_is_learnt_from_nothing() -> None:
    """Without steps, or with steps too young to be sized, the formula stands alone."""
    assert counts(pool_of([])) == counts(pool_of([steady(2)])) == counts(Pool())


def test_margins_are_chosen_at_fewer_and_fewer_runs() -> None:
    """A step of 400 runs is chosen for thirty times."""
    chosen = choosing_runs(400)
    assert chosen[:4] == [3, 4, 5, 6]
    assert len(chosen) == 30


def test_learning_needs_no_data_frames() -> None:
    """The launcher learns in its own process, in an image that has no polars."""
    script = "import sys, stationmaster.ledger.sizing.learning; print('polars' in sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == "False"
