"""One shard may write the whole partition for all; nothing is judged by a part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stationmaster.step.contracts import Contract
from stationmaster.step.datasets import Store
from stationmaster.step.errors import ContractBrokenError
from stationmaster.step.portion import Portion
from stationmaster.step.settings import Settings
from tests.datasets.conftest import CONTRACT, Desk

if TYPE_CHECKING:
    from pathlib import Path

    from stationmaster.step.datasets import Staged


@pytest.fixture(name="desk")
def _desk(tmp_path: Path) -> Desk:
    """Return a store on a new sqlite catalog, in the test's folder."""
    settings = Settings(home=tmp_path / "home")
    return Desk(settings, Store.open(settings), Contract.load(CONTRACT))


def stage(  # noqa: PLR0913 (which part, and what is in it)
    desk: Desk, index: int, portion: Portion, *, rows: int = 4, bad: int = 0, attempt: int = 1
) -> Staged:
    """Stage what a shard of three has: its own orders, or all of them."""
    first = 0 if portion is Portion.WHOLE else index * 10
    shard = {"index": index, "count": 3}
    context = desk.step(shard=shard, attempt=attempt)
    frame = desk.orders(rows, first=first, bad=bad)
    return desk.store.stage(context, desk.contract, frame, portion=portion)


def test_the_whole_is_published_without_the_other_parts(desk: Desk) -> None:
    """A whole by one shard stands for all, whatever the others have staged."""
    stage(desk, 0, Portion.UNCHECKED)
    stage(desk, 1, Portion.UNCHECKED)
    stage(desk, 2, Portion.UNCHECKED)
    output = desk.store.publish(stage(desk, 1, Portion.WHOLE, rows=12, bad=1))

    assert (output.rows, output.staged, desk.rows().height) == (11, False, 11)
    assert desk.quarantine().height == 1
    assert set(desk.table().refs()) == {"main"}
    assert set(desk.table("stationmaster_quarantine.web_orders").refs()) == {"main"}


def test_two_that_write_the_whole_do_no_harm(desk: Desk) -> None:
    """Both saw all shares: the first publishes, the second is told, whatever their attempts."""
    staged = [stage(desk, 0, Portion.WHOLE, attempt=2), stage(desk, 2, Portion.WHOLE)]
    outputs = [desk.store.publish(one) for one in staged]

    assert [output.already_published for output in outputs] == [False, True]
    assert desk.rows().height == 4
    assert set(desk.table().refs()) == {"main"}


def test_a_first_attempt_that_ends_after_anothers_second_is_told(desk: Desk) -> None:
    """Attempts are counted by shard: a slow shard is not stale for another one's retry."""
    slow = stage(desk, 0, Portion.OWN)
    stage(desk, 1, Portion.OWN)
    assert not desk.store.publish(stage(desk, 2, Portion.OWN, attempt=2)).already_published

    assert desk.store.publish(slow).already_published
    assert desk.rows().height == 12


def test_parts_that_were_not_checked_are_checked_to_be_published(desk: Desk) -> None:
    """A key in two parts is found at the latest by whoever publishes them."""
    stage(desk, 0, Portion.UNCHECKED)
    stage(desk, 1, Portion.UNCHECKED, rows=14)
    last = stage(desk, 2, Portion.UNCHECKED)

    with pytest.raises(ContractBrokenError, match="Shards must split the work"):
        desk.store.publish(last)
    assert desk.store.business_dates("web_orders") == []


def test_bad_rows_are_a_share_of_all_parts(desk: Desk) -> None:
    """One part that is all bad is no broken contract while the day as a whole keeps it."""
    stage(desk, 0, Portion.OWN, rows=10)
    stage(desk, 1, Portion.OWN, rows=3, bad=3)
    output = desk.store.publish(stage(desk, 2, Portion.OWN, rows=10))

    assert (output.rows, output.quarantined_rows) == (20, 3)


def test_too_many_bad_rows_in_all_parts_are_refused(desk: Desk) -> None:
    """The contract's share is that of the day, told by whoever sees all parts."""
    stage(desk, 0, Portion.OWN, rows=10, bad=5)
    stage(desk, 1, Portion.OWN, rows=10, bad=5)

    with pytest.raises(ContractBrokenError, match=r"33\.3%: 10 of 30"):
        stage(desk, 2, Portion.OWN, rows=10)
    assert desk.store.business_dates("web_orders") == []
