"""The shards of a step stage side by side; one commit makes them the partition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stationmaster.step.datasets.branches import publish_part
from stationmaster.step.datasets.tableat import TableAt
from stationmaster.step.errors import ContractBrokenError, StaleAttemptError

if TYPE_CHECKING:
    from stationmaster.step.datasets import Staged
    from tests.datasets.conftest import Desk


def _stage(desk: Desk, index: int, *, attempt: int = 1, first: int | None = None) -> Staged:
    start = index * 10 if first is None else first
    shard = {"index": index, "count": 3}
    return desk.stage(desk.orders(10, first=start, bad=index), attempt=attempt, shard=shard)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_the_last_shard_publishes_for_all(desk: Desk, order: tuple[int, ...]) -> None:
    """In whatever order shards end, readers see nothing until all are there, then everything."""
    outputs = [desk.store.publish(_stage(desk, index)) for index in order]
    assert [output.staged for output in outputs] == [True, True, False]
    assert outputs[-1].rows == desk.rows().height == 27
    assert outputs[-1].quarantined_by_rule == {"items_cover_lines": 3}
    assert desk.quarantine().height == 3
    assert set(desk.table().refs()) == {"main"}


def test_nothing_is_visible_before_the_last_shard(desk: Desk) -> None:
    """Two of three shards are no partition."""
    for index in range(2):
        desk.store.publish(_stage(desk, index))
    assert desk.store.business_dates("web_orders") == []


def test_shards_that_all_see_all_do_no_harm(desk: Desk) -> None:
    """Every shard may publish after all have staged: the first does, the others are told."""
    staged = [_stage(desk, index) for index in range(3)]
    outputs = [desk.store.publish(one) for one in staged]
    assert [output.already_published for output in outputs] == [False, True, True]
    assert {output.rows for output in outputs} == {27}
    assert desk.rows().height == 27


def test_a_retried_shard_replaces_only_its_own_part(desk: Desk) -> None:
    """A shard's second attempt takes the place of its first; the lost first one is refused."""
    _stage(desk, 0)
    _stage(desk, 1, attempt=2)
    with pytest.raises(StaleAttemptError, match="attempt 1 after attempt 2 had staged"):
        _stage(desk, 1, attempt=1)
    desk.store.publish(_stage(desk, 2))
    assert desk.rows().height == 27


def test_a_shard_that_comes_again_after_the_publish_is_told(desk: Desk) -> None:
    """A shard whose acknowledgement got lost finds the partition published."""
    for index in range(3):
        desk.store.publish(_stage(desk, index))
    again = desk.store.publish(_stage(desk, 1, attempt=2))
    assert (again.already_published, again.rows) == (True, 27)
    assert set(desk.table().refs()) == {"main"}


def test_a_kill_between_quarantine_and_rows_leaves_no_branch(desk: Desk) -> None:
    """The next attempt of the shard that was about to publish ends what it had begun."""
    staged = [_stage(desk, index) for index in range(3)]
    at = TableAt(desk.store.catalog, ("stationmaster_quarantine", "web_orders"), {})
    assert staged[2].quarantine is not None
    publish_part(at, staged[2].quarantine)
    output = desk.store.publish(_stage(desk, 2, attempt=2))
    assert (output.rows, desk.rows().height, desk.quarantine().height) == (27, 27, 3)
    assert set(desk.table("stationmaster_quarantine.web_orders").refs()) == {"main"}


def test_a_key_in_two_shards_is_found(desk: Desk) -> None:
    """Shards that overlap are stopped before anything is published."""
    _stage(desk, 0)
    _stage(desk, 1)
    with pytest.raises(ContractBrokenError, match="Shards must split the work") as caught:
        _stage(desk, 2, first=13)
    assert "expected one row for each order_id, got" in str(caught.value)
    assert desk.store.business_dates("web_orders") == []
