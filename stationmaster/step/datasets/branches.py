"""Commits to audit branches and from there onto `main`."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from pyiceberg.table.update.snapshot import ManageSnapshots

from stationmaster.step.datasets.committing import FencedTransaction, retried
from stationmaster.step.datasets.published import (
    Published,
    may_publish,
    property_of,
    published_of,
)
from stationmaster.step.datasets.reading import files_of_day
from stationmaster.step.datasets.staged import Part, branch_name, part_of, parts_of
from stationmaster.step.errors import StaleAttemptError, TemporaryError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from stationmaster.step.datasets.tableat import TableAt
    from stationmaster.step.datasets.writing import Written

__all__ = ["drop_branch", "publish_part", "stage_part"]


def stage_part(at: TableAt, part: Part, written: Written) -> int:
    """Commit data files to the part's branch, in place of what an older attempt left there.

    Returns:
        The id of the branch's snapshot.

    Raises:
        StaleAttemptError: A newer attempt of this shard has staged.
    """
    return retried(
        lambda: _stage(at.load(), part, written.files),
        what=f"{part.where}, staging",
        turn=at.turn,
    )


def _stage(table: Table, part: Part, files: Iterable[DataFile]) -> int:
    older = parts_of(table).get(part.branch)
    if older is not None and older.writer.attempt > part.writer.attempt:
        raise StaleAttemptError(
            part.where,
            expected="the newest attempt to stage",
            got=f"attempt {part.writer.attempt} after attempt {older.writer.attempt} had staged",
            hint="Nothing needs doing: the newer attempt goes on.",
        )
    head = table.metadata.current_snapshot_id
    transaction = FencedTransaction(table)
    if head is not None:
        # Also moves a branch that is there back onto main, for the new attempt.
        ManageSnapshots(transaction).create_branch(head, part.branch).commit()
    producer = transaction.update_snapshot(part.snapshot_properties(), part.branch).overwrite()
    for file in files_of_day(table, part.business_date, head):
        producer.delete_data_file(file)
    for file in files:
        producer.append_data_file(file)
    producer.commit()
    transaction.commit_transaction()
    return producer.snapshot_id


def publish_part(at: TableAt, part: Part, *, redo: bool = False) -> tuple[Published | None, bool]:
    """Move `main` to hold what all shards of a try staged, in one commit.

    Args:
        at: The table.
        part: What this shard staged.
        redo: Publish also when an older attempt of the same try has.

    Returns:
        The partition's record, None while shards are missing; and whether it was there before.

    Raises:
        PartitionConflictError: Another run published this partition meanwhile.
        StaleAttemptError: A newer attempt of the same run has published.
        TemporaryError: The branch is gone.
    """
    return retried(
        lambda: _publish(at.load(), part, redo=redo),
        what=f"{part.where}, publishing",
        turn=at.turn,
    )


def _publish(table: Table, part: Part, *, redo: bool) -> tuple[Published | None, bool]:
    found = published_of(table, part.business_date)
    if found is not None and not _may_publish(part, found):
        newer = part.shard_count == 1 and part.writer.attempt > found.writer.attempt
        if not (redo and newer):
            return found, True
    staged = parts_of(table)
    day, try_id = part.business_date, part.writer.try_id
    names = [branch_name(day, try_id, index) for index in range(part.shard_count)]
    names = [part.branch] if part.alone else names
    parts = [staged[name] for name in names if name in staged]
    if part.branch not in staged:
        raise _branch_gone(part)
    if len(parts) < len(names):
        return None, False
    return _commit(table, parts, found), False


def _may_publish(part: Part, found: Published) -> bool:
    if part.shard_count > 1 and found.writer.try_id == part.writer.try_id:
        # Attempts are counted by shard: whichever shard published, the try is done.
        return False
    return may_publish(part.where, part.writer, part.basis, found)


def _branch_gone(part: Part) -> TemporaryError:
    return TemporaryError(
        part.where,
        expected=f"the audit branch {part.branch}",
        got="none: it was older than maintenance keeps them, or a person's data was erased from it",
        hint="Retry: the step stages anew.",
    )


def _commit(table: Table, parts: Sequence[Part], found: Published | None) -> Published:
    first = parts[0]
    day = first.business_date
    head = table.metadata.current_snapshot_id
    transaction = FencedTransaction(table, property_of(day))
    record = _record(table, parts, found)
    if found is not None and record.snapshot_id == found.snapshot_id:
        pass  # The very same content: only the record changes, readers see nothing of it.
    elif len(parts) == 1 and _parent(table, first.branch) == head:
        ManageSnapshots(transaction).set_current_snapshot(record.snapshot_id).commit()
    else:
        producer = transaction.update_snapshot(first.snapshot_properties()).overwrite()
        for file in files_of_day(table, day, head):
            producer.delete_data_file(file)
        for part in parts:
            for file in files_of_day(table, day, table.refs()[part.branch].snapshot_id):
                producer.append_data_file(file)
        producer.commit()
        record = record.model_copy(update={"snapshot_id": producer.snapshot_id})
    transaction.set_properties({property_of(day): record.model_dump_json()})
    _remove(transaction, _spent(table, first))
    transaction.commit_transaction()
    return record


def _record(table: Table, parts: Sequence[Part], found: Published | None) -> Published:
    rules: dict[str, int] = {}
    for part in parts:
        for rule, rows in part.quarantined_by_rule.items():
            rules[rule] = rules.get(rule, 0) + rows
    fingerprint = "+".join(part.fingerprint for part in parts)
    same = found is not None and fingerprint == found.fingerprint
    snapshot_id = table.refs()[parts[0].branch].snapshot_id
    return Published(
        writer=parts[0].writer,
        snapshot_id=found.snapshot_id if same and found is not None else snapshot_id,
        rows=sum(part.rows for part in parts),
        bytes=sum(part.bytes for part in parts),
        quarantined_by_rule=rules,
        fingerprint=fingerprint,
        published_at=dt.datetime.now(dt.UTC),
    )


def _parent(table: Table, branch: str) -> int | None:
    snapshot = table.metadata.snapshot_by_id(table.refs()[branch].snapshot_id)
    return None if snapshot is None else snapshot.parent_snapshot_id


def _spent(table: Table, part: Part) -> list[str]:
    """Return branches nobody will publish: this try's, and its step's older tries'."""
    return [
        name
        for name, other in parts_of(table).items()
        if other.business_date == part.business_date
        and (
            other.writer.try_id == part.writer.try_id
            or (other.writer.same_step(part.writer) and other.writer.older_than(part.writer))
        )
    ]


def _remove(transaction: FencedTransaction, branches: Iterable[str]) -> None:
    for branch in branches:
        ManageSnapshots(transaction).remove_branch(branch).commit()


def drop_branch(at: TableAt, part: Part) -> None:
    """Remove a part's branch, unless a newer attempt has staged there."""
    retried(lambda: _drop(at.load(), part), what=f"{part.where}, discarding", turn=at.turn)


def _drop(table: Table, part: Part) -> None:
    ref = table.refs().get(part.branch)
    there = None if ref is None else part_of(table.metadata.snapshot_by_id(ref.snapshot_id))
    if there is None or there.writer != part.writer:
        return
    transaction = FencedTransaction(table)
    _remove(transaction, [part.branch])
    transaction.commit_transaction()
