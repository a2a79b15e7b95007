"""`stationmaster ledger` as a person types it."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from stationmaster.ledger.commands import app
from tests.ledger.attempts import NOON, context, record, result

if TYPE_CHECKING:
    from collections.abc import Callable

    from stationmaster.ledger.records import AttemptRecord
    from stationmaster.ledger.store import Ledger

PROGRAM = str(Path(sys.executable).parent / "stationmaster")


@pytest.fixture
def command(uri: str) -> Callable[..., Result]:
    """Return a function that calls `stationmaster ledger …` on the test's database."""

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, words, env={"STATIONMASTER_LEDGER_URI": uri})

    return run


def run_program(**variables: str) -> subprocess.CompletedProcess[str]:
    """Run `stationmaster ledger show` as a process of its own."""
    known = {name: value for name, value in os.environ.items() if "STATIONMASTER" not in name}
    return subprocess.run(
        [PROGRAM, "ledger", "show"],
        check=False,
        env=known | variables,
        capture_output=True,
        text=True,
    )


def a_morning() -> list[AttemptRecord]:
    """Return two attempts of a step: one that ran out of memory, and the one that did not."""
    short = record(
        queued_at=NOON,
        started_at=NOON + dt.timedelta(seconds=4),
        finished_at=NOON + dt.timedelta(seconds=200),
        asked_memory_bytes=2**30,
        verdict="out_of_memory",
        sentence="It used all of its 1 GiB.",
        hint="Give it size m.",
        node="node-a",
    )
    return [short, record(attempt=2, verdict="succeeded", result=result(), finished_at=NOON)]


def test_show_is_readable(ledger: Ledger, command: Callable[..., Result]) -> None:
    """Each attempt has a line, with what went wrong and what to do below it."""
    ledger.record_all(a_morning())

    shown = command("show", "--pipeline", "morning_analytics", "--date", "2011-11-21")

    lines = shown.stdout.splitlines()
    assert lines[0] == "morning_analytics for 2011-11-21"
    first = next(n for n, line in enumerate(lines) if "out of memory" in line)
    for words in ("extract_web ", "4.0 s", "3 min 16 s", "- of 1 GiB", "node-a"):
        assert words in lines[first]
    assert lines[first + 1].strip() == "It used all of its 1 GiB."
    assert lines[first + 2].strip() == "next: Give it size m."
    assert any("attempt 2  succeeded" in line and "90 MiB" in line for line in lines)


def test_show_says_what_is_doubted(ledger: Ledger, command: Callable[..., Result]) -> None:
    """A step that went well and claims nonsense has that below its line."""
    lie = {"peak_memory_bytes": {"told": -5, "why": "is negative"}}
    ledger.record(record(verdict="succeeded", doubted=lie))

    assert "Left out: peak_memory_bytes -5 is negative." in command("show").stdout


def test_show_narrows_down(ledger: Ledger, command: Callable[..., Result]) -> None:
    """A pipeline, a step and a date leave out the others; an empty answer says so."""
    ledger.record_all(a_morning())

    for words in (["--pipeline", "evening"], ["--step", "merge"], ["--date", "2011-11-22"]):
        assert "No attempt of that kind" in command("show", *words).stdout
    assert "These are the newest 1" in command("show", "--last", "1").stdout


def test_show_speaks_json(ledger: Ledger, command: Callable[..., Result]) -> None:
    """A program gets one document a line, with every field."""
    ledger.record_all(a_morning())

    documents = [json.loads(line) for line in command("show", "--json").stdout.splitlines()]

    assert sorted(each["attempt"] for each in documents) == [1, 2]
    assert set(documents[0]) == set(record().model_dump())


def test_migrate_and_back(command: Callable[..., Result]) -> None:
    """The first time makes tables, the second finds them; the way back asks unless told not to."""
    assert "from nothing to g1_0010" in command("migrate").stdout
    assert "at g1_0010 already" in command("migrate").stdout
    assert command("downgrade", "base").exit_code == 1
    assert "from g1_0010 to base" in command("downgrade", "base", "--yes").stdout
    assert "from nothing to g1_0010" in command("migrate").stdout


def test_a_ledger_that_nobody_made_is_empty_and_stays_unmade(tmp_path: Path) -> None:
    """Looking before the first step makes no file."""
    shown = run_program(STATIONMASTER_HOME=str(tmp_path / "home"))

    assert "No attempt" in shown.stdout
    assert not (tmp_path / "home" / "ledger.db").exists()


def test_a_database_that_is_away_is_said_in_words() -> None:
    """Neither a traceback nor the password reaches the reader."""
    away = run_program(STATIONMASTER_LEDGER_URI="postgresql://me:secret@127.0.0.1:1/none")

    assert away.returncode == 75
    assert "Start the database" in away.stderr
    assert "Traceback" not in away.stderr
    assert "secret" not in away.stderr


def test_a_shard_says_which_it_is(ledger: Ledger, command: Callable[..., Result]) -> None:
    """The part of a step, its try and a running attempt are told in words."""
    told = context(shard={"index": 1, "count": 4}, try_number=2, map_index=3)
    ledger.record(record(**told.model_dump(include={"try_number", "map_index"}), shard=1, shards=4))

    assert "extract_web[3], shard 2 of 4, try 2  waiting" in command("show").stdout
