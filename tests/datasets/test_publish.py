"""A partition is published exactly once, whole, by the newest attempt."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from polars.io.plugins import register_io_source

from stationmaster.step.errors import (
    ContractBrokenError,
    PartitionConflictError,
    StaleAttemptError,
    UpstreamUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.datasets.conftest import Desk

DAY = dt.date(2011, 11, 21)
NEXT = dt.date(2011, 11, 22)
UUID_EARLY = "01938a00-0000-7000-8000-000000000000"
UUID_LATE = "01938b00-0000-7000-8000-000000000000"


def test_what_was_published_is_read_back(desk: Desk) -> None:
    """A published partition reads back row for row, with its date, from a named snapshot."""
    written = desk.orders(7)
    output = desk.publish(written)
    read = desk.store.read("web_orders", DAY)
    assert read.frame.collect().drop("business_date").equals(written)
    assert read.ref.snapshot_id == output.snapshot_id
    assert (read.ref.rows, output.rows, output.already_published) == (7, 7, False)
    assert read.ref.bytes == output.bytes > 0


def test_staged_rows_are_invisible(desk: Desk) -> None:
    """No reader sees a partition before it is published."""
    staged = desk.stage(desk.orders(3))
    assert desk.store.business_dates("web_orders") == []
    with pytest.raises(UpstreamUnavailableError, match="expected a published partition 2011-11-21"):
        desk.store.read("web_orders", DAY)
    desk.store.publish(staged)
    assert desk.store.business_dates("web_orders") == [DAY]


def test_a_lost_acknowledgement_is_found_again(desk: Desk) -> None:
    """A try that has published is told so, and its second attempt changes nothing."""
    first = desk.publish(desk.orders(3))
    again = desk.publish(desk.orders(9, revenue="9.00"), attempt=2)
    assert again.already_published
    assert (again.snapshot_id, again.rows) == (first.snapshot_id, 3)
    assert desk.revenue() == ["1.00"]
    assert desk.store.published(desk.step(attempt=3), "web_orders") == again


def test_publishing_twice_is_publishing_once(desk: Desk) -> None:
    """The same staged partition published twice stays as it is."""
    staged = desk.stage(desk.orders(3))
    first, second = desk.store.publish(staged), desk.store.publish(staged)
    assert second == first.model_copy(update={"already_published": True})


def test_a_new_run_overwrites_the_partition(desk: Desk) -> None:
    """Running a pipeline again replaces the partition's rows and only those."""
    for day in (DAY, NEXT):
        desk.publish(desk.orders(5), business_date=day)
    desk.publish(desk.orders(2, revenue="2.00"), "r2")
    assert desk.revenue() == ["2.00"]
    assert desk.revenue(NEXT) == ["1.00"]
    through = desk.store.read("web_orders", NEXT, through=True)
    assert through.ref.rows == through.frame.collect().height == 7


def test_the_same_content_again_makes_no_snapshot(desk: Desk) -> None:
    """A run that brings identical rows is acknowledged and changes nothing for readers."""
    first = desk.publish(desk.orders(4, bad=1))
    second = desk.publish(desk.orders(4, bad=1), "r2")
    assert second.snapshot_id == first.snapshot_id
    assert not second.already_published
    assert desk.store.published(desk.step("r2"), "web_orders") is not None
    assert desk.store.read("web_orders", DAY).ref.snapshot_id == first.snapshot_id


def test_an_empty_partition_is_published_too(desk: Desk) -> None:
    """A day without rows counts as published and reads as no rows."""
    desk.publish(desk.orders(0))
    read = desk.store.read("web_orders", DAY)
    assert desk.store.business_dates("web_orders") == [DAY]
    assert read.frame.collect().schema == desk.contract.schema
    assert (read.frame.collect().height, read.ref.rows) == (0, 0)


def test_a_partition_can_become_empty(desk: Desk) -> None:
    """A run that finds no rows removes those of the run before."""
    desk.publish(desk.orders(4))
    desk.publish(desk.orders(0), "r2")
    assert desk.rows().height == 0


def test_a_read_keeps_its_snapshot(desk: Desk) -> None:
    """A frame read before a publish still gives the rows of before."""
    desk.publish(desk.orders(4))
    before = desk.store.read("web_orders", DAY)
    desk.publish(desk.orders(1, revenue="2.00"), "r2")
    assert before.frame.collect().height == 4
    assert desk.rows().height == 1


def test_two_runs_of_one_partition_conflict(desk: Desk) -> None:
    """Of two runs at once the second learns who was faster, and its retry ends right."""
    slow = desk.stage(desk.orders(2, revenue="2.00"), "slow")
    desk.publish(desk.orders(1), "fast")
    with pytest.raises(PartitionConflictError) as caught:
        desk.store.publish(slow)
    assert "a publish by run fast of morning (extract_web)" in str(caught.value)
    assert caught.value.exit_code == 75
    assert desk.revenue() == ["1.00"]
    desk.publish(desk.orders(2, revenue="2.00"), "slow", 2)
    assert desk.revenue() == ["2.00"]


