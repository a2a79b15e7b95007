"""The one door to datasets: read, stage, publish, discard."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import polars as pl

from stationmaster.step.datasets.branches import (
    drop_branch,
    publish_part,
    stage_part,
)
from stationmaster.step.datasets.catalog import (
    load_table,
    open_catalog,
    polars_storage,
    quarantine_of,
)
from stationmaster.step.datasets.forgetting import ForgetReport, Identifier, forget_in_table
from stationmaster.step.datasets.maintaining import (
    MaintenancePolicy,
    MaintenanceReport,
    maintain_table,
)
from stationmaster.step.datasets.published import (
    Writer,
    may_publish,
    published_dates,
    published_of,
)
from stationmaster.step.datasets.reading import pin
from stationmaster.step.datasets.staged import Part, parts_of
from stationmaster.step.datasets.staging import Halves, check_columns, check_whole, write_halves
from stationmaster.step.datasets.tables import QUARANTINE_COLUMNS, ensure_table
from stationmaster.step.datasets.writing import PartitionWriter, Written
from stationmaster.step.errors import UpstreamUnavailableError
from stationmaster.step.protocol import InputRef, OutputRef

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.table import Table

    from stationmaster.step.contracts import Contract
    from stationmaster.step.protocol import StepContext
    from stationmaster.step.settings import Settings

__all__ = ["Staged", "Store", "TableRead"]


@dataclass(frozen=True)
class TableRead:
    """Hold rows of one pinned snapshot and the reference that names it."""

    frame: pl.LazyFrame
    ref: InputRef


@dataclass(frozen=True)
class Staged:
    """Name one partition that is written and audited, but which no reader sees yet."""

    dataset: str
    business_date: dt.date
    branch: str
    snapshot_id: int
    rows: int
    bytes: int
    quarantined_by_rule: dict[str, int]
    part: Part = field(repr=False)
    quarantine: Part | None = field(repr=False)
    contract: Contract = field(repr=False)

    @property
    def quarantined_rows(self) -> int:
        """Return how many rows go to quarantine."""
        return sum(self.quarantined_by_rule.values())


class Store:
    """Read and write datasets in one catalog."""

    def __init__(self, settings: Settings, catalog: SqlCatalog) -> None:
        self._settings = settings
        self._catalog = catalog
        self._storage = polars_storage(settings)

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Connect to the catalog of `settings`; a sqlite catalog is created where missing."""
        return cls(settings, open_catalog(settings))

    @property
    def catalog(self) -> SqlCatalog:
        """Return the Iceberg catalog."""
        return self._catalog

    def read(self, dataset: str, business_date: dt.date, *, through: bool = False) -> TableRead:
        """Return the partition of a business date from the snapshot that is current now.

        Args:
            dataset: Name of the dataset.
            business_date: The partition.
            through: Return every published partition up to `business_date` as well.

        Raises:
            UpstreamUnavailableError: The dataset or the partition has not been published.
        """
        return self._read(self._identifier(dataset), dataset, business_date, through=through)

    def read_quarantine(self, dataset: str, business_date: dt.date) -> TableRead:
        """Return the rows a partition refused: business_date, rule, record, key, detail.

        Raises:
            UpstreamUnavailableError: No row of that day was ever refused.
        """
        identifier = quarantine_of(self._settings, dataset)
        return self._read(identifier, f"{dataset} (quarantine)", business_date, through=False)

    def _read(
        self, identifier: tuple[str, str], name: str, day: dt.date, *, through: bool
    ) -> TableRead:
        table = load_table(self._catalog, identifier)
        dates = [] if table is None else published_dates(table)
        wanted = [date for date in dates if date == day or (through and date < day)]
        snapshot = None if table is None else table.metadata.current_snapshot_id
        if table is None or snapshot is None or not wanted:
            latest = f"the latest is {dates[-1].isoformat()}" if dates else "it has none at all"
            where = f"dataset {name}"
            raise UpstreamUnavailableError(
                where,
                expected=f"a published partition {'up to ' * through}{day.isoformat()}",
                got=latest,
                hint="Run the step that writes it for that day, then clear this one.",
            )
        found = pin(table, day, snapshot_id=snapshot, storage=self._storage, through=through)
        ref = InputRef(dataset=name, snapshot_id=snapshot, rows=found.rows, bytes=found.bytes)
        return TableRead(frame=found.frame, ref=ref)

    def business_dates(self, dataset: str) -> list[dt.date]:
        """Return the published partitions in order; an unknown dataset has none."""
        table = load_table(self._catalog, self._identifier(dataset))
        return [] if table is None else published_dates(table)

    def published(self, context: StepContext, dataset: str) -> OutputRef | None:
        """Return what this very try has published before, so that its work can be left out."""
        table = load_table(self._catalog, self._identifier(dataset))
        found = None if table is None else published_of(table, context.business_date)
        if found is None or found.writer.try_id != context.try_id:
            return None
        return found.output(dataset, context.business_date, already=True)

    def stage(
        self,
        context: StepContext,
        contract: Contract,
        frame: pl.DataFrame | pl.LazyFrame,
        rejected: pl.DataFrame | None = None,
    ) -> Staged:
        """Check a frame, write its good rows to an audit branch and its bad ones aside.

        Args:
            context: Tells the partition, the try and the shard.
            contract: What the rows must keep to.
            frame: The rows; `business_date` is added where the frame has none.
            rejected: Rows the job could not parse: columns `rule`, `record` (JSON text),
                optionally `key` and `detail`.

        Raises:
            ContractBrokenError: The schema is broken, or too many rows are bad.
            StorageFullError: No space is left for the data files.
            StaleAttemptError: A newer attempt of the same run has published.
        """
        check_columns(contract, frame)
        table = ensure_table(self._catalog, self._identifier(contract.dataset), contract.columns)
        blank = self._blank_part(context, contract, table)
        label = f"{context.try_id[:13]}-{context.attempt}-{context.shard.index}"
        halves = Halves(
            PartitionWriter(table, blank.business_date, label),
            lambda: PartitionWriter(
                self._quarantine_table(contract.dataset), blank.business_date, label
            ),
            blank.business_date,
        )
        good, bad = write_halves(contract, frame, rejected, halves, blank.business_date)
        quarantine = self._stage_quarantine(blank, bad)
        part = _filled(blank, good, halves.by_rule)
        return self._stage_good(part, good, quarantine, contract)

    def _stage_good(
        self, part: Part, good: Written, quarantine: Part | None, contract: Contract
    ) -> Staged:
        identifier = self._identifier(part.dataset)
        snapshot_id = stage_part(self._catalog, identifier, part, good)
        staged = Staged(
            dataset=part.dataset,
            business_date=part.business_date,
            branch=part.branch,
            snapshot_id=snapshot_id,
            rows=part.rows,
            bytes=part.bytes,
            quarantined_by_rule=part.quarantined_by_rule,
            part=part,
            quarantine=quarantine,
            contract=contract,
        )
        try:
            if part.shard_count == 1:
                check_whole(
                    contract,
                    self._staged_rows([staged.branch], part),
                    part.business_date,
                    rows=part.rows,
                )
        except BaseException:
            self.discard(staged)
            raise
        return staged

    def _blank_part(self, context: StepContext, contract: Contract, table: Table) -> Part:
        found = published_of(table, context.business_date)
        part = Part(
            dataset=contract.dataset,
            business_date=context.business_date,
            writer=Writer.of(context),
            job=context.job,
            shard_index=context.shard.index,
            shard_count=context.shard.count,
            basis="" if found is None else found.writer.try_id,
            rows=0,
            bytes=0,
            fingerprint="",
        )
        if found is not None and part.shard_count == 1:
            may_publish(part.where, part.writer, part.basis, found)
        return part

    def _quarantine_table(self, dataset: str) -> Table:
        identifier = quarantine_of(self._settings, dataset)
        return ensure_table(self._catalog, identifier, QUARANTINE_COLUMNS)

    def _stage_quarantine(self, blank: Part, bad: Written | None) -> Part | None:
        identifier = quarantine_of(self._settings, blank.dataset)
        table = load_table(self._catalog, identifier)
        if bad is None and blank.shard_count == 1:
            # Nothing refused now: a commit is only needed where older rows must go.
            found = None if table is None else published_of(table, blank.business_date)
            if found is None or found.rows == 0:
                return None
        table = self._quarantine_table(blank.dataset)
        found = published_of(table, blank.business_date)
        basis = "" if found is None else found.writer.try_id
        nothing = Written(files=(), rows=0, bytes=0, fingerprint="")
        part = _filled(blank.model_copy(update={"basis": basis}), bad or nothing, {})
        stage_part(self._catalog, identifier, part, bad or nothing)
        return part

    def _staged_rows(self, branches: list[str], part: Part) -> pl.LazyFrame:
        table = self._catalog.load_table(self._identifier(part.dataset))
        return pl.concat(
            pin(
                table,
                part.business_date,
                snapshot_id=table.refs()[branch].snapshot_id,
                storage=self._storage,
            ).frame
            for branch in branches
        )

    def publish(self, staged: Staged) -> OutputRef:
        """Make a staged partition what readers see; publishing it again changes nothing.

        Of a sharded step the shard that comes last publishes for all; the others' references
        say `staged`.

        Raises:
            PartitionConflictError: Another run published this partition since the staging.
            StaleAttemptError: A newer attempt of the same run has published.
            ContractBrokenError: The shards together break a rule.
            TemporaryError: The audit branch is gone.
        """
        part, day = staged.part, staged.business_date
        identifier = self._identifier(staged.dataset)
        self._check_shards(staged)
        if staged.quarantine is not None:
            table = self._catalog.load_table(identifier)
            found = published_of(table, day)
            if found is None or may_publish(part.where, part.writer, part.basis, found):
                # First, so that an acknowledged partition never lacks what it refused.
                publish_part(
                    self._catalog,
                    quarantine_of(self._settings, staged.dataset),
                    staged.quarantine,
                    redo=True,
                )
        record, before = publish_part(self._catalog, identifier, part)
        if record is None:
            return OutputRef(
                dataset=staged.dataset,
                business_date=day,
                snapshot_id=staged.snapshot_id,
                rows=staged.rows,
                bytes=staged.bytes,
                quarantined_rows=staged.quarantined_rows,
                quarantined_by_rule=staged.quarantined_by_rule,
                staged=True,
            )
        if before:
            self.discard(staged)
        return record.output(staged.dataset, day, already=before)

    def _check_shards(self, staged: Staged) -> None:
        part = staged.part
        if part.shard_count == 1:
            return
        table = self._catalog.load_table(self._identifier(staged.dataset))
        parts = [
            other
            for other in parts_of(table).values()
            if other.writer.try_id == part.writer.try_id
            and other.business_date == part.business_date
        ]
        if len(parts) == part.shard_count:
            rows = self._staged_rows([other.branch for other in parts], part)
            total = sum(other.rows for other in parts)
            check_whole(staged.contract, rows, part.business_date, rows=total)

    def discard(self, staged: Staged) -> None:
        """Drop the audit branch of a partition that will not be published."""
        drop_branch(self._catalog, self._identifier(staged.dataset), staged.part)
        if staged.quarantine is not None:
            identifier = quarantine_of(self._settings, staged.dataset)
            drop_branch(self._catalog, identifier, staged.quarantine)

    def maintain(
        self, policy: MaintenancePolicy | None = None, *, now: dt.datetime | None = None
    ) -> list[MaintenanceReport]:
        """Maintain every table of the namespace and of its quarantine.

        Args:
            policy: How long what is kept; the defaults where none is given.
            now: The moment ages are counted from.
        """
        return [
            maintain_table(
                self._catalog,
                identifier,
                policy or MaintenancePolicy(),
                now=now or dt.datetime.now(dt.UTC),
                storage=self._storage,
            )
            for identifier in self._tables()
        ]

    def forget(self, person: Sequence[Identifier], *, dry_run: bool = False) -> list[ForgetReport]:
        """Erase a person from every table, its quarantine and its old snapshots.

        Args:
            person: What the person is known by; a row that has any of it goes.
            dry_run: Only count.
        """
        return [
            forget_in_table(
                self._catalog, identifier, person, storage=self._storage, dry_run=dry_run
            )
            for identifier in self._tables()
        ]

    def _tables(self) -> list[tuple[str, str]]:
        namespaces = (self._settings.namespace, quarantine_of(self._settings, "")[0])
        return [
            (namespace, identifier[-1])
            for namespace in namespaces
            for identifier in sorted(self._catalog.list_tables(namespace))
        ]

    def _identifier(self, dataset: str) -> tuple[str, str]:
        return (self._settings.namespace, dataset)


def _filled(blank: Part, written: Written, by_rule: dict[str, int]) -> Part:
    return blank.model_copy(
        update={
            "rows": written.rows,
            "bytes": written.bytes,
            "fingerprint": written.fingerprint,
            "quarantined_by_rule": by_rule,
        }
    )
