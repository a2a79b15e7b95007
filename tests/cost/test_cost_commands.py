"""`stationmaster cost` as a person types it, on a ledger with attempts and nodes."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from stationmaster.ledger.cost.commands import app
from stationmaster.ledger.cost.splitting import cost_of
from stationmaster.ledger.cost.uses import Use
from stationmaster.ledger.days import day_sums
from stationmaster.ledger.nodelives import NodeSeen
from stationmaster.ledger.store import Ledger
from stationmaster.step.errors import MisconfiguredError, StepError
from tests.ledger.attempts import record, result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DAY = dt.date(2026, 8, 3)
SIX = dt.datetime(2026, 8, 3, 6, tzinfo=dt.UTC)
WEEK = ("--since", "2026-08-01", "--until", "2026-08-07")
GIB = 2**30


@pytest.fixture(name="uri")
def _uri(tmp_path: Path) -> str:
    """Return the place of a ledger that nobody has made yet."""
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture(name="ledger")
def _ledger(uri: str) -> Iterator[Ledger]:
    """Return a ledger with a node for an hour, and two attempts of it."""
    ledger = Ledger.open(uri)
    place = {"instance_type": "m5.large", "node_pool": "steps", "capacity_type": "on-demand"}
    node = {"node_cpu_millicores": 2000, "node_memory_bytes": 8 * GIB}
    for n, verdict in enumerate(("out_of_memory", "succeeded")):
        started = SIX + dt.timedelta(minutes=10 * n)
        ledger.record(
            record(
                try_id=str(uuid.UUID(int=n)),
                verdict=verdict,
                result=result(250_000),
                node="node-a",
                scheduled_at=started,
                started_at=started + dt.timedelta(seconds=30),
                finished_at=started + dt.timedelta(minutes=10),
                recorded_at=started + dt.timedelta(minutes=10),
                asked_cpu_millicores=1000,
                asked_memory_bytes=4 * GIB,
                node_price_per_hour=0.096,
                price_currency="USD",
                team="crm",
                **place,
                **node,
            )
        )
    size = {"cpu_millicores": 2000, "memory_bytes": 8 * GIB, "price_per_hour": 0.096}
    known = {"uid": "n1", "name": "node-a", "created_at": SIX, **place, **size}
    later = NodeSeen(**{**known, "uid": "n2", "name": "b", "node_pool": "other"}, seen_at=SIX)  # type: ignore[arg-type]  # as known
    for minutes in (1, 60):
        seen = SIX + dt.timedelta(minutes=minutes)
        ledger.see_nodes([NodeSeen(**known, seen_at=seen)])  # type: ignore[arg-type]  # as known
    ledger.see_nodes([later])
    yield ledger
    ledger.close()


@pytest.fixture(name="command")
def _command(uri: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Return a function that calls `stationmaster cost …` on that ledger."""
    monkeypatch.setenv("STATIONMASTER_LEDGER_URI", uri)

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, words)

    return run


def test_show_adds_up_to_the_nodes_bill(ledger: Ledger, command: Callable[..., Result]) -> None:
    """Tasks, idle and system are the hour of the node; half of the tasks was a retry."""
    assert ledger.last(9)
    found = json.loads(command("show", *WEEK, "--json").stdout)

    assert found["nodes_kept"]
    assert abs(found["difference"]) < 0.01
    [row] = found["rows"]
    assert row["key"] == ["morning_analytics", "extract_web"]
    assert row["retries"] == pytest.approx(row["total"] / 2)
    assert row["per_million_rows"] == pytest.approx(4 * row["total"])
    assert found["idle"] > found["total"]["total"] > 0


def test_show_is_readable(ledger: Ledger, command: Callable[..., Result]) -> None:
    """A person reads the parts, the sum and the bill, in the currency of the setting."""
    assert ledger.last(9)
    shown = CliRunner(
        env={"STATIONMASTER_COST_CURRENCY": "EUR", "STATIONMASTER_COST_PER_USD": "0.5"}
    ).invoke(app, ["show", "--by", "team", *WEEK])

    assert "team (EUR)" in shown.stdout
    assert "crm" in shown.stdout
    assert "the bill of 1 node is" in shown.stdout
    assert command("show", "--pipeline", "other", *WEEK).stdout.count("tasks 0.000000 USD") == 1


def test_what_if_names_its_assumptions(ledger: Ledger, command: Callable[..., Result]) -> None:
    """Each outcome has its bill and a sentence; spot is cheaper, a fleet for a week is not."""
    assert ledger.last(9)
    shown = command("what-if", *WEEK).stdout
    told = json.loads(command("what-if", *WEEK, "--json").stdout)["what_if"]

    bills = {each["what"]: each["saves"] for each in told}
    assert bills["spot"] == pytest.approx(0.65, abs=0.01)
    assert bills["fixed-fleet"] < 0 < bills["sizes"]
    assert "m5.xlarge on-demand for all" in shown
    assert "costs" in shown


def test_an_empty_ledger_is_no_error(command: Callable[..., Result]) -> None:
    """Before the first step there is nothing to pay, and no file is made."""
    assert "0 attempts" in command("show").stdout
    assert "No attempt of those days" in command("what-if").stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["show", "--since", "yesterday"], "a day such as"),
        (["show", "--since", "2026-08-09", "--until", "2026-08-08"], "not after"),
        (["what-if", *WEEK, "--fleet", "m99.huge"], "cost prices list"),
        (["prices", "refresh"], "--out"),
    ],
)
def test_a_wrong_word_is_answered(
    ledger: Ledger, command: Callable[..., Result], words: list[str], says: str
) -> None:
    """Each refusal names what was expected and what to do."""
    assert ledger.last(9)
    done = command(*words)

    assert isinstance(done.exception, MisconfiguredError)
    assert says in str(done.exception)
    assert isinstance(done.exception, StepError)


def test_prices_are_listed(command: Callable[..., Result]) -> None:
    """Part of a name finds its types, with where the price is from."""
    shown = command("prices", "list", "m5.large").stdout

    assert "0.0960" in shown
    assert "August 2026" in shown
    assert json.loads(command("prices", "list", "m5.large", "--json").stdout)[0]["region"]


def test_the_sums_of_a_day_price_as_the_rows_do(ledger: Ledger) -> None:
    """What SQL adds up for a day is what the function says of its attempts."""
    sums = ledger.select(lambda connection: sa.select(day_sums(connection, DAY, DAY)))
    uses = [Use.of(each.model_dump()) for each in ledger.last(9)]

    splits = [cost_of(each) for each in uses]
    assert sum(each["priced_attempts"] for each in sums) == 2
    assert sum(each["cost_usd"] for each in sums) == pytest.approx(
        sum(split.total for split in splits if split), rel=1e-4
    )
