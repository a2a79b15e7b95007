"""What a look of the checks of pipelines and data costs: `python -m tests.bench.checks_look`.

A real ledger (sqlite in a temporary folder) with 90 business dates of some pipelines of ten steps;
then looks a minute apart by the real gathering. The hourly checks look in the first one only, as
they do in the watcher.
"""

from __future__ import annotations

import argparse
import datetime as dt
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stationmaster.ledger.records import AttemptRecord
from stationmaster.ledger.store import Ledger
from stationmaster.monitor.checks.every import BUSINESS, PIPELINE
from stationmaster.monitor.checks.looking import Outcome, look_at
from stationmaster.monitor.facts.gathering import Gathering
from stationmaster.step.protocol import OutputRef, ResultStatus, StepContext, StepResult
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW: Final = dt.datetime(2011, 11, 22, 9, 0, tzinfo=dt.UTC)
DAYS: Final = 90
STEPS: Final = 10
HOURLY: Final = dt.timedelta(minutes=30)


def records(pipelines: int) -> Iterator[AttemptRecord]:
    """Yield an attempt for each step of each pipeline and day, each as the day before, nearly."""
    for number in range(pipelines * STEPS * DAYS):
        rest, step = divmod(number, STEPS)
        pipeline, back = divmod(rest, DAYS)
        day = NOW.date() - dt.timedelta(days=back + 1)
        begun = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(6, 4 * step), dt.UTC)
        output = OutputRef(
            dataset=f"dataset_{pipeline}_{step}", business_date=day, rows=1000 + number % 97
        )
        context = StepContext(
            pipeline=f"pipeline_{pipeline}",
            run_id=f"scheduled__{day}",
            step=f"step_{step}",
            job=f"job-{step}",
            try_id=f"try-{number}",
            business_date=day,
        )
        ended = begun + dt.timedelta(seconds=60 + number % 11)
        yield AttemptRecord.of(
            context,
            result=StepResult(
                status=ResultStatus.DONE,
                outputs=(output,),
                figures={f"dataset_{pipeline}_{step}/total": float(number % 97)},
            ),
            started_at=begun,
            finished_at=ended,
            recorded_at=ended,
            verdict="succeeded",
            asked_memory_bytes=2**30,
        )


def main() -> None:
    """Print CPU seconds of some looks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pipelines", type=int, default=10)
    pipelines = parser.parse_args().pipelines
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder))
        ledger = Ledger.open(settings.ledger_location)
        made = list(records(pipelines))
        for start in range(0, len(made), 1000):
            ledger.record_all(made[start : start + 1000])
        ledger.close()
        with Gathering(settings) as gathering:
            for minute in range(5):
                often = [each for each in (*PIPELINE, *BUSINESS) if each.every < HOURLY]
                checks = often if minute else (*PIPELINE, *BUSINESS)
                begun = time.process_time()
                look = look_at(gathering.facts(NOW + dt.timedelta(minutes=minute)), checks)
                took = time.process_time() - begun
                unknown = sum(each.outcome is Outcome.UNKNOWN for each in look.checks)
                print(  # noqa: T201 (a bench says what it measured)
                    f"look {minute + 1}: {len(checks)} checks, {len(made):,} attempts, "
                    f"{took:.2f} s of CPU, {len(look.findings)} findings, {unknown} unknown"
                )


if __name__ == "__main__":
    main()
