"""Maintenance removes what nobody needs, and nothing else."""

from __future__ import annotations

import datetime as dt
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import polars as pl
import pytest
from pydantic import ValidationError

from stationmaster.step.datasets.maintaining import MaintenancePolicy
from stationmaster.step.errors import StaleAttemptError, TemporaryError

if TYPE_CHECKING:
    from pathlib import Path

    from stationmaster.step.datasets.maintaining import MaintenanceReport
    from tests.datasets.conftest import Desk

DAY = dt.date(2011, 11, 21)


def _in_ten_days() -> dt.datetime:
    return dt.datetime.now(dt.UTC) + dt.timedelta(days=10)


def _maintain(desk: Desk, now: dt.datetime | None = None) -> MaintenanceReport:
    reports = desk.store.maintain(MaintenancePolicy(max_manifests=3), now=now)
    return next(report for report in reports if report.table == "stationmaster.web_orders")


def _data_files(desk: Desk) -> list[Path]:
    return sorted((desk.settings.home / "warehouse").rglob("*.parquet"))


def _shards(desk: Desk, rows: int = 3) -> None:
    for index in range(4):
        shard = {"index": index, "count": 4}
        desk.publish(desk.orders(rows, first=index * rows), "sharded", shard=shard)


def test_old_snapshots_go_with_their_files(desk: Desk) -> None:
    """Of a partition published five times one snapshot and one data file are left."""
    for number in range(5):
        desk.publish(desk.orders(4, revenue=f"{number}.00"), f"r{number}")
    report = _maintain(desk, _in_ten_days())
    assert report.snapshots_expired >= 5
    assert len(_data_files(desk)) == 1
    assert desk.revenue() == ["4.00"]
    assert len(desk.table().snapshots()) == 1


def test_young_snapshots_stay_readable(desk: Desk) -> None:
    """A frame that was read before a publish still gives its rows after maintenance."""
    desk.publish(desk.orders(4))
    before = desk.store.read("web_orders", DAY)
    desk.publish(desk.orders(1), "r2")
    assert _maintain(desk).snapshots_expired == 0
    assert before.frame.collect().height == 4


def test_an_old_snapshot_that_was_current_until_now_stays(desk: Desk) -> None:
    """Of a table not written for weeks, what readers read a minute ago is not taken away."""
    desk.publish(desk.orders(4))
    before = desk.store.read("web_orders", DAY)
    time.sleep(0.5)
    barrier = dt.datetime.now(dt.UTC)
    desk.publish(desk.orders(1), "r2")
    # Seven days after the barrier the first snapshot is old, but was replaced after it.
    desk.store.maintain(now=barrier + dt.timedelta(days=7))
    assert before.frame.collect().height == 4


def test_writers_go_on_during_maintenance(desk: Desk) -> None:
    """Twelve days are published while maintenance runs all the time: none is lost or harmed."""
    days = [DAY + dt.timedelta(days=number) for number in range(12)]
    policy = MaintenancePolicy(branch_hours=1e6, orphan_hours=1e6, max_manifests=2)
    with ThreadPoolExecutor(2) as pool:
        written = [
            pool.submit(desk.publish, desk.orders(3), f"r{day}", business_date=day) for day in days
        ]
        while not all(one.done() for one in written):
            desk.store.maintain(policy, now=_in_ten_days())
    assert [one.result().rows for one in written] == [3] * 12
    assert [desk.rows(day).height for day in days] == [3] * 12


def test_acknowledgements_outlive_snapshots(desk: Desk) -> None:
    """A try that published, and the fence against older ones, survive the expiry."""
    desk.publish(desk.orders(4), number=2)
    desk.publish(desk.orders(0), number=2, business_date=DAY + dt.timedelta(days=1))
    _maintain(desk, _in_ten_days())
    assert desk.publish(desk.orders(9), number=2, attempt=2).already_published
    with pytest.raises(StaleAttemptError):
        desk.publish(desk.orders(9), number=1)
    assert len(desk.store.business_dates("web_orders")) == 2


