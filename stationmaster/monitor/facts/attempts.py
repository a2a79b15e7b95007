"""One attempt as monitoring reads it from the ledger."""

from __future__ import annotations

import datetime as dt
import math
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from stationmaster.monitor.series.ledgerrows import ENDED_WELL, StepRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Attempt", "Output", "StepError", "attempt_of"]

SHORT: Final = 200


class Output(NamedTuple):
    """Hold one partition or file set that an attempt wrote."""

    dataset: str
    business_date: dt.date
    rows: int = 0
    quarantined_rows: int = 0
    snapshot_id: int | None = None
    uri: str = ""
    staged: bool = False
    already_published: bool = False


class StepError(NamedTuple):
    """Hold why a step says that it failed."""

    kind: str = ""
    where: str = ""
    expected: str = ""
    got: str = ""
    hint: str = ""
    message: str = ""


class Attempt(NamedTuple):
    """Hold what is read of one attempt; names as in the ledger."""

    pipeline: str
    step: str
    run_id: str
    business_date: dt.date
    recorded_at: dt.datetime
    job: str = ""
    try_id: str = ""
    shard: int = 0
    attempt: int = 1
    shards: int = 1
    map_index: int = -1
    try_number: int = 1
    verdict: str | None = None
    exit_code: int | None = None
    sentence: str = ""
    hint: str = ""
    queued_at: dt.datetime | None = None
    created_at: dt.datetime | None = None
    started_at: dt.datetime | None = None
    finished_at: dt.datetime | None = None
    node: str = ""
    node_pool: str = ""
    namespace: str = ""
    pod_name: str = ""
    asked_memory_bytes: int | None = None
    peak_memory_bytes: int | None = None
    wall_seconds: float | None = None
    rows_written: int | None = None
    trace_id: str = ""
    outputs: tuple[Output, ...] = ()
    figures: Mapping[str, float] = {}
    part_figures: Mapping[str, float] = {}
    notes: tuple[str, ...] = ()
    error: StepError | None = None

    @property
    def begun_at(self) -> dt.datetime:
        """Return the first moment that is known of it."""
        known = (self.queued_at, self.created_at, self.started_at)
        return min((each for each in known if each is not None), default=self.recorded_at)

    @property
    def ended_at(self) -> dt.datetime | None:
        """Return when it ended; None: it goes on."""
        return None if self.verdict is None else self.finished_at or self.recorded_at

    @property
    def is_done(self) -> bool:
        """Tell whether it did its work."""
        return self.verdict == ENDED_WELL

    @property
    def has_failed(self) -> bool:
        """Tell whether it ended without doing its work."""
        return self.verdict is not None and not self.is_done

    @property
    def part(self) -> tuple[int, int]:
        """Return which part of its step it did."""
        return self.map_index, self.shard

    def as_known(self, now: dt.datetime) -> Attempt:
        """Return it as it was known at a moment: what ended later goes on."""
        ended = self.ended_at
        if ended is None or ended <= now:
            return self
        return self._replace(
            verdict=None,
            exit_code=None,
            sentence="",
            hint="",
            finished_at=None,
            outputs=(),
            figures={},
            part_figures={},
            notes=(),
            error=None,
        )

    def as_step_row(self) -> StepRow:
        """Return it as forecasts read it."""
        own = {name: getattr(self, name) for name in StepRow._fields if name in self._fields}
        return StepRow(**own, quarantined_rows=sum(each.quarantined_rows for each in self.outputs))


def attempt_of(row: Mapping[str, Any]) -> Attempt:
    """Return the attempt of a row of the ledger, with its columns' names.

    What a foreign image wrote into its result may be of any shape: what cannot be used is left out.
    """
    result = row.get("result")
    told = result if isinstance(result, dict) else {}
    own = {name: _shared(row[name]) for name in Attempt._fields if name in row}
    return Attempt(
        **own,
        outputs=tuple(_outputs(told.get("outputs"))),
        figures=_figures(told.get("figures")),
        part_figures=_figures(told.get("part_figures")),
        notes=tuple(each for each in _list(told.get("notes")) if isinstance(each, str)),
        error=_error(told.get("error")),
    )


def _shared(value: Any) -> Any:  # noqa: ANN401 (a column's value)
    """Return a short text as the one object that all equal ones are: names come again and again."""
    return sys.intern(value) if isinstance(value, str) and len(value) <= SHORT else value


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _outputs(told: object) -> Iterator[Output]:
    for each in _list(told):
        if not isinstance(each, dict) or not isinstance(each.get("dataset"), str):
            continue
        try:
            day = dt.date.fromisoformat(str(each.get("business_date")))
        except ValueError:
            continue
        snapshot = each.get("snapshot_id")
        yield Output(
            dataset=_shared(each["dataset"]),
            business_date=day,
            rows=_count(each.get("rows")),
            quarantined_rows=_count(each.get("quarantined_rows")),
            snapshot_id=snapshot if isinstance(snapshot, int) else None,
            uri=str(each.get("uri") or ""),
            staged=each.get("staged") is True,
            already_published=each.get("already_published") is True,
        )


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _figures(told: object) -> dict[str, float]:
    if not isinstance(told, dict):
        return {}
    numbers = {name: value for name, value in told.items() if isinstance(value, int | float)}
    return {name: float(value) for name, value in numbers.items() if math.isfinite(value)}


def _error(told: object) -> StepError | None:
    if not isinstance(told, dict):
        return None
    return StepError(**{name: str(told.get(name) or "") for name in StepError._fields})
