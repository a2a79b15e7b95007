"""Where an attempt's time went, from the times of its record; pure functions."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from stationmaster.ledger.records import AttemptRecord

__all__ = ["PhaseName", "PhaseSpan", "phases_of", "seconds_of", "total_seconds"]


class PhaseName(StrEnum):
    """Name the spans of a step, in their order."""

    QUEUE = "queue"
    """From queued to the pod's creation: Airflow's and ours."""
    SCHEDULE = "schedule"
    """From the pod's creation to its node: the cluster's, and the autoscaler's."""
    PULL = "pull"
    """From the node to the image on it."""
    START = "start"
    """From the image (or the node, where the pull is not known) to the process."""
    RUN = "run"
    """From the process's start to its end: the step's own."""
    RECORD = "record"
    """From the end to the record of it: ours."""


BOUNDS: Final = (
    ("queued_at", None),
    ("created_at", PhaseName.QUEUE),
    ("scheduled_at", PhaseName.SCHEDULE),
    ("pulled_at", PhaseName.PULL),
    ("started_at", PhaseName.START),
    ("finished_at", PhaseName.RUN),
    ("recorded_at", PhaseName.RECORD),
)
"""Which time ends which span; a span starts where the last known one ended."""


class PhaseSpan(BaseModel):
    """Hold one span of an attempt."""

    model_config = ConfigDict(frozen=True)

    name: PhaseName
    start: AwareDatetime
    end: AwareDatetime

    @property
    def seconds(self) -> float:
        """Return its length."""
        return (self.end - self.start).total_seconds()


def phases_of(record: AttemptRecord) -> tuple[PhaseSpan, ...]:
    """Return the spans whose ends are known, in order, without gaps and without overlaps.

    Where a time is missing, the span after it takes over the one before it. An attempt that ended
    without having started was scheduled, or started, until its end: it has no `run`. Kubernetes
    cuts its times to whole seconds (metav1.Time), Airflow and we do not: a time that seems to lie
    before the one before it is taken as equal to it, so that no span is negative and their sum is
    the whole.
    """
    spans: list[PhaseSpan] = []
    last: dt.datetime | None = None
    for name, ends in BOUNDS:
        moment: dt.datetime | None = getattr(record, name)
        if moment is None or (ends is PhaseName.RECORD and record.verdict is None):
            continue  # an attempt that goes on has a record, but not of its end
        if last is not None and ends is not None:
            moment = max(moment, last)
            spans.append(PhaseSpan(name=_endured(record, ends), start=last, end=moment))
        last = moment
    return tuple(spans)


def _endured(record: AttemptRecord, ends: PhaseName) -> PhaseName:
    """Return what went on until a span's end: without a process nothing ran."""
    if ends is not PhaseName.RUN or record.started_at is not None:
        return ends
    return PhaseName.SCHEDULE if record.scheduled_at is None else PhaseName.START


def seconds_of(record: AttemptRecord) -> dict[PhaseName, float]:
    """Return how long each known span took."""
    return {span.name: span.seconds for span in phases_of(record)}


def total_seconds(records: Iterable[AttemptRecord]) -> Mapping[PhaseName, float]:
    """Return the sum of each span over many attempts, 0 for a span that none has."""
    sums = dict.fromkeys(PhaseName, 0.0)
    for record in records:
        for name, seconds in seconds_of(record).items():
            sums[name] += seconds
    return sums
