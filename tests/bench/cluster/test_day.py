"""The plain functions of the day on Karpenter's nodes: curve, samples, bill, picture."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.ledger.fanout import MOST_SHARDS
from tests.bench.cluster.day_bill import (
    bill_of,
    empty_node_minutes,
    percentile,
    price_of,
    seconds_until,
)
from tests.bench.cluster.day_curve import HOURS, conf_of, orders_at, work_of
from tests.bench.cluster.day_figures import burst_figures, scaling, waits_of
from tests.bench.cluster.day_picture import picture, rows_of
from tests.bench.cluster.day_samples import (
    Claim,
    Claims,
    Sample,
    read_samples,
    sample_of,
    write_samples,
)

if TYPE_CHECKING:
    from pathlib import Path

NOON = dt.datetime(2011, 11, 22, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
PRICES = {"m6a.xlarge": 0.1728}
BOUGHT = Claim("steps-1", "m6a.xlarge", "spot", "us-east-1a", NOON)


def sample(second: float, **seen: Any) -> Sample:  # noqa: ANN401 (any field)
    """Return a sample in which nothing is there, save what is given."""
    nothing = {"pending": 0, "running": 0, "booting": 0, "nodes": 0, "empty": 0}
    fields = {"hour": second / 100, "orders": 10_000, "usd_per_hour": 0.0, "types": ""}
    return Sample(**{"second": second, **fields, **nothing, **seen})


def claim(name: str) -> dict[str, Any]:
    """Return a NodeClaim as the API tells it."""
    labels = {
        "node.kubernetes.io/instance-type": "m6a.xlarge",
        "karpenter.sh/capacity-type": "spot",
        "topology.kubernetes.io/zone": "us-east-1a",
    }
    created = "2011-11-22T12:00:00Z"
    return {"metadata": {"name": name, "uid": name, "creationTimestamp": created, "labels": labels}}


def pod(phase: str, node: str | None = None) -> dict[str, Any]:
    """Return a step's pod."""
    return {"spec": {"nodeName": node} if node else {}, "status": {"phase": phase}}


def node(name: str, ready: str) -> dict[str, Any]:
    """Return a node."""
    conditions = [{"type": "Ready", "status": ready}]
    return {"metadata": {"name": name}, "status": {"conditions": conditions}}


@given(st.floats(min_value=0, max_value=HOURS))
def test_orders_stay_between_night_and_noon(hour: float) -> None:
    """The curve is a bell around noon, the same on both sides."""
    assert 10_000 <= orders_at(hour) <= 500_000
    assert orders_at(hour) == pytest.approx(orders_at(HOURS - hour), abs=2)


def test_the_day_goes_from_2_containers_to_50_and_back() -> None:
    """Extracts and merge have 2 shards at night and 50 at noon, by the product's rule."""
    for hour, shards in ((0, 2), (12, MOST_SHARDS), (23, 2)):
        work = work_of(orders_at(hour))
        assert work["extract_web"].shards + work["extract_app"].shards == shards
        assert work["merge_customers"].shards == shards


@given(st.integers(min_value=10_000, max_value=500_000), st.floats(min_value=10, max_value=100))
def test_a_run_fits_its_hour(orders: int, hour: float) -> None:
    """The slowest extract, the slowest merge and the report leave a third of the hour."""
    work = work_of(orders, hour)
    extract = max(work["extract_web"].at_most, work["extract_app"].at_most)
    whole = extract + work["merge_customers"].at_most + work["report_morning"].at_most
    assert whole <= hour * 0.67
    assert conf_of(work)["merge_customers"]["shards"] == work["merge_customers"].shards


def test_the_day_has_no_hour_25() -> None:
    """An hour outside the day is refused."""
    with pytest.raises(ValueError, match="from 0 to 24, got 25"):
        orders_at(25)


def test_a_machine_is_paid_from_its_claim_to_the_middle_of_two_looks() -> None:
    """A claim that a look misses ended between the two; its bill is time by price."""
    claims = Claims()
    assert [each.name for each in claims.look([claim("a"), claim("b")], NOON + MINUTE)] == [
        *("a", "b"),
    ]
    claims.look([claim("b")], NOON + 3 * MINUTE)

    ends = {each.name: each.ended for each in claims.known.values()}
    assert ends == {"a": NOON + 2 * MINUTE, "b": None}
    bill = bill_of(claims.known.values(), PRICES, NOON + 10 * MINUTE)
    assert bill == pytest.approx((2 + 10) / 60 * 0.1728 * 0.35)


def test_a_claim_without_a_machine_costs_nothing_yet() -> None:
    """Before Karpenter has chosen a machine there is nothing to pay."""
    asked = {**claim("a")}
    asked["metadata"] = {**asked["metadata"], "labels": {}}
    assert Claims().look([asked], NOON) == []


def test_spot_costs_the_stated_share() -> None:
    """On-demand is the table's price, spot 35 % of it."""
    steady = Claim("s", "m6a.xlarge", "on-demand", "us-east-1a", NOON)
    assert price_of(steady, PRICES) == 0.1728
    assert price_of(BOUGHT, PRICES) == pytest.approx(0.06048)


