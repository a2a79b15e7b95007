"""A real Postgres, and sqlite files: what the probe says while they are well, away or odd."""

from __future__ import annotations

import datetime as dt
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2  # type: ignore[import-untyped]  # (has no types)
import pytest

from stationmaster.monitor.facts.storedatabases import DatabaseProbe
from stationmaster.monitor.facts.trouble import TroubleKind

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgres_server import PostgresServer


def test_a_server_that_answers_is_measured_once_for_all_its_databases(
    postgres: PostgresServer,
) -> None:
    """Round trip, connections and size are known; two databases are one server."""
    uris = {"ledger": postgres.new_database(), "catalog": postgres.new_database()}

    (state,) = DatabaseProbe(uris).look()

    assert state.trouble is None
    assert state.names == ("catalog", "ledger")
    assert state.server == f"{postgres.folder}:5432"
    assert state.round_trip_seconds is not None
    assert state.connections is not None
    assert state.most_connections == 97
    assert (state.size_bytes or 0) > 2**20


def test_a_stopped_server_is_closed_since_it_was_first_missed(own_postgres: PostgresServer) -> None:
    """The moment stays while it is away, and begins anew when it is away again."""
    probe = DatabaseProbe({"ledger": own_postgres.new_database()})
    own_postgres.stop()
    try:
        first, second = probe.look()[0].trouble, probe.look()[0].trouble
    finally:
        own_postgres.start()

    assert first is not None
    assert second is not None
    assert first.kind is TroubleKind.CLOSED
    assert first.since == second.since
    assert probe.look()[0].trouble is None


def test_a_server_that_takes_connections_and_is_frozen_is_silent(
    own_postgres: PostgresServer,
) -> None:
    """A look ends in time although nothing answers."""
    probe = DatabaseProbe({"ledger": own_postgres.new_database()})
    with own_postgres.frozen():
        (state,) = probe.look()

    assert state.trouble is not None
    assert state.trouble.kind is TroubleKind.SILENT


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("postgresql://stationmaster@/nowhere?host={folder}&port=5432", TroubleKind.MISSING),
        ("postgresql://nobody@/postgres?host={folder}&port=5432", TroubleKind.LOGIN),
        ("postgresql://x:secret-word@no-such-host.invalid/ledger", TroubleKind.NAME),
        ("postgresql://x:secret-word@127.0.0.1:9/ledger", TroubleKind.CLOSED),
    ],
)
def test_each_refusal_has_its_kind(postgres: PostgresServer, uri: str, kind: TroubleKind) -> None:
    """What is wrong is told apart, and no password is repeated."""
    (state,) = DatabaseProbe({"ledger": uri.format(folder=postgres.folder)}).look()

    assert state.trouble is not None
    assert state.trouble.kind is kind
    assert "secret-word" not in state.trouble.sentence


def test_a_server_without_a_connection_left_is_full(postgres: PostgresServer) -> None:
    """Who is turned away says so: the database is not away."""
    uri = postgres.new_database()
    # From another database: a connection that is just ending would count.
    with closing(psycopg2.connect(postgres.new_database())) as admin, admin, admin.cursor() as ask:
        ask.execute(f'ALTER DATABASE "{uri.split("/")[3].split("?")[0]}" CONNECTION LIMIT 1')
        ask.execute("CREATE ROLE guest LOGIN")
    guest = uri.replace("stationmaster@", "guest@")
    held = psycopg2.connect(guest)
    try:
        (state,) = DatabaseProbe({"ledger": guest}).look()
    finally:
        held.close()

    assert state.trouble is not None
    assert state.trouble.kind is TroubleKind.FULL


def test_the_longest_transaction_is_named(postgres: PostgresServer) -> None:
    """Whose it is, since when, and that it is idle."""
    uri = postgres.new_database()
    before = dt.datetime.now(dt.UTC)
    held = psycopg2.connect(uri, application_name="forgotten")
    held.cursor().execute("SELECT pg_sleep(1.2)")
    try:
        (state,) = DatabaseProbe({"ledger": uri}).look()
    finally:
        held.close()

    assert state.longest is not None
    assert state.longest.application == "forgotten"
    assert state.longest.state == "idle in transaction"
    assert before <= state.longest.began_at <= dt.datetime.now(dt.UTC)


def test_a_laptops_files_are_databases_too(tmp_path: Path) -> None:
    """One that nobody has made is left out; one that is no database is in trouble."""
    good, bad = tmp_path / "ledger.db", tmp_path / "catalog.db"
    sqlite3.connect(good).execute("CREATE TABLE t (x)")
    bad.write_text("this is not a database, by any means at all" * 100, encoding="utf-8")
    uris = {"ledger": good, "catalog": bad, "airflow": tmp_path / "none.db"}

    states = DatabaseProbe({name: f"sqlite:///{path}" for name, path in uris.items()}).look()

    assert [(state.server, state.trouble is None) for state in states] == [
        ("catalog.db", False),
        ("ledger.db", True),
    ]


def test_databases_that_we_cannot_try_are_left_out() -> None:
    """No URI, none at all, or one of another kind: nothing is claimed of them."""
    uris = {"airflow": "", "catalog": "mysql://u@h/d", "ledger": "no uri at all"}

    assert DatabaseProbe(uris).look() == ()
