"""Run one step by hand: the same job, the same contract, no Airflow."""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated

import typer

from stationmaster.step.errors import BusinessDateError, MisconfiguredError
from stationmaster.step.incoming import check_business_date, parse_business_date
from stationmaster.step.jobfile import JobFile, jobs_folder, load_job, local_command
from stationmaster.step.process import ProcessOutcome, StepProcess
from stationmaster.step.protocol import Shard, StepContext
from stationmaster.step.settings import Settings
from stationmaster.step.summary import failure_lines, summary_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pydantic import JsonValue

__all__ = ["first_failure", "new_try_id", "run_step", "run_step_command"]


def run_step(  # noqa: PLR0913 (what a step can be told, one keyword each)
    job_name: str,
    business_date: dt.date,
    params: Mapping[str, JsonValue] | None = None,
    *,
    shards: int = 1,
    settings: Settings | None = None,
    on_line: Callable[[str], None] = print,
) -> list[ProcessOutcome]:
    """Run a job for one business date as local processes, one a shard, side by side.

    Args:
        job_name: A folder of the jobs folder.
        business_date: The partition to write.
        params: On top of the defaults of job.yaml.
        shards: In how many parts the work is split.
        settings: Where things are; by default what the environment says.
        on_line: Called with each line of the steps' logs, one line at a time.

    Raises:
        MisconfiguredError: The job or its command cannot be used.
        BusinessDateError: The date lies in the future.
    """
    settings = settings or Settings()
    folder = jobs_folder(settings)
    job = load_job(folder, job_name)
    check_business_date(business_date, settings)
    contexts = _contexts(job, business_date, params or {}, shards)
    return _Shards(contexts, local_command(job, folder), on_line).run()


def run_step_command(
    job: Annotated[str, typer.Argument(help="Name of the job, such as extract-web.")],
    date: Annotated[str, typer.Option(help="Business date, YYYY-MM-DD.")],
    to: Annotated[str, typer.Option(help="Last business date of a range.")] = "",
    param: Annotated[
        list[str] | None, typer.Option(help="Parameter as name=value; may be repeated.")
    ] = None,
    shards: Annotated[int, typer.Option(min=1, help="Parts to split the work into.")] = 1,
) -> None:
    """Run one step by hand and say what became of it; exits with the step's own code."""
    params = dict(_param(text) for text in param or [])
    for day in _days(date, to):
        outcomes = run_step(job, day, params, shards=shards, on_line=typer.echo)
        failed = first_failure(outcomes)
        if failed is not None:
            for line in failure_lines(f"{job} {day}", failed):
                typer.echo(line, err=True)
            raise typer.Exit(failed.exit_code or 1)
        typer.echo(summary_line(f"{job} {day}", outcomes))


def first_failure(outcomes: Sequence[ProcessOutcome]) -> ProcessOutcome | None:
    """Return how the step failed: the shard that failed by itself, not one stopped for it."""
    failed = [outcome for outcome in outcomes if not outcome.done]
    return min(failed, key=lambda outcome: outcome.stop_requested, default=None)


def new_try_id() -> str:
    """Return a UUID of version 7: unique, and sorted by time as Airflow's own try ids are."""
    stamp = time.time_ns() // 1_000_000
    number = (stamp << 80) | (7 << 76) | (secrets.randbits(12) << 64)
    number |= (2 << 62) | secrets.randbits(62)
    return str(uuid.UUID(int=number))


class _Shards:
    """Run the contexts of one step side by side; as soon as one fails, stop the others."""

    def __init__(
        self, contexts: list[StepContext], command: tuple[str, ...], on_line: Callable[[str], None]
    ) -> None:
        self._contexts = contexts
        self._command = command
        self._on_line = on_line
        self._one_at_a_time = threading.Lock()
        self._running: list[StepProcess] = []

    def run(self) -> list[ProcessOutcome]:
        """Return how each shard ended, in their order."""
        if len(self._contexts) == 1:
            return [self._one(self._contexts[0])]
        with ThreadPoolExecutor(len(self._contexts)) as pool:
            try:
                return list(pool.map(self._one, self._contexts))
            except BaseException:
                self._stop_all()
                raise

    def _one(self, context: StepContext) -> ProcessOutcome:
        shard = context.shard
        prefix = f"[shard {shard.index + 1} of {shard.count}] " if shard.count > 1 else ""

        def hand_on(line: str) -> None:
            with self._one_at_a_time:
                self._on_line(prefix + line)

        with StepProcess(context, self._command) as process:
            self._running.append(process)
            outcome = process.wait(hand_on)
        if not outcome.done:
            self._stop_all()
        return outcome

    def _stop_all(self) -> None:
        for process in self._running:
            process.stop()


def _contexts(
    job: JobFile, business_date: dt.date, params: Mapping[str, JsonValue], shards: int
) -> list[StepContext]:
    run = new_try_id()
    return [
        StepContext(
            pipeline="by_hand",
            run_id=f"by_hand__{run}",
            step=job.package,
            job=job.name,
            shard=Shard(index=index, count=shards),
            try_id=run,
            business_date=business_date,
            params={**job.params, **params},
            inputs=job.inputs,
            outputs=job.outputs,
            traceparent=os.environ.get("TRACEPARENT"),
        )
        for index in range(shards)
    ]


def _days(first: str, last: str) -> list[dt.date]:
    start = parse_business_date(first)
    end = parse_business_date(last) if last else start
    if end < start:
        raise BusinessDateError(
            where="--to",
            expected=f"{start} or a later date",
            got=f"{end}",
            hint="Swap the dates: --date is the first day, --to the last.",
        )
    return [start + dt.timedelta(days=n) for n in range((end - start).days + 1)]


def _param(text: str) -> tuple[str, JsonValue]:
    """Read name=value; a value that is JSON is meant as such, any other is a text."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise MisconfiguredError(
            where=f"--param {text!r}",
            expected="name=value",
            got="no name or no `=`",
            hint="Write it like `--param max_bad_lines=0.02`.",
        )
    try:
        parsed: JsonValue = json.loads(value)
    except ValueError:
        return name, value
    return name, parsed
