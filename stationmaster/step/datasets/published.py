"""What stands in a table about each published partition, and who may publish over it.

The record is a table property, set in the same commit that moves `main`: it outlives snapshots,
it exists for partitions without rows, and a catalog's compare-and-swap covers it
(docs/adr/0001-…).
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, Field

from stationmaster.step.errors import PartitionConflictError, StaleAttemptError
from stationmaster.step.protocol import OutputRef

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from stationmaster.step.protocol import StepContext

__all__ = ["Published", "Writer", "may_publish", "property_of", "published_dates", "published_of"]

_PREFIX: Final = "stationmaster.partition."
_UUID_WITH_TIME: Final = 7


class Writer(BaseModel):
    """Name the attempt that wrote a partition."""

    model_config = ConfigDict(frozen=True)

    pipeline: str
    run_id: str
    step: str
    map_index: int = -1
    try_id: str
    try_number: int
    attempt: int

    @classmethod
    def of(cls, context: StepContext) -> Writer:
        """Return the writer that a step's context names."""
        return cls.model_validate(context.model_dump(include=set(cls.model_fields)))

    def same_step(self, other: Writer) -> bool:
        """Tell whether both are attempts of one step of one run."""
        return self._step() == other._step()

    def older_than(self, other: Writer) -> bool:
        """Tell whether this attempt was started before another one of the same step.

        Airflow's try ids are UUIDs of version 7, which order by time also when a run is deleted
        and made again, so that its try numbers come back; other ids leave it to the try number.
        """
        if self.try_id == other.try_id:
            return self.attempt < other.attempt
        mine, others = _moment(self.try_id), _moment(other.try_id)
        if mine is not None and others is not None and mine != others:
            return mine < others
        return (self.try_number, self.attempt) < (other.try_number, other.attempt)

    def _step(self) -> tuple[str, str, str, int]:
        return (self.pipeline, self.run_id, self.step, self.map_index)


def _moment(try_id: str) -> int | None:
    try:
        parsed = uuid.UUID(try_id)
    except ValueError:
        return None
    return parsed.int if parsed.version == _UUID_WITH_TIME else None


class Published(BaseModel):
    """Hold what one published partition is: who wrote it, how much, in which snapshot."""

    model_config = ConfigDict(frozen=True)

    writer: Writer
    snapshot_id: int
    rows: int
    bytes: int
    quarantined_by_rule: dict[str, int] = Field(default_factory=dict)
    fingerprint: str = ""
    published_at: dt.datetime

    def output(self, dataset: str, day: dt.date, *, already: bool = False) -> OutputRef:
        """Return the reference a step's result carries."""
        return OutputRef(
            dataset=dataset,
            business_date=day,
            snapshot_id=self.snapshot_id,
            rows=self.rows,
            bytes=self.bytes,
            quarantined_rows=sum(self.quarantined_by_rule.values()),
            quarantined_by_rule=self.quarantined_by_rule,
            already_published=already,
        )


def property_of(day: dt.date) -> str:
    """Return the table property that holds a partition's record."""
    return f"{_PREFIX}{day.isoformat()}"


def published_of(table: Table, day: dt.date) -> Published | None:
    """Return the record of a partition, or None where it was never published."""
    text = table.properties.get(property_of(day))
    return None if text is None else Published.model_validate_json(text)


def published_dates(table: Table) -> list[dt.date]:
    """Return the published partitions in order."""
    return sorted(
        dt.date.fromisoformat(key.removeprefix(_PREFIX))
        for key in table.properties
        if key.startswith(_PREFIX)
    )


def may_publish(where: str, writer: Writer, basis: str, found: Published) -> bool:
    """Tell whether an attempt is to publish: False where its try has done so before.

    Args:
        where: The partition, for errors.
        writer: The attempt that wants to publish.
        basis: Try that had published the partition when the attempt began; empty for none.
        found: What is published now.

    Raises:
        StaleAttemptError: A newer attempt of the same step has published.
        PartitionConflictError: Another step or run has published since the attempt began.
    """
    holder = found.writer
    if writer.same_step(holder) and writer.older_than(holder):
        raise StaleAttemptError(
            where,
            expected="the newest attempt of its run to publish",
            got=f"try {writer.try_number} attempt {writer.attempt} after try "
            f"{holder.try_number} attempt {holder.attempt} had published",
            hint="Nothing needs doing: the newer attempt's result stands.",
        )
    if writer.try_id == holder.try_id:
        return False
    if writer.same_step(holder) or holder.try_id == basis:
        return True
    raise PartitionConflictError(
        where,
        expected="nobody else to publish this partition meanwhile",
        got=f"a publish by run {holder.run_id} of {holder.pipeline} ({holder.step})",
        hint="Retry: the step then works on top of what is there now. If it keeps happening, "
        "two pipelines write this dataset: let only one.",
    )
