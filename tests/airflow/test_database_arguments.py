"""How Airflow's processes hold on to Postgres."""

from __future__ import annotations

import psycopg2.extensions  # type: ignore[import-untyped]

from stationmaster.airflow.database import CONNECT_ARGUMENTS


def test_postgres_client_library_knows_every_argument() -> None:
    """A misspelled argument would keep every process of the platform from its database."""
    dsn = psycopg2.extensions.make_dsn(dbname="airflow", **CONNECT_ARGUMENTS)
    parsed = psycopg2.extensions.parse_dsn(dsn)
    assert parsed == {"dbname": "airflow"} | {
        name: str(value) for name, value in CONNECT_ARGUMENTS.items()
    }
