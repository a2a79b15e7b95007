"""Migrations: up, down, at once, and by the wrong release."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from stationmaster.ledger.engine import make_engine, transaction
from stationmaster.ledger.migrating import scripts
from stationmaster.ledger.models import METADATA, VERSION_TABLE
from stationmaster.ledger.schema import HEAD
from stationmaster.ledger.store import Ledger
from stationmaster.step.errors import MisconfiguredError
from tests.ledger.attempts import record

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def differences(uri: str, metadata: sa.MetaData) -> Sequence[object]:
    """Return what Alembic would have to change to make the database look like the models."""
    with make_engine(uri).connect() as connection:
        # On sqlite Alembic takes the default '' for none.
        defaults = connection.dialect.name == "postgresql"
        options = {"version_table": VERSION_TABLE, "compare_server_default": defaults}
        context = MigrationContext.configure(connection, opts=options)
        found: Sequence[object] = compare_metadata(context, metadata)
    return found


def rewrite_revision(uri: str, revision: str) -> None:
    """Make the database look as if another release had migrated it."""
    with transaction(make_engine(uri), writes=True) as connection:
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '{revision}'")  # noqa: S608 (constants)


def test_models_and_migrations_agree(uri: str, ledger: Ledger) -> None:
    """What the migrations make is what the models say, column by column and index by index."""
    assert ledger.last(1) == []
    assert differences(uri, METADATA) == []


def test_the_program_knows_its_newest_revision() -> None:
    """The revision that a program asks for is the last of its migrations, and the only last."""
    assert scripts().get_heads() == [HEAD]


def test_a_disagreement_is_seen(uri: str, ledger: Ledger) -> None:
    """The comparison finds a column that no migration makes."""
    assert ledger.last(1) == []
    changed = sa.MetaData()
    table = METADATA.tables["attempt"].to_metadata(changed)
    table.append_column(sa.Column("cost", sa.Double))

    assert "cost" in repr(differences(uri, changed))


def test_migrating_again_changes_nothing(uri: str) -> None:
    """The first time makes the tables; the second finds them, and what they hold stays."""
    ledger = Ledger.open(uri)
    assert ledger.migrate() == (None, HEAD)
    ledger.record(record())

    assert ledger.migrate() == (HEAD, HEAD)
    assert len(ledger.last(9)) == 1


def test_down_and_up_again(uri: str) -> None:
    """A downgrade to base leaves no table of ours; the next migration makes them anew."""
    ledger = Ledger.open(uri)
    ledger.migrate()

    assert ledger.downgrade("base") == (HEAD, "base")
    assert sa.inspect(make_engine(uri)).get_table_names() == [VERSION_TABLE]
    ledger.migrate()
    assert ledger.record(record(verdict="succeeded")) == "succeeded"


def test_an_unknown_revision_is_no_way_back(ledger: Ledger) -> None:
    """A downgrade to what never was names what there is."""
    with pytest.raises(MisconfiguredError, match=r"g1_0010, g1_0009.*g1_0001, base"):
        ledger.downgrade("g0_0007")


def test_many_migrators_at_once_are_one(uri: str) -> None:
    """Of several that start together one makes the tables, the others find them made."""
    start, results = threading.Barrier(6), []

    def migrate() -> None:
        ledger = Ledger.open(uri)
        start.wait()
        results.append(ledger.migrate())

    threads = [threading.Thread(target=migrate) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    made, found = (None, HEAD), (HEAD, HEAD)
    assert sorted(results, key=str) == sorted([made, *[found] * 5], key=str)


def test_without_tables_the_next_step_is_named(postgres_uri: str) -> None:
    """An empty database is refused with the command that makes the tables."""
    with pytest.raises(MisconfiguredError, match=r"no tables.*stationmaster ledger migrate"):
        Ledger.open(postgres_uri).last(1)


def test_a_file_is_brought_up_by_whoever_uses_it(tmp_path: Path) -> None:
    """A laptop needs no command: the first record makes the tables."""
    ledger = Ledger.open(f"sqlite:///{tmp_path}/new/ledger.db")

    assert ledger.record(record(verdict="succeeded")) == "succeeded"
    assert ledger.migrate() == (HEAD, HEAD)


def test_a_newer_generation_is_refused_in_words(uri: str, ledger: Ledger) -> None:
    """A schema this release cannot know stops recording, reading and migrating."""
    rewrite_revision(uri, "g2_0009")

    for attempt in (lambda: Ledger.open(uri).record(record()), Ledger.open(uri).migrate):
        with pytest.raises(MisconfiguredError, match=rf"g2_0009.*downgrade {HEAD}") as caught:
            attempt()
        assert ledger.name in str(caught.value)


def test_a_newer_revision_that_only_added_is_no_obstacle(uri: str, ledger: Ledger) -> None:
    """While an upgrade rolls, the program of before goes on recording."""
    rewrite_revision(uri, "g1_9999")
    with transaction(make_engine(uri), writes=True) as connection:
        connection.exec_driver_sql("ALTER TABLE attempt ADD COLUMN cost DOUBLE PRECISION")

    assert Ledger.open(uri).record(record(verdict="succeeded")) == "succeeded"
    assert len(ledger.last(9)) == 1
    assert ledger.migrate() == ("g1_9999", "g1_9999")
