"""What a step of the simulated world is going to do, before it does it; faults change it here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from stationmaster.step.protocol import StepFailure, StepResult

__all__ = ["INFRASTRUCTURE", "RunPlan", "StepPlan", "Table", "Trip"]

INFRASTRUCTURE: Final = frozenset({"preempted", "node_lost", "drained", "evicted"})
"""Verdicts after which the next attempt starts inside the same try."""


class Table(NamedTuple):
    """Hold what a step writes of one dataset."""

    rows: int
    quarantined: int = 0


@dataclass(frozen=True, kw_only=True)
class Trip:
    """Hold an attempt that does not do its work.

    Args:
        verdict: Why it ends.
        seconds: After how long.
        exit_code: Of its process.
        sentence: What the ledger says of it.
        hint: What to do next, as the ledger has it.
        error: What the step itself says.
        peak_share: Of the memory that it has, at its end.
    """

    verdict: str
    seconds: float = 20.0
    exit_code: int | None = 1
    sentence: str = ""
    hint: str = ""
    error: StepFailure | None = None
    peak_share: float = 0.4


@dataclass(frozen=True, kw_only=True)
class StepPlan:
    """Hold one step of one run.

    Args:
        pipeline: Whose.
        step: Which.
        job: What it runs.
        day: The business date.
        run_id: The run's.
        after: Steps that end before it begins.
        source: What it waits for, "" for nothing.
        tables: What it writes, by dataset.
        report: Name of the report that it publishes, "" for none.
        seconds: How long its work takes.
        memory_bytes: The peak of its work.
        asked_bytes: What it asks for.
        cores: What it asks for.
        large_node: It runs on a node of 192 cores, else on one of 4.
        figures: Numbers that it says.
        trips: Attempts before it does its work.
        fails: None: it ends well after the trips; else the last trip is for good, until somebody
            clears it at this moment (a moment far away: nobody does).
        stuck_until: It does not end before.
        delay_seconds: How long it waits for a place.
        skipped: Airflow leaves it out.
        says: What the step itself said, where it was really run.
        forgets_report: It ends well without the report's file.
        stale_report: The file is the day before's.
    """

    pipeline: str
    step: str
    job: str
    day: dt.date
    run_id: str
    after: tuple[str, ...] = ()
    source: str = ""
    tables: Mapping[str, Table] = field(default_factory=dict)
    report: str = ""
    seconds: float = 60.0
    memory_bytes: float = 300e6
    asked_bytes: int = 2**30
    cores: float = 0.5
    large_node: bool = False
    figures: Mapping[str, float] = field(default_factory=dict)
    trips: tuple[Trip, ...] = ()
    fails: dt.datetime | None = None
    stuck_until: dt.datetime | None = None
    delay_seconds: float = 8.0
    skipped: bool = False
    says: StepResult | None = None
    forgets_report: bool = False
    stale_report: bool = False

    def scaled(self, factor: float) -> StepPlan:
        """Return it with so many times the rows, and figures that follow them."""
        tables = {
            name: Table(round(each.rows * factor), round(each.quarantined * factor))
            for name, each in self.tables.items()
        }
        figures = {name: value * factor for name, value in self.figures.items()}
        return replace(self, tables=tables, figures=figures)


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """Hold one run of a pipeline.

    Args:
        pipeline: Whose.
        run_id: Airflow's.
        day: The business date.
        at: When Airflow may start it.
        hour: Of the day, for what runs every hour.
        retries: How often a step is tried again.
        kind: scheduled or backfill.
    """

    pipeline: str
    run_id: str
    day: dt.date
    at: dt.datetime
    hour: int | None = None
    retries: int = 3
    kind: str = "scheduled"