def test_a_look_counts_what_waits_runs_boots_and_idles() -> None:
    """Ended pods hold no place; a node that is not ready boots; one without a pod is empty."""
    pods = [pod("Pending"), pod("Running", "a"), pod("Succeeded", "b")]
    nodes = [node("a", "True"), node("b", "True"), node("c", "False")]
    found = sample_of(5, (0.05, 10_000), pods, nodes, [(BOUGHT, 0.06)] * 3)

    assert (found.pending, found.running, found.containers) == (1, 1, 2)
    assert (found.nodes, found.empty, found.booting) == (2, 1, 1)
    assert found.usd_per_hour == 0.18
    assert found.types == "3 m6a.xlarge spot"


def test_samples_survive_their_file(tmp_path: Path) -> None:
    """What is written is what is read."""
    samples = [sample(0), sample(2, running=3, nodes=1, types="1 m6a.xlarge spot; 2 c5.large spot")]
    write_samples(tmp_path / "day.csv", samples)
    assert read_samples(tmp_path / "day.csv") == samples


def test_scaling_is_read_from_the_samples() -> None:
    """The most at once, the time from noon until 50 run, and minutes of empty nodes."""
    samples = [
        sample(0, running=2, nodes=1),
        sample(1200, running=20, pending=30, nodes=20),
        sample(1240, running=50, nodes=50, empty=10),
        sample(1300, nodes=4, empty=4),
        sample(1360),
    ]
    found = scaling(samples)
    assert found["containers"]["most"] == 50
    assert (found["nodes"]["most"], found["nodes"]["end"]) == (50, 0)
    assert found["noon_until_50_run_s"] == 40
    assert found["empty_node_minutes"] == pytest.approx((10 * 60 + 4 * 60) / 60)
    assert empty_node_minutes(samples) == 14
    assert seconds_until(samples, 1250, 50) is None


def test_a_burst_is_timed_from_its_trigger() -> None:
    """Until 50 run, until the work is done, and until no machine is paid."""
    samples = [
        sample(100, pending=50),
        sample(140, running=50, nodes=50, usd_per_hour=3.0),
        sample(180, running=1, nodes=50, usd_per_hour=3.0),
        sample(240, nodes=10, usd_per_hour=0.6),
        sample(250),
    ]
    found = burst_figures(samples, 98)
    assert (found["until_50_run_s"], found["work_s"]) == (42, 82)
    assert found["last_container_to_no_node_s"] == 60
    assert found["usd"] == pytest.approx((40 + 60) / 3600 * 3 + 10 / 3600 * 0.6, abs=1e-4)


@given(st.lists(st.floats(min_value=0, max_value=1e6), min_size=1))
def test_percentiles_are_values_in_order(values: list[float]) -> None:
    """A percentile is one of the values, and a larger share is no smaller."""
    found = [percentile(values, share) for share in (0, 0.5, 0.95, 1)]
    assert set(found) <= set(values)
    assert all(one <= two for one, two in pairwise(found))


def test_waits_are_told_apart() -> None:
    """Who found room is counted apart from who waited for a node; none is no row."""
    assert waits_of([1.0, 2.0, 40.0]) == {
        "all": {"pods": 3, "p50": 2.0, "p95": 40.0},
        "with_room": {"pods": 2, "p50": 2.0, "p95": 2.0},
        "for_a_node": {"pods": 1, "p50": 40.0, "p95": 40.0},
    }
    assert "for_a_node" not in waits_of([1.0])
    with pytest.raises(ValueError, match="expected values, got none"):
        percentile([], 0.5)


def test_the_picture_stacks_what_was_seen() -> None:
    """Areas end where the samples say; what comes an hour after the day is left out."""
    seen = {"running": 5, "pending": 2, "nodes": 4, "empty": 1, "booting": 2, "usd_per_hour": 0.4}
    [row] = rows_of([sample(1200, **seen), sample(1202), sample(2600)])
    assert (row["running"], row["containers"]) == (5, 7)
    assert (row["busy"], row["ready"], row["machines"]) == (3, 4, 6)


def test_the_picture_names_its_money() -> None:
    """The heading says what the nodes and the fixed fleet cost, and what is saved."""
    fleet = {"m6a.xlarge": {"bill": 4.0, "usd_per_hour": 6.0}}
    figures = {
        "hour_seconds": 100.0,
        "containers": {"most": 50},
        "nodes": {"most": 17},
        "money_usd": {"nodeclaims_bill": 1.0, "all_on-demand": 3.0, "fixed_fleet": fleet},
    }
    drawn = picture([sample(0), sample(600), sample(1200, running=50)], figures)
    heading = " ".join(drawn["title"]["subtitle"])
    assert "in 40 minutes" in heading
    assert "1.00 USD" in heading
    assert "4.00: 75% less; 25% less without spot" in heading
    assert len(drawn["vconcat"]) == 4
