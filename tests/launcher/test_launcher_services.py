"""What the launcher tries again, and what it does not."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import TYPE_CHECKING, Any, cast

import pytest
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, ProgrammingError

from stationmaster.airflow.launcher.services import Services

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
