"""Fewer and bigger files; what is published, and by whom, stays as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pyiceberg.table.update.snapshot import ManageSnapshots

from stationmaster.step.datasets.committing import FencedTransaction, retried
from stationmaster.step.datasets.published import (
    Published,
    property_of,
    published_dates,
    published_of,
)
from stationmaster.step.datasets.reading import files_of_day, scan_files
from stationmaster.step.datasets.writing import PartitionWriter, Written

if TYPE_CHECKING:
    import datetime as dt

    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

    from stationmaster.step.datasets.tableat import TableAt

__all__ = ["compact_partitions", "merge_manifests", "replace_files"]

_SMALL_BYTES: Final = 64 * 1024 * 1024
_ROWS_A_BATCH: Final = 131_072


def compact_partitions(at: TableAt, *, before: dt.datetime) -> int:
    """Rewrite partitions of several small files that were published before a time.

    Returns:
        How many partitions were rewritten; one that is published anew meanwhile is left alone.
    """
    table = at.load()
    compacted = 0
    for day in published_dates(table):
        record = published_of(table, day)
        files = files_of_day(table, day, table.metadata.current_snapshot_id)
        small = [file for file in files if file.file_size_in_bytes < _SMALL_BYTES]
        if record is None or record.published_at >= before or len(small) <= 1:
            continue
        writer = PartitionWriter(table, day, "compact")
        rows = scan_files(table, [file.file_path for file in small], at.storage)
        for batch in rows.collect_batches(chunk_size=_ROWS_A_BATCH, maintain_order=True):
            writer.write(batch)
        written = writer.finish()
        if _swap(at, day, record, (small, written)):
            compacted += 1
        else:
            writer.abandon()
    return compacted


def _swap(
    at: TableAt, day: dt.date, record: Published, change: tuple[list[DataFile], Written]
) -> bool:
    def attempt() -> bool:
        table = at.load()
        there = files_of_day(table, day, table.metadata.current_snapshot_id)
        gone = {file.file_path for file in change[0]} - {file.file_path for file in there}
        if gone or published_of(table, day) != record:
            return False
        replace_files(table, {day: change})
        return True

    return retried(attempt, what=f"{at.name}, compacting {day.isoformat()}", turn=at.turn)


def replace_files(
    table: Table,
    replaced: dict[dt.date, tuple[list[DataFile], Written]],
    *,
    drop_branches: tuple[str, ...] = (),
) -> None:
    """Swap data files of partitions in one commit; their records keep the writer, so the fence.

    Raises:
        CommitFailedException: The table changed since it was loaded.
    """
    transaction = FencedTransaction(table, *(property_of(day) for day in replaced))
    producer = transaction.update_snapshot({"stationmaster.rewrite": "true"}).overwrite()
    records = {}
    for day, (old, new) in replaced.items():
        for file in old:
            producer.delete_data_file(file)
        for file in new.files:
            producer.append_data_file(file)
        record = published_of(table, day)
        if record is not None:
            fewer = sum(file.record_count for file in old) - new.rows
            smaller = sum(file.file_size_in_bytes for file in old) - new.bytes
            # Without a fingerprint the next run of the step publishes whatever it has.
            changes = {
                "snapshot_id": producer.snapshot_id,
                "rows": record.rows - fewer,
                "bytes": record.bytes - smaller,
                "fingerprint": "",
            }
            records[property_of(day)] = record.model_copy(update=changes).model_dump_json()
    producer.commit()
    transaction.set_properties(records)
    for branch in drop_branches:
        ManageSnapshots(transaction).remove_branch(branch).commit()
    transaction.commit_transaction()


def merge_manifests(table: Table, most: int) -> int:
    """Write the manifests of `main` as few, where there are more than `most`.

    Returns:
        How many there are fewer.
    """
    snapshot = table.current_snapshot()
    manifests = [] if snapshot is None else snapshot.manifests(table.io)
    if len(manifests) <= most:
        return 0
    transaction = FencedTransaction(table)
    transaction.update_snapshot({"stationmaster.rewrite": "true"}).merge_append().commit()
    merged = transaction.commit_transaction().current_snapshot()
    return len(manifests) - (0 if merged is None else len(merged.manifests(table.io)))
