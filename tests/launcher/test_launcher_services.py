"""What the launcher tries again, and what it does not."""

from __future__ import annotations

import asyncio
import functools
import sqlite3
import threading
from typing import TYPE_CHECKING, Any, cast

import pytest
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, ProgrammingError

from stationmaster.airflow.launcher.services import Services
from stationmaster.airflow.launcher.threads import Threads

if TYPE_CHECKING:
    from sqlalchemy.exc import DBAPIError


def tried(errors: list[Exception]) -> tuple[object, list[Exception]]:
    """Return what a call of the database returned that first raises these, and what is left."""
    nothing = cast("Any", None)
    services = Services(api=nothing, preparation=nothing, platform=nothing, logs=nothing)

    def call() -> str:
        if errors:
            raise errors.pop(0)
        return "done"

    said: list[str] = []
    return asyncio.run(services.persistently(call, say=said.append)), errors


def test_a_database_that_is_away_is_waited_for() -> None:
    """Two broken connections cost two pauses, and nothing is decided meanwhile."""
    away = [OperationalError("SELECT 1", {}, sqlite3.OperationalError()) for _ in range(2)]
    assert tried([*away]) == ("done", [])


@pytest.mark.parametrize("kind", [DataError, IntegrityError, ProgrammingError])
def test_what_the_database_refuses_is_raised_at_once(kind: type[DBAPIError]) -> None:
    """A text with a NUL, say, is refused each time: a worker tells of it in the task's log."""
    with pytest.raises(kind):
        tried([kind("INSERT", {}, sqlite3.IntegrityError())])


def test_the_weightiest_call_is_next() -> None:
    """While one step is rendered others wait: of those an urgent one is next, then the oldest."""
    came: list[str] = []

    async def main() -> None:
        threads = Threads(1, "test")
        going = threading.Event()
        first = asyncio.create_task(threads.run(going.wait))
        await asyncio.sleep(0)
        waiting = [
            asyncio.create_task(threads.run(functools.partial(came.append, name), weight))
            for name, weight in (("first", 1), ("second", 1), ("urgent", 1000))
        ]
        await asyncio.sleep(0)
        going.set()
        await asyncio.gather(first, *waiting)

    asyncio.run(main())
    assert came == ["urgent", "first", "second"]
