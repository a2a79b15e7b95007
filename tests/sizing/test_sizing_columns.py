"""What is expected of a run is the same in plain Python and in columns."""

from __future__ import annotations

from dataclasses import asdict
from itertools import pairwise
from math import isclose
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings

from stationmaster.ledger.sizing.columns import with_expectations
from stationmaster.ledger.sizing.history import expectations
from tests.sizing.runs import drawn_traces, history_of, runs_of

if TYPE_CHECKING:
    from stationmaster.ledger.sizing.observations import Observation


@settings(max_examples=60, deadline=None)
@given(drawn_traces())
def test_columns_say_what_plain_functions_say(trace: list[Observation]) -> None:
    """For each run of each step, both expect the same from the same past."""
    frame = with_expectations(history_of(trace))

    for task in sorted({run.task for run in trace}):
        plain = expectations([run for run in trace if run.task == task])[:-1]
        for row, expected in zip(frame.filter(task=task).iter_rows(named=True), plain, strict=True):
            for name, value in asdict(expected).items():
                found = row[name]
                assert (found is None) == (value is None), name
                assert value is None or isclose(found, value, rel_tol=1e-6, abs_tol=1e-9), name


def test_the_window_is_the_last_20_runs_or_14_days_whichever_holds_more() -> None:
    """A peak is forgotten when it is neither among the last 20 runs nor of the last 14 days."""
    daily = expectations(runs_of([100, *[10] * 40]))
    largest = [(each.largest or 0) / 2**20 for each in daily]

    assert largest[20] == pytest.approx(100)
    assert largest[21] == pytest.approx(95)
    hourly = [
        run._replace(submitted_at=run.submitted_at / 24) for run in runs_of([100, *[10] * 200])
    ]
    assert (expectations(hourly)[200].largest or 0) / 2**20 == pytest.approx(100)


def test_what_is_expected_grows_at_once_and_shrinks_slowly() -> None:
    """A larger peak counts from the next run on; a smaller past lets go by 5 % a run."""
    largest = [
        (each.largest or 0) / 2**20 for each in expectations(runs_of([100, 400, *[50] * 60]))
    ]

    assert largest[2] == pytest.approx(400)
    falls = [after / before for before, after in pairwise(largest[1:])]
    assert min(falls) >= 0.95 - 1e-9
    assert largest[-1] == pytest.approx(50)


def test_a_line_is_drawn_only_where_more_input_means_more_memory() -> None:
    """Where the peak falls with the input, or the input never changes, no line is followed."""
    rising = [run._replace(input_bytes=run.peak_bytes * 3) for run in runs_of(range(100, 140))]
    falling = [run._replace(input_bytes=10**9 - run.peak_bytes) for run in rising]
    same = [run._replace(input_bytes=10**9) for run in rising]

    assert expectations(rising, 10**9)[-1].line is not None
    assert expectations(falling, 10**9)[-1].line is None
    assert expectations(same, 10**9)[-1].line is None
