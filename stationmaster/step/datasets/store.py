"""The one door to datasets: read, stage, publish, discard."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Self

from stationmaster.step.datasets.catalog import open_catalog, polars_storage, quarantine_of
from stationmaster.step.datasets.forgetting import ForgetReport, Identifier, forget_in_table
from stationmaster.step.datasets.handles import Staged, TableRead
from stationmaster.step.datasets.maintaining import (
    MaintenancePolicy,
    MaintenanceReport,
    maintain_table,
)
from stationmaster.step.datasets.published import published_dates, published_of
from stationmaster.step.datasets.publishing import DatasetWriter
from stationmaster.step.datasets.reading import pin
from stationmaster.step.datasets.tableat import TableAt
from stationmaster.step.errors import UpstreamUnavailableError
from stationmaster.step.portion import Portion
from stationmaster.step.protocol import InputRef, OutputRef
from stationmaster.step.shares import drop_all_shares

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl
    from pyiceberg.catalog.sql import SqlCatalog

    from stationmaster.step.contracts import Contract
    from stationmaster.step.protocol import StepContext
    from stationmaster.step.settings import Settings

__all__ = ["Staged", "Store", "TableRead"]


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
        return _read(self._at(dataset), dataset, business_date, through=through)

    def read_quarantine(self, dataset: str, business_date: dt.date) -> TableRead:
        """Return the rows a partition refused: business_date, rule, record, key, detail.

        Raises:
            UpstreamUnavailableError: No row of that day was ever refused.
        """
        return _read(self._refused(dataset), f"{dataset} (quarantine)", business_date)

    def business_dates(self, dataset: str) -> list[dt.date]:
        """Return the published partitions in order; an unknown dataset has none."""
        table = self._at(dataset).find()
        return [] if table is None else published_dates(table)

    def quarantined(self, dataset: str, business_date: dt.date) -> dict[str, int]:
        """Return how many rows a published partition has in quarantine, by rule."""
        table = self._at(dataset).find()
        found = None if table is None else published_of(table, business_date)
        return {} if found is None else dict(found.quarantined_by_rule)

    def published(self, context: StepContext, dataset: str) -> OutputRef | None:
        """Return what this very try has published before, so that its work can be left out."""
        table = self._at(dataset).find()
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
        *,
        portion: Portion = Portion.OWN,
    ) -> Staged:
        """Check a frame, write its good rows to an audit branch and its bad ones aside.

        Args:
            context: Tells the partition, the try and the shard.
            contract: What the rows must keep to.
            frame: The rows; `business_date` is added where the frame has none.
            rejected: Rows the job could not parse: columns `rule`, `record` (JSON text),
                optionally `key` and `detail`.
            portion: What the frame is of the partition.

        Raises:
            ContractBrokenError: The schema is broken, or too many rows are bad.
            MisconfiguredError: The contract no longer fits the table there is.
            StorageFullError: No space is left for the data files.
            StaleAttemptError: A newer attempt of the same run has published.
        """
        writer = self._writer(contract.dataset)
        return writer.stage(context, contract, frame, rejected, portion=portion)

    def publish(self, staged: Staged) -> OutputRef:
        """Make a staged partition what readers see; publishing it again changes nothing.

        Of a sharded step the shard that comes last publishes for all; the others' references
        say `staged`.

        Raises:
            PartitionConflictError: Another run published this partition since the staging.
            StaleAttemptError: A newer attempt of the same run has published.
            TemporaryError: The audit branch is gone.
        """
        return self._writer(staged.dataset).publish(staged)

    def discard(self, staged: Staged) -> None:
        """Drop the audit branch of a partition that will not be published."""
        self._writer(staged.dataset).discard(staged)

    def maintain(
        self, policy: MaintenancePolicy | None = None, *, now: dt.datetime | None = None
    ) -> list[MaintenanceReport]:
        """Maintain every table of the namespace and of its quarantine.

        Args:
            policy: How long what is kept; the defaults where none is given.
            now: The moment ages are counted from.
        """
        moment = now or dt.datetime.now(dt.UTC)
        rules = policy or MaintenancePolicy()
        return [maintain_table(at, rules, now=moment) for at in self._tables()]

    def forget(self, person: Sequence[Identifier], *, dry_run: bool = False) -> list[ForgetReport]:
        """Erase a person from every table, its quarantine and its old snapshots.

        Args:
            person: What the person is known by; a row that has any of it goes.
            dry_run: Only count.
        """
        if not dry_run:
            drop_all_shares(self._settings)
        return [forget_in_table(at, person, dry_run=dry_run) for at in self._tables()]

    def _tables(self) -> list[TableAt]:
        namespaces = (self._settings.namespace, quarantine_of(self._settings, "")[0])
        return [
            TableAt(self._catalog, (namespace, identifier[-1]), self._storage)
            for namespace in namespaces
            for identifier in sorted(self._catalog.list_tables(namespace))
        ]

    def _writer(self, dataset: str) -> DatasetWriter:
        return DatasetWriter(rows=self._at(dataset), quarantine=self._refused(dataset))

    def _at(self, dataset: str) -> TableAt:
        return TableAt(self._catalog, (self._settings.namespace, dataset), self._storage)

    def _refused(self, dataset: str) -> TableAt:
        return TableAt(self._catalog, quarantine_of(self._settings, dataset), self._storage)


def _read(at: TableAt, name: str, day: dt.date, *, through: bool = False) -> TableRead:
    table = at.find()
    dates = [] if table is None else published_dates(table)
    wanted = [date for date in dates if date == day or (through and date < day)]
    snapshot = None if table is None else table.metadata.current_snapshot_id
    if table is None or snapshot is None or not wanted:
        where = f"dataset {name}"
        raise UpstreamUnavailableError(
            where,
            expected=f"a published partition {'up to ' * through}{day.isoformat()}",
            got=f"the latest is {dates[-1].isoformat()}" if dates else "none at all",
            hint="Run the step that writes it for that day, then clear this one.",
        )
    found = pin(table, day, snapshot_id=snapshot, storage=at.storage, through=through)
    ref = InputRef(dataset=name, snapshot_id=snapshot, rows=found.rows, bytes=found.bytes)
    return TableRead(frame=found.frame, ref=ref)
