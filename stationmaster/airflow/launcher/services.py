"""What all steps of a launcher share: the API, the cluster, the logs, threads that may block."""

from __future__ import annotations

import asyncio
import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from stationmaster.airflow.launcher.threads import Threads
from stationmaster.airflow.logs.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from stationmaster.airflow.launcher.api import TaskApi
    from stationmaster.airflow.launcher.platform import StepsPlatform
    from stationmaster.airflow.launcher.preparing import Preparation
    from stationmaster.airflow.logs.platform import PlatformLogs

__all__ = ["Services"]

Answer = TypeVar("Answer")

THREADS: Final = 6
QUICK_THREADS: Final = 2
"""Each thread may hold one connection to the database: below Airflow's pool of 5 + 10."""

SIZING_THREADS: Final = 4

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 10.0
PASSING: Final = (DBAPIError, PoolTimeoutError, OSError, httpx.TransportError)
SERVER_ERROR: Final = 500


@dataclass
class Services:
    """Hold them."""

    api: TaskApi
    preparation: Preparation
    platform: StepsPlatform
    logs: PlatformLogs
    reading: Turns = field(default_factory=Turns)
    threads: Threads = field(default_factory=lambda: Threads(THREADS, "airflow"))
    quick: Threads = field(default_factory=lambda: Threads(QUICK_THREADS, "rows"))
    rendering: Threads = field(default_factory=lambda: Threads(1, "rendering"))
    """Airflow's SDK speaks for one task at a time; a slow secrets backend holds only this."""
    sizing: Threads = field(default_factory=lambda: Threads(SIZING_THREADS, "sizing"))
    """Asks the ledger: one that is slow holds up new steps, and nothing of those that run."""

    async def quickly(
        self,
        call: Callable[..., Answer],
        *arguments: Any,  # noqa: ANN401 (whatever the call takes)
        say: Callable[[str], None],
        weight: float = 0.0,
    ) -> Answer:
        """Do as `persistently`, in threads that nothing slow ever holds."""
        return await self.persistently(call, *arguments, say=say, threads=self.quick, weight=weight)

    async def persistently(
        self,
        call: Callable[..., Answer],
        *arguments: Any,  # noqa: ANN401 (whatever the call takes)
        say: Callable[[str], None],
        threads: Threads | None = None,
        weight: float = 0.0,
    ) -> Answer:
        """Call in a thread what blocks on the database, until the database answers.

        Nothing is decided while it does not answer: steps go on meanwhile. A pause holds no
        thread. What is weightier comes first.
        """
        pause = FIRST_PAUSE
        while True:
            try:
                work = functools.partial(call, *arguments)
                return await (threads or self.threads).run(work, weight)
            except (DataError, IntegrityError, ProgrammingError):
                raise
            except PASSING as error:
                problem: Exception = error
            except httpx.HTTPStatusError as error:
                if error.response.status_code < SERVER_ERROR:
                    raise
                problem = error
            if pause >= LONGEST_PAUSE / 2:
                say(f"Airflow's database does not answer; trying on: {_first_line(problem)}")
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
