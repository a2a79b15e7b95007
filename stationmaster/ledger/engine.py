"""A connection to the ledger's database: sqlite on a laptop, Postgres on a cluster."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["STATEMENT_SECONDS", "is_missing", "make_engine", "safe_name", "transaction"]

STATEMENT_SECONDS: Final = 5
"""How long one statement of recording or reading may take on Postgres."""

SQLITE_LOCK_SECONDS: Final = 15
"""How long a writer waits for the others; sqlite lets one write at a time."""

WRITES: Final = "stationmaster_writes"

POSTGRES: Final[dict[str, Any]] = {
    "connect_timeout": 3,
    "application_name": "stationmaster-ledger",
    # A peer that is gone without a word is noticed in seconds, not in the kernel's 15 minutes.
    "tcp_user_timeout": 5000,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
}
"""https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS"""


def make_engine(uri: str) -> sa.Engine:
    """Return an engine for a SQLAlchemy URI; connects to nothing yet.

    `postgres://` and `postgresql://`, with any driver, mean psycopg2: the one that comes along.

    Raises:
        MisconfiguredError: No URI, or one of another database.
    """
    url = _parse(uri)
    if url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"}:
        return _sqlite(url)
    if url.drivername.split("+", maxsplit=1)[0] in {"postgres", "postgresql"}:
        return _postgres(url.set(drivername="postgresql+psycopg2"))
    raise _unusable(got=_without_passwords(url))


def is_missing(engine: sa.Engine) -> bool:
    """Tell whether the database is a file that nobody has made yet."""
    return engine.dialect.name == "sqlite" and not Path(str(engine.url.database)).exists()


def safe_name(engine: sa.Engine) -> str:
    """Return the database's URI without its password, wherever that stands, for messages."""
    return _without_passwords(engine.url)


@contextmanager
def transaction(
    engine: sa.Engine, *, writes: bool = False, seconds: float = STATEMENT_SECONDS
) -> Iterator[sa.Connection]:
    """Run a block in one transaction whose statements each end in time.

    Args:
        engine: Of `make_engine`.
        writes: Take sqlite's write lock at the start: two that read first and write then would
            end each other.
        seconds: Most a statement may take, and wait for a lock (Postgres).
    """
    with engine.connect().execution_options(**{WRITES: writes}) as connection, connection.begin():
        if engine.dialect.name == "postgresql":
            # Per transaction, not per connection: a pooler in front hands connections around.
            milliseconds = int(seconds * 1000)
            # To compile a question takes longer than any of ours takes to be answered.
            connection.exec_driver_sql(
                f"SET LOCAL statement_timeout = {milliseconds}; "
                f"SET LOCAL lock_timeout = {milliseconds}; SET LOCAL jit = off"
            )
        yield connection


def _without_passwords(url: sa.URL) -> str:
    """Return a URI as text; libpq takes passwords among its parameters too."""
    secret = [name for name in url.query if "password" in name.lower()]
    return url.difference_update_query(secret).render_as_string(hide_password=True)


def _parse(uri: str) -> sa.URL:
    try:
        return sa.make_url(uri)
    except (ArgumentError, ValueError) as error:
        # The text may hold a password in the wrong place: it is not repeated.
        raise _unusable(got="a text that is no URI") from error


def _sqlite(url: sa.URL) -> sa.Engine:
    Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(url, connect_args={"timeout": SQLITE_LOCK_SECONDS})
    sa.event.listen(engine, "connect", _leave_transactions_to_us)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _leave_transactions_to_us(connection: Any, _record: Any) -> None:  # noqa: ANN401 (the driver's)
    """Keep Python's sqlite3 from ending a transaction at each CREATE TABLE."""
    connection.isolation_level = None


def _begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgres(url: sa.URL) -> sa.Engine:
    own = {name: value for name, value in POSTGRES.items() if name not in url.query}
    return sa.create_engine(
        url,
        connect_args=own,
        pool_size=2,
        max_overflow=2,
        pool_timeout=STATEMENT_SECONDS,
        pool_pre_ping=True,
        pool_recycle=1800,
    )


def _unusable(*, got: str) -> MisconfiguredError:
    return MisconfiguredError(
        where="STATIONMASTER_LEDGER_URI",
        expected="sqlite:///<file> or postgresql://<user>:<password>@<host>/<database>",
        got=got,
        hint="Correct the variable; leave it out for a file below STATIONMASTER_HOME.",
    )
