"""What an attempt costs, and what of it was for what."""

from __future__ import annotations

import pytest

from stationmaster.ledger.cost.splitting import Split, cost_of
from stationmaster.ledger.cost.uses import held
from stationmaster.ledger.cost.weights import CPU_WEIGHT, GIB, MEMORY_WEIGHT, rates_of
from tests.cost.simulated import life, use

NODE = life("a", 0, 7200)


def test_a_nodes_cores_and_memory_cost_it_together() -> None:
    """CPU and memory keep OpenCost's ratio, and their sum is the node's price."""
    rates = rates_of(0.096, 2000, 8 * GIB)

    assert rates.of(2, 8) == pytest.approx(0.096)
    assert rates.per_core_hour / rates.per_gib_hour == pytest.approx(CPU_WEIGHT / MEMORY_WEIGHT)
    with pytest.raises(ValueError, match="without CPU"):
        rates_of(0.1, 0, 0)


def test_an_hour_of_a_whole_node_costs_the_node() -> None:
    """Half used is half useful, half slack; the minutes before the process are start-up."""
    asked = {"asked_cpu_millicores": 2000, "asked_memory_bytes": 8 * GIB}
    used = {"cpu_seconds": 3240.0, "wall_seconds": 3240.0, "peak_memory_bytes": 4 * GIB}

    split = cost_of(use(NODE, (0, 360, 3600), **asked, **used))

    assert split is not None
    assert split.total == pytest.approx(0.096)
    assert split.start_up == pytest.approx(0.0096)
    assert split.useful == pytest.approx(split.slack) == pytest.approx(0.0432)


def test_usage_above_the_request_is_paid() -> None:
    """A step that asks for little and takes much pays what it takes, and has no slack."""
    split = cost_of(
        use(NODE, (0, 0, 3600), asked_cpu_millicores=100, cpu_seconds=7200.0, peak_memory_bytes=0)
    )

    assert split is not None
    assert split.useful == pytest.approx(2 * rates_of(0.096, 2000, 8 * GIB).per_core_hour)
    assert split.slack == pytest.approx(0.0)


@pytest.mark.parametrize("verdict", ["out_of_memory", "evicted", "step_failed", "unknown"])
def test_what_did_not_succeed_is_the_price_of_retries(verdict: str) -> None:
    """All of it, its start-up too."""
    split = cost_of(use(NODE, (0, 60, 120), verdict=verdict, asked_cpu_millicores=1000))

    assert split is not None
    assert split.retries == split.total > 0


@pytest.mark.parametrize(
    ("known", "says"),
    [
        ({"finished_at": None}, "goes on"),
        ({"kind": "process"}, "local process"),
        ({"node_price_per_hour": None, "price_note": "Gone."}, "Gone."),
        ({"node_price_per_hour": None}, "was not read"),
        ({"node_cpu_millicores": None, "node_memory_bytes": None}, "size of its node"),
    ],
)
def test_what_has_no_price_says_why(known: dict[str, object], says: str) -> None:
    """No cost is not a cost of 0."""
    unpriced = use(NODE, (0, 60, 120), **known)

    assert cost_of(unpriced) is None
    assert says in unpriced.why_unpriced


def test_an_attempt_that_never_had_a_node_costs_nothing() -> None:
    """An image that could not be named, or a pod that no node took, is free."""
    waited = use(NODE, (0, 0, 60), scheduled_at=None, started_at=None, verdict="unschedulable")

    assert cost_of(waited) == Split()


def test_what_was_not_measured_claims_no_slack() -> None:
    """A foreign image that says nothing counts as using what it asked for."""
    split = cost_of(use(NODE, (0, 0, 60), asked_cpu_millicores=500, asked_memory_bytes=GIB))

    assert split is not None
    assert split.slack == pytest.approx(0.0)
    assert split.useful == split.total


def test_no_time_is_negative() -> None:
    """An end before the start, by clocks of two machines, is a span of nothing."""
    span = held(use(NODE, (100, 60, 30)))

    assert span is not None
    assert span.start == span.running == span.end
