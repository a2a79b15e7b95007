"""Keep tables small: drop what no reader and no retry needs any more."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field
from pyiceberg.table.update.snapshot import ExpireSnapshots, ManageSnapshots

from stationmaster.step.datasets.committing import FencedTransaction, retried
from stationmaster.step.datasets.compacting import compact_partitions, merge_manifests
from stationmaster.step.datasets.files import delete_files, reachable, stored_files
from stationmaster.step.datasets.staged import BRANCH_PREFIX

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from stationmaster.step.datasets.tableat import TableAt

__all__ = ["MaintenancePolicy", "MaintenanceReport", "expire", "maintain_table"]


class MaintenancePolicy(BaseModel):
    """Say how long what is kept."""

    model_config = ConfigDict(frozen=True)

    keep_days: float = Field(
        default=7, ge=1, description="Snapshots younger than this can still be read."
    )
    branch_hours: float = Field(
        default=24, ge=1, description="Audit branches older than this belong to no living step."
    )
    orphan_hours: float = Field(
        default=24,
        ge=1,
        description="Files nothing refers to are removed at this age; longer than any step runs.",
    )
    compact_after_days: float = Field(
        default=2, ge=0, description="Partitions published longer ago get one file of several."
    )
    max_manifests: int = Field(default=20, ge=1, description="More than this are merged.")


class MaintenanceReport(BaseModel):
    """Say what maintenance did to one table."""

    model_config = ConfigDict(frozen=True)

    table: str
    branches_removed: int
    partitions_compacted: int
    manifests_merged: int
    snapshots_expired: int
    files_removed: int

    @property
    def changed(self) -> bool:
        """Tell whether there was anything to do."""
        return any(self.model_dump(exclude={"table"}).values())

    def sentence(self) -> str:
        """Return what was done, for logs and notes."""
        return (
            f"{self.table}: {self.snapshots_expired} snapshots expired, {self.files_removed} "
            f"files removed, {self.partitions_compacted} partitions compacted, "
            f"{self.manifests_merged} manifests merged, {self.branches_removed} audit branches "
            "dropped"
        )


def maintain_table(
    at: TableAt, policy: MaintenancePolicy, *, now: dt.datetime
) -> MaintenanceReport:
    """Maintain one table; readers and writers may go on meanwhile."""
    branches = retried(
        lambda: _drop_branches(at.load(), now - dt.timedelta(hours=policy.branch_hours)),
        what=f"{at.name}, branches",
        turn=at.turn,
    )
    before = now - dt.timedelta(days=policy.compact_after_days)
    compacted = compact_partitions(at, before=before)
    merged = retried(
        lambda: merge_manifests(at.load(), policy.max_manifests),
        what=f"{at.name}, manifests",
        turn=at.turn,
    )
    expired, removed = expire(at, now - dt.timedelta(days=policy.keep_days))
    removed += _remove_orphans(at.load(), now - dt.timedelta(hours=policy.orphan_hours))
    return MaintenanceReport(
        table=at.name,
        branches_removed=branches,
        partitions_compacted=compacted,
        manifests_merged=merged,
        snapshots_expired=expired,
        files_removed=removed,
    )


def _drop_branches(table: Table, before: dt.datetime) -> int:
    stale = []
    for name, ref in table.refs().items():
        snapshot = table.metadata.snapshot_by_id(ref.snapshot_id)
        if name.startswith(BRANCH_PREFIX) and snapshot and snapshot.timestamp_ms < _millis(before):
            stale.append(name)
    if stale:
        transaction = FencedTransaction(table)
        for name in stale:
            ManageSnapshots(transaction).remove_branch(name).commit()
        transaction.commit_transaction()
    return len(stale)


def expire(at: TableAt, before: dt.datetime) -> tuple[int, int]:
    """Drop snapshots that nobody could have begun to read since a time, and their own files.

    What counts is when a snapshot ceased to be current: of a table that was not written for weeks
    it is an old one that readers of a minute ago still read. Heads of branches stay.

    Returns:
        How many snapshots and how many files went.
    """
    expired, needed_once, table = retried(
        lambda: _expire(at.load(), before), what=f"{at.name}, expiring snapshots", turn=at.turn
    )
    if not expired:
        return 0, 0
    needed_now = reachable(at.load()).paths
    return expired, delete_files(table, needed_once - needed_now)


def _expire(table: Table, before: dt.datetime) -> tuple[int, set[str], Table]:
    heads = {ref.snapshot_id for ref in table.refs().values()}
    log = table.metadata.snapshot_log
    replaced = {
        entry.snapshot_id: following.timestamp_ms for entry, following in itertools.pairwise(log)
    }
    old = [
        snapshot.snapshot_id
        for snapshot in table.metadata.snapshots
        if replaced.get(snapshot.snapshot_id, snapshot.timestamp_ms) < _millis(before)
        and snapshot.snapshot_id not in heads
    ]
    if not old:
        return 0, set(), table
    needed = reachable(table).paths
    transaction = FencedTransaction(table)
    ExpireSnapshots(transaction).by_ids(old).commit()
    transaction.commit_transaction()
    return len(old), needed, table


def _remove_orphans(table: Table, before: dt.datetime) -> int:
    # Listed first: a file that appears and is committed in between is then not in the list.
    listed = [file.path for file in stored_files(table) if file.modified < before]
    needed = reachable(table.refresh()).paths
    return delete_files(table, set(listed) - needed)


def _millis(moment: dt.datetime) -> int:
    return int(moment.timestamp() * 1000)
