"""What the store hands out: a pinned read, a staged partition."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import datetime as dt

    import polars as pl

    from stationmaster.step.contracts import Contract
    from stationmaster.step.datasets.staged import Part
    from stationmaster.step.protocol import InputRef

__all__ = ["Staged", "TableRead"]


@dataclass(frozen=True)
class TableRead:
    """Hold rows of one pinned snapshot and the reference that names it."""

    frame: pl.LazyFrame
    ref: InputRef


@dataclass(frozen=True)
class Staged:
    """Name one partition that is written and audited, but which no reader sees yet."""

    snapshot_id: int
    part: Part
    quarantine: Part | None = field(repr=False)
    contract: Contract = field(repr=False)

    @property
    def dataset(self) -> str:
        """Return the dataset's name."""
        return self.part.dataset

    @property
    def business_date(self) -> dt.date:
        """Return the partition."""
        return self.part.business_date

    @property
    def branch(self) -> str:
        """Return the audit branch."""
        return self.part.branch

    @property
    def rows(self) -> int:
        """Return how many rows were written."""
        return self.part.rows

    @property
    def bytes(self) -> int:
        """Return the size of the data files."""
        return self.part.bytes

    @property
    def quarantined_by_rule(self) -> dict[str, int]:
        """Return how many rows go to quarantine, by rule."""
        return self.part.quarantined_by_rule

    @property
    def quarantined_rows(self) -> int:
        """Return how many rows go to quarantine."""
        return sum(self.part.quarantined_by_rule.values())
