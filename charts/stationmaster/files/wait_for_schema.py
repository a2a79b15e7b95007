"""Wait until the databases answer, and, unless told otherwise, have the schema of this image.

Usage: python wait_for_schema.py [database | ledger SECONDS]. It asks the databases, not the Job
that migrates them: whoever migrated, and in which revision of the release, makes no difference.
With `ledger` it waits for the ledger alone, and after that many seconds lets the program start
anyway: who watches must also run while the database is away.
"""

from __future__ import annotations

import os
import sys
import time

import psycopg2  # type: ignore[import-untyped]  # (has no types)

PATIENCE_SECONDS = 1800
BETWEEN_SECONDS = 2


def wait_for_database(uri: str, deadline: float) -> None:
    """Return when the database answers.

    Raises:
        SystemExit: It did not within the patience.
    """
    while True:
        try:
            psycopg2.connect(uri.replace("+psycopg2", "", 1), connect_timeout=5).close()
        except psycopg2.OperationalError as problem:
            if time.monotonic() > deadline:
                sys.exit(f"the database does not answer: {problem}")
            sys.stdout.write(f"waiting for the database: {' '.join(str(problem).split())}\n")
            sys.stdout.flush()
            time.sleep(BETWEEN_SECONDS)
        else:
            return


def wait_for_schema(ledger_uri: str, deadline: float) -> None:
    """Return when Airflow's tables and the ledger are what this image knows.

    Raises:
        TimeoutError: Airflow's tables were not within the patience.
        SystemExit: The ledger was not.
    """
    # Heavy: only once the database answers.
    from airflow.utils.db import check_migrations  # noqa: PLC0415 (above)

    from stationmaster.ledger.engine import make_engine  # noqa: PLC0415 (above)
    from stationmaster.ledger.schema import is_behind  # noqa: PLC0415 (above)

    check_migrations(PATIENCE_SECONDS)  # type: ignore[no-untyped-call]  # (Airflow has no type)
    ledger = make_engine(ledger_uri)
    while is_behind(ledger):
        if time.monotonic() > deadline:
            sys.exit(f"the ledger was not migrated within {PATIENCE_SECONDS} s")
        time.sleep(BETWEEN_SECONDS)


def wait_for_ledger(seconds: float) -> None:
    """Return when the ledger's database answers and has the schema, or after that time."""
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 (as above)

    from stationmaster.ledger.engine import make_engine  # noqa: PLC0415 (as above)
    from stationmaster.ledger.schema import is_behind  # noqa: PLC0415 (as above)

    deadline = time.monotonic() + seconds
    ledger = make_engine(os.environ["STATIONMASTER_LEDGER_URI"])
    while time.monotonic() < deadline:
        try:
            if not is_behind(ledger):
                return
            problem = "it is not migrated yet"
        except DBAPIError as error:
            problem = " ".join(str(error.orig).split())
        sys.stdout.write(f"waiting for the ledger: {problem}\n")
        sys.stdout.flush()
        time.sleep(BETWEEN_SECONDS)


def main(what: str = "", seconds: str = "0") -> None:
    """Wait."""
    if what == "ledger":
        wait_for_ledger(float(seconds))
        return
    deadline = time.monotonic() + PATIENCE_SECONDS
    ledger_uri = os.environ["STATIONMASTER_LEDGER_URI"]
    wait_for_database(os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"], deadline)
    wait_for_database(ledger_uri, deadline)
    if what != "database":
        wait_for_schema(ledger_uri, deadline)


if __name__ == "__main__":
    main(*sys.argv[1:])
