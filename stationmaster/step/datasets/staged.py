"""What lies on an audit branch, and how its snapshot says so."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, Field

from stationmaster.step.datasets.published import Writer

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot

__all__ = ["BRANCH_PREFIX", "Part", "branch_name", "part_of", "parts_of"]

BRANCH_PREFIX: Final = "audit-"
_PREFIX: Final = "stationmaster."
_PART: Final = "stationmaster.part"


class Part(BaseModel):
    """Hold what one shard staged of a partition; it stands in the snapshot's summary."""

    model_config = ConfigDict(frozen=True)

    dataset: str
    business_date: dt.date
    writer: Writer
    job: str
    shard_index: int = 0
    shard_count: int = 1
    whole: bool = False
    """It is the whole partition, written by one shard for all of them."""
    basis: str = ""
    rows: int
    bytes: int
    quarantined_by_rule: dict[str, int] = Field(default_factory=dict)
    fingerprint: str

    @property
    def branch(self) -> str:
        """Return the branch this part is staged on."""
        return branch_name(self.business_date, self.writer.try_id, self.shard_index)

    @property
    def alone(self) -> bool:
        """Tell whether the partition has no other parts."""
        return self.whole or self.shard_count == 1

    def same_partition(self, other: Part) -> bool:
        """Tell whether both are shards of one try and one partition."""
        mine = (self.writer.try_id, self.business_date)
        return mine == (other.writer.try_id, other.business_date)

    @property
    def where(self) -> str:
        """Return the partition as errors name it."""
        return f"dataset {self.dataset}, partition {self.business_date.isoformat()}"

    def snapshot_properties(self) -> dict[str, str]:
        """Return the summary: one property a fact for people and tools, and the whole as JSON."""
        writer = self.writer
        facts = {
            "dataset": self.dataset,
            "business-date": self.business_date.isoformat(),
            "pipeline": writer.pipeline,
            "run-id": writer.run_id,
            "step": writer.step,
            "try-id": writer.try_id,
            "try-number": str(writer.try_number),
            "attempt": str(writer.attempt),
            "shard-index": str(self.shard_index),
            "shard-count": str(self.shard_count),
            "job": self.job,
        }
        named = {f"{_PREFIX}{name}": value for name, value in facts.items()}
        return {**named, _PART: self.model_dump_json()}


def branch_name(day: dt.date, try_id: str, shard_index: int) -> str:
    """Return the audit branch of one shard of one try; a try may write several days."""
    return f"{BRANCH_PREFIX}{day.isoformat()}-{try_id}-{shard_index}"


def part_of(snapshot: Snapshot | None) -> Part | None:
    """Return what a snapshot staged, or None where it staged nothing of ours."""
    if snapshot is None or snapshot.summary is None:
        return None
    text = snapshot.summary.additional_properties.get(_PART)
    return None if text is None else Part.model_validate_json(text)


def parts_of(table: Table) -> dict[str, Part]:
    """Return what every audit branch of a table holds, by branch."""
    found = {
        name: part_of(table.metadata.snapshot_by_id(ref.snapshot_id))
        for name, ref in table.refs().items()
        if name.startswith(BRANCH_PREFIX)
    }
    return {name: part for name, part in found.items() if part is not None}
