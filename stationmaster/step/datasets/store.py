"""The one door to datasets: read, stage, publish, discard."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import datetime as dt

    import polars as pl

    from stationmaster.step.contracts import Contract
    from stationmaster.step.protocol import InputRef, OutputRef, StepContext
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
    quarantined_rows: int = 0
    quarantined_by_rule: dict[str, int] = field(default_factory=dict)


class Store:
    """Read and write datasets in one catalog."""

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Connect to the catalog of `settings`; a sqlite catalog is created where missing."""
        raise NotImplementedError

    def read(self, dataset: str, business_date: dt.date, *, through: bool = False) -> TableRead:
        """Return the partition of a business date from the snapshot that is current now.

        Args:
            dataset: Name of the dataset.
            business_date: The partition.
            through: Return every published partition up to `business_date` as well.

        Raises:
            UpstreamUnavailableError: The dataset or the partition has not been published.
        """
        raise NotImplementedError

    def business_dates(self, dataset: str) -> list[dt.date]:
        """Return the published partitions in order; an unknown dataset has none."""
        raise NotImplementedError

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
        raise NotImplementedError

    def publish(self, staged: Staged) -> OutputRef:
        """Make a staged partition what readers see; publishing it again changes nothing.

        Raises:
            PartitionConflictError: Another run published this partition since the staging.
            StaleAttemptError: A newer attempt of the same run has published.
        """
        raise NotImplementedError

    def discard(self, staged: Staged) -> None:
        """Drop the audit branch of a partition that will not be published."""
        raise NotImplementedError
