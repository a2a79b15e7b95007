"""What the commands on the ledger share: opening it, and reading a day of an option."""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from stationmaster.ledger.engine import make_engine
from stationmaster.ledger.store import Ledger
from stationmaster.step.errors import MisconfiguredError, TemporaryError
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    import sqlalchemy as sa

__all__ = ["answering", "opened_engine", "opened_ledger", "read_day"]


@contextmanager
def answering(name: str) -> Iterator[None]:
    """Say of a ledger's database that is away, or refuses us, what to do about it.

    Raises:
        TemporaryError: It did not let us in, or did not answer.
    """
    try:
        yield
    except DBAPIError as error:
        raise TemporaryError(
            where=f"ledger at {name}",
            expected="a database that lets us in and answers",
            got=" ".join(str(error.orig).split()),
            hint="Start the database, or correct STATIONMASTER_LEDGER_URI and its user's rights.",
        ) from error


@contextmanager
def opened_ledger() -> Iterator[Ledger]:
    """Open the ledger that the settings name, and close it afterwards.

    Raises:
        TemporaryError: Its database does not let us in, or does not answer.
    """
    ledger = Ledger.open(Settings().ledger_location)
    try:
        with answering(ledger.name):
            yield ledger
    finally:
        ledger.close()


@contextmanager
def opened_engine() -> Iterator[sa.Engine | None]:
    """Open the ledger's database for questions of one's own; None where nobody has made it yet.

    Raises:
        TemporaryError: It does not let us in, or does not answer.
    """
    with opened_ledger() as ledger:
        if ledger.is_missing:
            yield None
            return
        ledger.last(1)  # brings a laptop's file up, and refuses a schema that does not fit
        engine = make_engine(Settings().ledger_location)
        try:
            yield engine
        finally:
            engine.dispose()


def read_day(text: str | None, option: str, *, expected: str) -> dt.date | None:
    """Return the day that an option names, None where it is left out.

    Args:
        text: YYYY-MM-DD.
        option: For the error: its name.
        expected: For the error: what such a day is, with an example.

    Raises:
        MisconfiguredError: It is no day.
    """
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise MisconfiguredError(
            where=option, expected=expected, got=text, hint="Write it as YYYY-MM-DD."
        ) from error
