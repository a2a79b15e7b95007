"""One dataset and its quarantine: a partition's way from a frame to what readers see."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stationmaster.step.datasets.auditing import (
    audit_files,
    audit_keys,
    check_share,
    check_table_rules,
)
from stationmaster.step.datasets.branches import drop_branch, publish_part, stage_part
from stationmaster.step.datasets.handles import Staged
from stationmaster.step.datasets.published import Published, Writer, may_publish, published_of
from stationmaster.step.datasets.reading import files_of_day, scan_files
from stationmaster.step.datasets.staged import Part, parts_of
from stationmaster.step.datasets.staging import Halves, check_columns, write_halves
from stationmaster.step.datasets.tables import QUARANTINE_COLUMNS, ensure_table
from stationmaster.step.datasets.writing import PartitionWriter, Written
from stationmaster.step.portion import Portion
from stationmaster.step.protocol import OutputRef

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from pyiceberg.table import Table

    from stationmaster.step.contracts import Contract
    from stationmaster.step.datasets.tableat import TableAt
    from stationmaster.step.protocol import StepContext

__all__ = ["DatasetWriter"]


@dataclass(frozen=True)
class DatasetWriter:
    """Write partitions of one dataset."""

    rows: TableAt
    quarantine: TableAt

    def stage(
        self,
        context: StepContext,
        contract: Contract,
        frame: pl.DataFrame | pl.LazyFrame,
        rejected: pl.DataFrame | None,
        *,
        portion: Portion = Portion.OWN,
    ) -> Staged:
        """Check a frame, write its good rows to an audit branch and its bad ones aside.

        Args:
            context: Tells the partition, the try and the shard.
            contract: What the rows must keep to.
            frame: The rows.
            rejected: Rows the job could not parse.
            portion: What the frame is of the partition.

        Raises:
            ContractBrokenError: The schema is broken, or too many rows are bad.
            StorageFullError: No space is left for the data files.
            StaleAttemptError: A newer attempt of the same run has published.
        """
        check_columns(contract, frame)
        table = ensure_table(self.rows, contract.columns)
        blank = _blank_part(context, contract, table, whole=portion is Portion.WHOLE)
        label = f"{context.try_id[:13]}-{context.attempt}-{context.shard.index}"
        day = blank.business_date
        halves = Halves(
            PartitionWriter(table, day, label),
            lambda: PartitionWriter(ensure_table(self.quarantine, QUARANTINE_COLUMNS), day, label),
            day,
        )
        good, bad = write_halves(contract, frame, rejected, halves, day, whole=blank.alone)
        refused = self._stage_quarantine(blank, bad)
        part = _filled(blank, good, halves.by_rule)
        staged = Staged(stage_part(self.rows, part, good), part, refused, contract)
        if portion is Portion.UNCHECKED:
            return staged
        try:
            self._audit(staged)
        except BaseException:
            self.discard(staged)
            raise
        return staged

    def _stage_quarantine(self, blank: Part, bad: Written | None) -> Part | None:
        if bad is None and blank.shard_count == 1:
            # Nothing refused now: a commit is only needed where older rows must go.
            there = self.quarantine.find()
            found = None if there is None else published_of(there, blank.business_date)
            if found is None or found.rows == 0:
                return None
        table = ensure_table(self.quarantine, QUARANTINE_COLUMNS)
        found = published_of(table, blank.business_date)
        basis = "" if found is None else found.writer.try_id
        written = bad or Written(files=(), rows=0, bytes=0, fingerprint="")
        part = _filled(blank.model_copy(update={"basis": basis}), written, {})
        stage_part(self.quarantine, part, written)
        return part

    def _audit(self, staged: Staged) -> None:
        """Check a partition as a reader would get it, as soon as all its shards are there."""
        part, table = staged.part, self.rows.load()
        parts = [part]
        if not part.alone:
            parts = [other for other in parts_of(table).values() if other.same_partition(part)]
            if len(parts) < part.shard_count:
                return
            _check_share_of_all(staged.contract, parts)
        day, rows = part.business_date, sum(other.rows for other in parts)
        heads = [table.refs()[other.branch].snapshot_id for other in parts]
        files = [file for head in heads for file in files_of_day(table, day, head)]
        audit_files(staged.contract, table, files, day, rows=rows)
        frame = scan_files(table, [file.file_path for file in files], self.rows.storage)
        if not part.alone:
            audit_keys(staged.contract, frame, day, rows=rows)
        check_table_rules(staged.contract, frame, day)

    def publish(self, staged: Staged) -> OutputRef:
        """Make a staged partition what readers see, in one commit for all its shards.

        Raises:
            PartitionConflictError: Another run published this partition since the staging.
            StaleAttemptError: A newer attempt of the same run has published.
            TemporaryError: The audit branch is gone.
        """
        part, day = staged.part, staged.business_date
        if not part.alone:
            # The last shard's branch may have come since this one looked.
            self._audit(staged)
        if staged.quarantine is not None:
            found = published_of(self.rows.load(), day)
            if found is None or _is_new(part, found):
                # First, so that an acknowledged partition never lacks what it refused.
                _, before = publish_part(self.quarantine, staged.quarantine, redo=True)
                if before:
                    drop_branch(self.quarantine, staged.quarantine)
        record, before = publish_part(self.rows, part)
        if record is None:
            return _waiting(staged)
        if before:
            self.discard(staged)
        return record.output(staged.dataset, day, already=before)

    def discard(self, staged: Staged) -> None:
        """Drop the audit branches of a partition that will not be published."""
        drop_branch(self.rows, staged.part)
        if staged.quarantine is not None:
            drop_branch(self.quarantine, staged.quarantine)


def _check_share_of_all(contract: Contract, parts: Sequence[Part]) -> None:
    by_rule: Counter[str] = Counter()
    for part in parts:
        by_rule.update(part.quarantined_by_rule)
    good = sum(part.rows for part in parts)
    check_share(contract, parts[0].business_date, good=good, by_rule=dict(by_rule))


def _is_new(part: Part, found: Published) -> bool:
    """Tell whether a partition is still to be published; attempts are counted by shard."""
    if part.shard_count > 1 and found.writer.try_id == part.writer.try_id:
        return False
    return may_publish(part.where, part.writer, part.basis, found)


def _blank_part(context: StepContext, contract: Contract, table: Table, *, whole: bool) -> Part:
    found = published_of(table, context.business_date)
    part = Part(
        dataset=contract.dataset,
        business_date=context.business_date,
        writer=Writer.of(context),
        job=context.job,
        shard_index=context.shard.index,
        shard_count=context.shard.count,
        whole=whole,
        basis="" if found is None else found.writer.try_id,
        rows=0,
        bytes=0,
        fingerprint="",
    )
    if found is not None and part.shard_count == 1:
        # Stale attempts learn it before they work.
        may_publish(part.where, part.writer, part.basis, found)
    return part


def _filled(blank: Part, written: Written, by_rule: dict[str, int]) -> Part:
    return blank.model_copy(
        update={
            "rows": written.rows,
            "bytes": written.bytes,
            "fingerprint": written.fingerprint,
            "quarantined_by_rule": by_rule,
        }
    )


def _waiting(staged: Staged) -> OutputRef:
    return OutputRef(
        dataset=staged.dataset,
        business_date=staged.business_date,
        snapshot_id=staged.snapshot_id,
        rows=staged.rows,
        bytes=staged.bytes,
        quarantined_rows=staged.quarantined_rows,
        quarantined_by_rule=staged.quarantined_by_rule,
        staged=True,
    )
