"""The commands `stationmaster forecast steps` and `deadline`: from the ledger's rows."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stationmaster.ledger.opening import opened_engine
from stationmaster.monitor.series.anomaly_commands import (
    AsJson,  # noqa: TC001 (typer reads the annotations)
)
from stationmaster.monitor.series.forecast import HORIZON_DAYS
from stationmaster.monitor.series.ledgerrows import StepRow, read_steps
from stationmaster.monitor.series.outlooks import (
    GIB,
    StepOutlook,
    creeping_outlook,
    memory_outlook,
    pool_outlook,
)
from stationmaster.monitor.series.runrows import run_chance, runs_of
from stationmaster.monitor.series.stepseries import (
    Measure,
    memory_at_once,
    memory_given,
    step_series,
)
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["deadline", "outlooks_of", "steps"]

Pipeline = Annotated[str | None, typer.Option(help="Only this pipeline (DAG).")]


def steps(  # noqa: PLR0913 (the options of a command)
    *,
    pipeline: Pipeline = None,
    step: Annotated[str | None, typer.Option(help="Only this step (task).")] = None,
    days: Annotated[int, typer.Option(min=14, help="How far back to look.")] = 84,
    horizon: Annotated[int, typer.Option(min=1, max=180, help="Days ahead.")] = HORIZON_DAYS,
    pool_memory_gib: Annotated[
        float | None, typer.Option(min=0.1, help="What a node pool may have, for its outlook.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what has no trend.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what the ledger's steps are heading for: out of memory, slower, more set aside."""
    since = dt.datetime.now(dt.UTC).date() - dt.timedelta(days=days)
    rows = _rows(since, pipeline, step)
    cap = None if pool_memory_gib is None else round(pool_memory_gib * GIB)
    found = [
        each for each in outlooks_of(rows, horizon=horizon, cap=cap) if everything or each.is_due
    ]
    if as_json:
        typer.echo(json.dumps([each.as_document() for each in found], indent=2))
        return
    for each in found:
        typer.echo(f"{each.sentence} {each.action}".strip())
    if not found:
        typer.echo(f"Nothing is heading for a limit within {horizon} days.")


def deadline(  # noqa: PLR0913 (the options of a command)
    pipeline: Annotated[str, typer.Argument(help="The pipeline (DAG).")],
    *,
    by: Annotated[str, typer.Option(help="When it should be done: 2011-11-22T07:00+00:00.")],
    run: Annotated[str | None, typer.Option(help="The run's id; the newest by default.")] = None,
    at: Annotated[str | None, typer.Option(help="As known at this moment; now by default.")] = None,
    days: Annotated[int, typer.Option(min=7, help="How far back to look.")] = 60,
    as_json: AsJson = False,
) -> None:
    """Say how likely a run that goes misses its deadline, by the durations of past runs."""
    due = _moment(by, "--by")
    now = dt.datetime.now(dt.UTC) if at is None else _moment(at, "--at")
    rows = _rows((now - dt.timedelta(days=days)).date(), pipeline, None)
    known = [_as_known(row, now) for row in rows if _began(row) <= now]
    runs = runs_of(known)
    if not runs:
        raise MisconfiguredError(
            where=f"pipeline {pipeline}",
            expected=f"runs in the ledger within {days} days",
            got="none",
            hint="Look at its name in `stationmaster ledger show`, or raise --days.",
        )
    told, finish = run_chance(runs, run or runs[-1].run_id, now=now, deadline=due)
    document: dict[str, Any] = {
        "pipeline": pipeline,
        "run": run or runs[-1].run_id,
        "deadline": due.isoformat(),
        "chance_to_miss": told.chance,
        "finish": None if finish is None else finish.isoformat(timespec="seconds"),
        "critical": [{"step": name, "share": share} for name, share in told.critical],
        "past_runs": told.runs,
        "reason": told.why,
    }
    if as_json:
        typer.echo(json.dumps(document, indent=2))
        return
    typer.echo(f"{pipeline}, {document['run']}: {told.why}")
    if finish is not None:
        slowest = ", ".join(f"{name} ({share * 100:.0f} %)" for name, share in told.critical[:3])
        typer.echo(f"  done about {finish:%H:%M:%S} UTC; the longest way: {slowest or 'all done'}.")


def outlooks_of(
    rows: Sequence[StepRow], *, horizon: int = HORIZON_DAYS, cap: int | None = None
) -> list[StepOutlook]:
    """Return what steps and pools are heading for.

    Args:
        rows: Of the ledger, in order of recording.
        horizon: Days ahead.
        cap: Memory that each node pool may have, bytes; None: not asked.
    """
    given = memory_given(rows)
    found = [
        memory_outlook(str(name), series, given[name], horizon=horizon)
        for name, series in step_series(rows, Measure.PEAK_MEMORY).items()
        if name in given
    ]
    for measure in (Measure.DURATION, Measure.QUARANTINE):
        found += [
            creeping_outlook(str(name), series, measure, horizon=horizon)
            for name, series in step_series(rows, measure).items()
        ]
    if cap is not None:
        found += [
            pool_outlook(pool or "no pool", series, cap, horizon=horizon)
            for pool, series in memory_at_once(rows).items()
        ]
    return found


def _rows(since: dt.date, pipeline: str | None, step: str | None) -> list[StepRow]:
    with opened_engine() as engine:
        if engine is None:
            return []
        return read_steps(engine, since=since, pipeline=pipeline, step=step)


def _moment(text: str, option: str) -> dt.datetime:
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise MisconfiguredError(
            where=option,
            expected="a moment such as 2011-11-22T07:00+00:00",
            got=text,
            hint="Write it in ISO 8601; without an offset it is UTC.",
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def _began(row: StepRow) -> dt.datetime:
    return row.started_at or row.queued_at or row.recorded_at


def _as_known(row: StepRow, now: dt.datetime) -> StepRow:
    """Return a row as it was at a moment: what ended later goes on."""
    over = row.finished_at is not None and row.finished_at <= now
    return row if over else row._replace(verdict=None, finished_at=None)
