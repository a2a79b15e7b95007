"""Real steps on real data with a real fault in their source: what they say, the world repeats."""

from __future__ import annotations

import datetime as dt
import functools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from extract_app.job import run as extract_app
from extract_delivery.job import run as extract_delivery
from extract_support.job import run as extract_support
from extract_web.job import run as extract_web
from stationmaster.sources.days import generate_day
from stationmaster.sources.faults import inject
from stationmaster.sources.retail import fetch
from stationmaster.sources.support_api import running_api, token
from stationmaster.sources.world import World
from stationmaster.step.settings import Settings
from stationmaster.step.testing import run_job
from tests.monitor_drill.plans import Trip

if TYPE_CHECKING:
    from stationmaster.step import Job
    from stationmaster.step.protocol import StepResult

__all__ = ["real_step", "trip_of"]

JOBS: Final[dict[str, Job[...]]] = {
    "web": extract_web,
    "app": extract_app,
    "delivery": extract_delivery,
    "support": extract_support,
}
VERDICTS: Final = {65: "contract_broken", 69: "upstream_unavailable", 75: "temporary"}
IMPATIENT: Final = {"answer_seconds": 0.3, "patience_seconds": 3.0}


def real_step(source: str, fault: str, day: dt.date) -> tuple[int, StepResult]:
    """Play a source's day, put a fault in, and extract it; return exit code and last word."""
    with tempfile.TemporaryDirectory(prefix="sm-drill-step-") as folder:
        home = Path(folder)
        settings = Settings(home=home, data=Settings().data_folder)
        token(settings)
        for back in (1, 0):
            generate_day(_sources(), settings, day - dt.timedelta(days=back))
        inject(settings, fault, source, day)
        with running_api(settings) as url:
            done = run_job(
                JOBS[source],
                day,
                home=home,
                params=IMPATIENT if source == "support" else {},
                settings={"data": settings.data, "support_api_url": url},
            )
        return done.exit_code, done.left


def trip_of(source: str, fault: str, day: dt.date) -> Trip:
    """Return the attempt that a real step with a fault makes, as the ledger has it."""
    code, result = real_step(source, fault, day)
    if result.error is None:
        message = f"expected {source}:{fault} to stop its step, got exit code {code}"
        raise AssertionError(message)
    told = result.error
    return Trip(
        verdict=VERDICTS[code],
        exit_code=code,
        sentence=f"{told.where}: expected {told.expected}, got {told.got}.",
        hint=told.hint,
        error=told,
    )


@functools.cache
def _sources() -> World:
    return World(fetch(Settings(), progress=lambda _: None))
