"""CPU follows what runs used, and what they were kept from using."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stationmaster.ledger.sizing.cpu import recommend_cpu
from stationmaster.ledger.sizing.recommending import Limits
from tests.sizing.runs import steady

if TYPE_CHECKING:
    from stationmaster.ledger.sizing.observations import Observation


def busy(cores: list[float], *, throttled: float = 0.0, asked: int = 1000) -> list[Observation]:
    """Return a run of ten minutes for each number of cores."""
    return [
        run._replace(
            cpu_seconds=used * 600, throttled_seconds=throttled * 600, requested_millicores=asked
        )
        for run, used in zip(steady(len(cores)), cores, strict=True)
    ]


def test_the_request_covers_95_of_100_runs() -> None:
    """One run in twenty that used far more does not set the request."""
    found = recommend_cpu(busy([*[0.4] * 19, 3.0]), 2000, Limits())

    assert found.millicores == 400
    assert "400m cover 95 of 100 of the last 20 runs" in found.why


def test_a_throttled_step_gets_half_as_much_again() -> None:
    """What was held back could not show what it needs."""
    found = recommend_cpu(busy([0.98] * 10, throttled=0.2), 1000, Limits())

    assert found.millicores == 1500
    assert "10 were throttled at 1000m" in found.why


@pytest.mark.parametrize(
    "runs",
    [
        steady(30),
        busy([0.5] * 4),
        [run._replace(duration_seconds=0.5) for run in busy([0.5] * 30)],
        [run._replace(cpu_seconds=-1.0) for run in busy([0.5] * 30)],
    ],
    ids=["unmeasured", "too few", "too short", "absurd"],
)
def test_what_was_not_measured_changes_nothing(runs: list[Observation]) -> None:
    """The declared request stays until five runs tell."""
    assert recommend_cpu(runs, 750, Limits()).millicores == 750


def test_the_largest_node_and_the_smallest_request_bound_it() -> None:
    """An idle step still gets 25m; no step gets more than a node has."""
    assert recommend_cpu(busy([0.0001] * 9), 1000, Limits()).millicores == 25
    assert recommend_cpu(busy([90.0] * 9), 1000, Limits(node_millicores=8000)).millicores == 8000
