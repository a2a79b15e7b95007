"""Files of recorders that never come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy.exc import OperationalError
from typer.testing import CliRunner

from stationmaster.ledger.commands import app
from stationmaster.ledger.replaying import files_to_replay, replay
from stationmaster.ledger.spool import Spool
from stationmaster.ledger.store import Ledger
from tests.ledger.attempts import record

if TYPE_CHECKING:
    from pathlib import Path


def test_every_file_is_written_once(uri: str, ledger: Ledger, tmp_path: Path) -> None:
    """The command finds all files below home, writes their records and removes them."""
    for n in range(3):
        Spool(tmp_path / f"ledger-spool-{n}.jsonl").append([record(shard=n), record(shard=9)])
    home = {"STATIONMASTER_HOME": str(tmp_path), "STATIONMASTER_LEDGER_URI": uri}

    first = CliRunner().invoke(app, ["replay"], env=home)
    again = CliRunner().invoke(app, ["replay"], env=home)

    assert first.stdout.count("has its 2 records") == 3
    assert "No file below" in again.stdout
    assert sorted(each.shard for each in ledger.last(99)) == [0, 1, 2, 9]


def test_what_no_database_takes_is_put_aside(ledger: Ledger, tmp_path: Path) -> None:
    """A record that breaks the table's rules, and a line that is none, stop no other."""
    file = tmp_path / "ledger-spool.jsonl"
    Spool(file).append([record(shard=n) for n in range(3)])
    file.write_text(f"{file.read_text(encoding='utf-8')}torn", encoding="utf-8")

    assert replay(file, ledger) == 3
    assert files_to_replay(tmp_path) == []
    aside = tmp_path / "ledger-spool.jsonl.replaying.refused"
    assert "torn" in aside.read_text(encoding="utf-8")


def test_a_file_outlives_a_database_that_is_away(ledger: Ledger, tmp_path: Path) -> None:
    """When nobody answers nothing is removed, and the next time finds it."""
    file = tmp_path / "ledger-spool.jsonl"
    Spool(file).append([record()])

    with pytest.raises(OperationalError):
        replay(file, Ledger.open("postgresql://me@127.0.0.1:1/none"))

    [left] = files_to_replay(tmp_path)
    assert replay(left, ledger) == 1
    assert len(ledger.last(9)) == 1
