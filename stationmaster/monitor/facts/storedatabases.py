"""Try each database server that our URIs name: connect, ask, look who holds it."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections import defaultdict
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError

from stationmaster.ledger.engine import make_engine, transaction
from stationmaster.monitor.facts.stores import DatabaseState, LongTransaction
from stationmaster.monitor.facts.trouble import Streaks, Trouble, TroubleKind, kind_of
from stationmaster.monitor.facts.within import side_by_side

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["DatabaseProbe", "server_of"]

ALL_SECONDS: Final = 12.0
STATEMENT_SECONDS: Final = 4.0
ROUND_TRIPS: Final = 3

SENTENCES: Final = (
    ("translate host name", TroubleKind.NAME),
    ("connection refused", TroubleKind.CLOSED),
    ("no such file or directory", TroubleKind.CLOSED),
    ("no route to host", TroubleKind.ROUTE),
    ("network is unreachable", TroubleKind.ROUTE),
    ("authentication failed", TroubleKind.LOGIN),
    ("no password supplied", TroubleKind.LOGIN),
    ("pg_hba.conf", TroubleKind.LOGIN),
    ("certificate", TroubleKind.TLS),
    ("ssl", TroubleKind.TLS),
    ("database system is", TroubleKind.BUSY),
    ("role ", TroubleKind.LOGIN),
    ("too many", TroubleKind.FULL),
    ("connection slots", TroubleKind.FULL),
    ("timeout", TroubleKind.SILENT),
    ("closed the connection", TroubleKind.SILENT),
    ("is locked", TroubleKind.BUSY),
    ("unable to open", TroubleKind.FORBIDDEN),
    ("database ", TroubleKind.MISSING),
)
"""What libpq and sqlite say, in lower case, and what it means; the first that fits
(a connection that fails has no SQLSTATE)."""

STATES: Final = {"53300": TroubleKind.FULL, "53100": TroubleKind.FULL, "57014": TroubleKind.SILENT}
"""https://www.postgresql.org/docs/current/errcodes-appendix.html"""

SIZES: Final = """
    SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS used,
        current_setting('max_connections')::int
        - current_setting('superuser_reserved_connections')::int AS most,
        pg_database_size(current_database()) AS bytes
"""

LONGEST: Final = """
    SELECT pid, coalesce(usename, '') AS who, coalesce(application_name, '') AS application,
        xact_start, coalesce(state, '') AS state
    FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
        AND xact_start < now() - interval '1 second'
    ORDER BY xact_start LIMIT 1
"""


class _Answer(NamedTuple):
    seconds: float
    size: int
    connections: int | None = None
    most: int | None = None
    longest: LongTransaction | None = None


class DatabaseProbe:
    """Try databases; remembers since when one has not answered.

    Args:
        uris: Of each of our databases, by what is in it: ledger, catalog, airflow.
    """

    def __init__(self, uris: Mapping[str, str]) -> None:
        self._urls = {name: url for name, uri in uris.items() if (url := _parsed(uri)) is not None}
        self._streaks = Streaks()

    def look(self) -> tuple[DatabaseState, ...]:
        """Return each server that is there or should be; a sqlite file not yet made is left out."""
        servers: defaultdict[str, dict[str, sa.URL]] = defaultdict(dict)
        for name, url in self._urls.items():
            if not _is_unmade(url):
                servers[server_of(url)][name] = url
        return tuple(self._state(server, urls) for server, urls in sorted(servers.items()))

    def _state(self, server: str, urls: Mapping[str, sa.URL]) -> DatabaseState:
        distinct = sorted({str(url.database): url for url in urls.values()}.items())
        answers = side_by_side(ALL_SECONDS, [partial(_try, url) for _, url in distinct])
        names = tuple(sorted(urls))
        for (database, _), answer in zip(distinct, answers, strict=True):
            if isinstance(answer, BaseException):
                trouble = self._trouble(server, database, answer)
                return DatabaseState(server=server, names=names, trouble=trouble)
        self._streaks.answered(server)
        return _answered(server, names, [each for each in answers if isinstance(each, _Answer)])

    def _trouble(self, server: str, database: str, error: BaseException) -> Trouble:
        kind, sentence = _told(error)
        return Trouble(
            kind=kind,
            during=f"connect to database {Path(database).name}",
            sentence=sentence,
            since=self._streaks.failed(server, dt.datetime.now(dt.UTC)),
        )


