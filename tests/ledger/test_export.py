"""Attempts as Parquet, and attempts that a question is about."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING

import polars as pl
import pytest
from typer.testing import CliRunner, Result

from stationmaster.ledger.commands import app
from stationmaster.ledger.records import AttemptRecord
from tests.ledger.attempts import DAY, NOON, record, result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stationmaster.ledger.store import Ledger


@pytest.fixture(name="command")
def _command(uri: str) -> Callable[..., Result]:
    """Return a function that calls `stationmaster ledger …` on the test's database."""

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, words, env={"STATIONMASTER_LEDGER_URI": uri})

    return run


def three(ledger: Ledger) -> None:
    """Record three attempts of three days, of different ends, runs, teams and traces."""
    for n, verdict in enumerate(("succeeded", "out_of_memory", None)):
        ledger.record(
            record(
                try_id=str(uuid.UUID(int=n)),
                business_date=DAY + dt.timedelta(days=n),
                run_id=f"run-{n}",
                team=f"team-{n}",
                trace_id=f"{n:032x}",
                verdict=verdict,
                result=result(n),
                doubted={"rows_read": {"told": -1, "why": "is negative"}},
                started_at=NOON,
            )
        )


def test_a_parquet_file_has_every_field(
    ledger: Ledger, command: Callable[..., Result], tmp_path: Path
) -> None:
    """One column a field, with its type; documents are JSON texts; the rest of the days is out."""
    three(ledger)
    out = tmp_path / "attempts.parquet"

    said = command("export", "--out", str(out), "--since", str(DAY + dt.timedelta(days=1)))

    frame = pl.read_parquet(out)
    assert said.exit_code == 0, said.output
    assert "has 2 attempts" in said.stdout
    assert frame.columns == list(AttemptRecord.model_fields)
    assert frame.schema["started_at"] == pl.Datetime("us", "UTC")
    assert frame["rows_written"].to_list() == [1, 2]
    assert '"told": -1' in frame["doubted"][0]


def test_a_file_that_cannot_be_written_is_said(
    ledger: Ledger, command: Callable[..., Result], tmp_path: Path
) -> None:
    """A folder that is not there is an error in words, and leaves nothing half written."""
    three(ledger)

    said = command("export", "--out", str(tmp_path / "nowhere" / "a.parquet"))

    assert said.exit_code != 0
    assert "a file in a folder that exists" in str(said.exception)


@pytest.mark.parametrize(
    ("words", "days"),
    [
        (["--verdict", "out_of_memory"], [1]),
        (["--verdict", "out of memory"], [1]),
        (["--verdict", "running"], [2]),
        (["--run", "run-0"], [0]),
        (["--team", "team-2"], [2]),
        (["--trace", f"{1:032x}"], [1]),
        (["--since", "2011-11-22"], [1, 2]),
        (["--until", "2011-11-22"], [0, 1]),
        (["--since", "2011-11-22", "--until", "2011-11-22"], [1]),
    ],
)
def test_show_filters(
    ledger: Ledger, command: Callable[..., Result], words: list[str], days: list[int]
) -> None:
    """A verdict, a run, a team, a trace and a range of dates leave out the others."""
    three(ledger)

    shown = command("show", *words).stdout

    found = [n for n in range(3) if f"for {DAY + dt.timedelta(days=n)}" in shown]
    assert found == days


def test_prune_says_what_it_did(ledger: Ledger, command: Callable[..., Result]) -> None:
    """Attempts of 2011 are older than any policy; a second time there is nothing to do."""
    three(ledger)

    assert "rid of 3 attempts older than 400 days" in command("prune").stdout
    assert "rid of 0 attempts older than 30 days" in command("prune", "--keep-days", "30").stdout
    assert command("prune", "--keep-days", "0").exit_code != 0
    assert "sums of" in command("roll-up").stdout