def test_writers_of_other_partitions_do_not_disturb(desk: Desk) -> None:
    """Partitions staged side by side are all published, in whatever order."""
    days = [DAY + dt.timedelta(days=number) for number in range(5)]
    staged = [desk.stage(desk.orders(3), f"r{day}", business_date=day) for day in days]
    for one in reversed(staged):
        desk.store.publish(one)
    assert desk.store.business_dates("web_orders") == days
    assert [desk.rows(day).height for day in days] == [3] * 5


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"attempt": 1}, {"attempt": 2}),
        ({"number": 1, "attempt": 3}, {"number": 2, "attempt": 1}),
        # The run was deleted and made again: try 1 is the younger one, as its id tells.
        ({"number": 2, "try_id": UUID_EARLY}, {"number": 1, "try_id": UUID_LATE}),
    ],
)
def test_a_pod_given_up_for_lost_cannot_overwrite_its_successor(
    desk: Desk, old: dict[str, Any], new: dict[str, Any]
) -> None:
    """An older attempt is refused once its successor has published."""
    lost = desk.stage(desk.orders(1, revenue="6.66"), **old)
    desk.publish(desk.orders(3), **new)
    with pytest.raises(StaleAttemptError, match="Nothing needs doing: the newer attempt's result"):
        desk.store.publish(lost)
    assert desk.revenue() == ["1.00"]


def test_a_stale_attempt_learns_it_before_it_works(desk: Desk) -> None:
    """An older try is refused when it stages, not only when it publishes."""
    desk.publish(desk.orders(3), number=2)
    with pytest.raises(StaleAttemptError, match="try 1 attempt 1 after try 2 attempt 1"):
        desk.stage(desk.orders(3), number=1)


def test_publishing_removes_branches_of_older_tries_only(desk: Desk) -> None:
    """A publish takes its step's older branches of the partition along, and no living one."""
    desk.stage(desk.orders(1), "r1", 1)
    desk.stage(desk.orders(1), "r2")
    desk.stage(desk.orders(1), "r1", 1, business_date=NEXT, try_id="other-day")
    desk.publish(desk.orders(1), "r1", 2)
    table = desk.table()
    assert set(table.refs()) == {"main", "audit-2011-11-21-r2-1-0", "audit-2011-11-22-other-day-0"}


def test_snapshots_say_who_wrote_them(desk: Desk) -> None:
    """The snapshot a publish made names dataset, date, pipeline, run, try, attempt and shard."""
    output = desk.publish(desk.orders(1), "r7", 2, attempt=3)
    table = desk.table()
    snapshot = table.snapshot_by_id(output.snapshot_id or 0)
    assert snapshot is not None
    assert snapshot.summary is not None
    facts = {
        name: snapshot.summary.additional_properties[f"stationmaster.{name}"]
        for name in ("dataset", "business-date", "run-id", "try-id", "try-number", "attempt")
    }
    assert list(facts.values()) == ["web_orders", "2011-11-21", "r7", "r7-2", "2", "3"]


def test_one_try_may_stage_several_days(desk: Desk) -> None:
    """Days staged by one try before any is published do not get in each other's way."""
    staged = [
        desk.stage(desk.orders(2, revenue=f"{number}.00"), business_date=day)
        for number, day in enumerate((DAY, NEXT))
    ]
    for one in staged:
        desk.store.publish(one)
    assert (desk.revenue(DAY), desk.revenue(NEXT)) == (["0.00"], ["1.00"])


def test_a_lazy_frame_is_evaluated_once(desk: Desk) -> None:
    """Rows that are still to come are asked for once, and not at all for wrong columns."""
    asked: list[int] = []

    def rows(*_: object) -> Iterator[pl.DataFrame]:
        asked.append(1)
        for first in range(0, 300, 100):
            yield desk.orders(100, first=first)

    frame = register_io_source(rows, schema=desk.orders(0).schema)
    with pytest.raises(ContractBrokenError, match="with unknown surprise"):
        desk.stage(frame.with_columns(surprise=1))
    assert asked == []
    assert desk.publish(frame).rows == desk.rows().height == 300
    assert asked == [1]


def test_a_partition_of_several_row_groups_keeps_its_order(desk: Desk) -> None:
    """A big frame comes back in its order, and a key repeated far away is found."""
    count = 280_000
    number = pl.int_range(count).cast(pl.String)
    frame = pl.select(order_id=number).join(desk.orders(1).drop("order_id"), how="cross")
    output = desk.publish(pl.concat([frame, frame.head(1)]).lazy())
    assert output.quarantined_by_rule == {"key_unique": 1}
    assert desk.rows()["order_id"].equals(frame["order_id"])


def test_discarded_rows_never_appear(desk: Desk) -> None:
    """A discarded partition leaves no branch and nothing to read."""
    desk.store.discard(desk.stage(desk.orders(8, bad=1)))
    table = desk.table()
    assert set(table.refs()) == {"main"}
    assert desk.store.business_dates("web_orders") == []