def test_keeping_snapshots_for_less_than_a_day_is_refused() -> None:
    """A policy that takes snapshots from under running steps cannot be made."""
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        MaintenancePolicy(keep_days=0.5)


def test_orphans_go_when_they_are_old(desk: Desk) -> None:
    """A file no snapshot knows is removed at its age, not before."""
    desk.publish(desk.orders(4))
    orphan = _data_files(desk)[0].with_name("orphan.parquet")
    orphan.write_bytes(b"left by a killed writer")
    assert _maintain(desk).files_removed == 0
    old = (dt.datetime.now(dt.UTC) - dt.timedelta(hours=30)).timestamp()
    os.utime(orphan, (old, old))
    assert _maintain(desk).files_removed == 1
    assert not orphan.exists()
    assert desk.rows().height == 4


def test_a_living_branch_is_left_alone(desk: Desk) -> None:
    """What was staged an hour ago can still be published after maintenance."""
    staged = desk.stage(desk.orders(4))
    assert _maintain(desk).branches_removed == 0
    assert desk.store.publish(staged).rows == 4


def test_a_dead_branch_goes_with_its_files(desk: Desk) -> None:
    """What was staged ten days ago and never published is removed; who comes late is told."""
    desk.publish(desk.orders(1), "other")
    staged = desk.stage(desk.orders(4), "dead")
    report = _maintain(desk, _in_ten_days())
    assert report.branches_removed == 1
    assert len(_data_files(desk)) == 1
    with pytest.raises(TemporaryError, match="audit branch audit-2011-11-21-dead-1-0, got none"):
        desk.store.publish(staged)


def test_small_files_become_one(desk: Desk) -> None:
    """A partition of four shards' files gets one file; rows, record and fence stay."""
    _shards(desk)
    before = desk.rows().sort("order_id")
    record = desk.store.published(desk.step("sharded"), "web_orders")
    report = _maintain(desk, _in_ten_days())
    assert report.partitions_compacted == 1
    assert len(_data_files(desk)) == 1
    assert desk.rows().sort("order_id").equals(before)
    after = desk.store.published(desk.step("sharded"), "web_orders")
    assert record is not None
    assert after is not None
    assert (after.rows, after.already_published) == (record.rows, True)
    assert after.snapshot_id == desk.table().metadata.current_snapshot_id


def test_a_step_that_began_before_compaction_publishes_after_it(desk: Desk) -> None:
    """Compaction is no publish: it is never the reason for a conflict."""
    _shards(desk)
    staged = desk.stage(desk.orders(2, revenue="2.00"), "next")
    policy = MaintenancePolicy(compact_after_days=0)
    assert desk.store.maintain(policy)[0].partitions_compacted == 1
    desk.store.publish(staged)
    assert desk.revenue() == ["2.00"]
    assert desk.rows().height == 2


def test_manifests_are_merged(desk: Desk) -> None:
    """Thirty days leave thirty manifests; maintenance makes them few, and all days still read."""
    days = [DAY + dt.timedelta(days=number) for number in range(6)]
    for day in days:
        desk.publish(desk.orders(2), f"r{day}", business_date=day)
    assert _maintain(desk).manifests_merged > 0
    table = desk.table()
    snapshot = table.current_snapshot()
    assert snapshot is not None
    assert len(snapshot.manifests(table.io)) <= 3
    through = desk.store.read("web_orders", days[-1], through=True).frame
    assert through.select(pl.len()).collect().item() == 12
    desk.publish(desk.orders(1), "again", business_date=days[2])
    assert [desk.rows(day).height for day in days] == [2, 2, 1, 2, 2, 2]


def test_maintaining_twice_changes_nothing_more(desk: Desk) -> None:
    """A second maintenance right after the first finds nothing to do."""
    _shards(desk)
    desk.publish(desk.orders(4, bad=1), "r2")
    now = _in_ten_days()
    desk.store.maintain(now=now)
    again = desk.store.maintain(now=now)
    assert {sum(report.model_dump(exclude={"table"}).values()) for report in again} == {0}