def server_of(url: sa.URL) -> str:
    """Return `host:port` of a server, or the name of a sqlite file."""
    if url.get_backend_name() == "sqlite":
        return Path(str(url.database)).name
    host = url.host or str(url.query.get("host", "localhost"))
    return f"{host}:{url.port or url.query.get('port', 5432)}"


def _parsed(uri: str) -> sa.URL | None:
    """Return the URI of a database that we know how to try, else None."""
    try:
        url = sa.make_url(uri) if uri else None
    except ArgumentError:
        return None
    if url is None or url.drivername.split("+")[0] not in {"postgres", "postgresql", "sqlite"}:
        return None
    return None if url.database in {None, "", ":memory:"} else url


def _is_unmade(url: sa.URL) -> bool:
    return url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists()


def _try(url: sa.URL) -> _Answer:
    if url.get_backend_name() == "sqlite":
        return _try_sqlite(url)
    engine = make_engine(url.render_as_string(hide_password=False))
    try:
        with transaction(engine, seconds=STATEMENT_SECONDS) as connection:
            trips = [_round_trip(connection) for _ in range(ROUND_TRIPS)]
            sizes = connection.execute(sa.text(SIZES)).one()
            longest = connection.execute(sa.text(LONGEST)).one_or_none()
            return _Answer(
                seconds=min(trips),
                size=sizes.bytes,
                connections=sizes.used,
                most=sizes.most,
                longest=None if longest is None else _long(longest),
            )
    finally:
        engine.dispose()


def _try_sqlite(url: sa.URL) -> _Answer:
    path = Path(str(url.database))
    if not os.access(path, os.R_OK | os.W_OK):
        message = f"unable to open {path.name} for writing"
        raise PermissionError(message)
    with closing(sa.create_engine(f"sqlite:///{path}").raw_connection()) as connection:
        started = time.perf_counter()
        connection.cursor().execute("SELECT count(*) FROM sqlite_master")
        return _Answer(time.perf_counter() - started, path.stat().st_size)


def _round_trip(connection: sa.Connection) -> float:
    started = time.perf_counter()
    connection.exec_driver_sql("SELECT 1").scalar()
    return time.perf_counter() - started


def _long(row: sa.Row[Any]) -> LongTransaction:
    return LongTransaction(
        pid=row.pid,
        user=row.who,
        application=row.application,
        began_at=row.xact_start.astimezone(dt.UTC),
        state=row.state,
    )


def _answered(server: str, names: tuple[str, ...], answers: Sequence[_Answer]) -> DatabaseState:
    longest = [each.longest for each in answers if each.longest is not None]
    return DatabaseState(
        server=server,
        names=names,
        round_trip_seconds=max(each.seconds for each in answers),
        connections=answers[-1].connections,
        most_connections=answers[-1].most,
        longest=min(longest, key=lambda each: each.began_at, default=None),
        size_bytes=sum(each.size for each in answers),
    )


def _told(error: BaseException) -> tuple[TroubleKind, str]:
    """Return what kind of trouble it is, and the database's own sentence."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    sentence = " ".join(str(cause).split()) or type(cause).__name__
    state = STATES.get(str(getattr(cause, "pgcode", "")))
    if state is not None:
        return state, sentence
    low = sentence.lower()
    told = next((kind for words, kind in SENTENCES if words in low), None)
    return told or kind_of(cause), sentence[:500]
