"""Writers in processes of their own: side by side, against each other, and killed."""

from __future__ import annotations

import datetime as dt
import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.datasets.conftest import Desk

PROGRAM = Path(__file__).with_name("writers.py")
DAY = dt.date(2011, 11, 21)


class Writers:
    """Hold the program that plays steps."""

    def __init__(self, process: subprocess.Popen[str], home: Path) -> None:
        self._process = process
        self._home = home

    def __call__(self, *steps: dict[str, Any]) -> list[dict[str, Any]]:
        """Run steps side by side; return exit code and answer of each."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        told = [{"home": str(self._home), **step} for step in steps]
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        answers: list[dict[str, Any]] = json.loads(self._process.stdout.readline())
        return answers


@pytest.fixture
def writers(tmp_path: Path) -> Iterator[Writers]:
    """Start the program, and stop it at the end."""
    with subprocess.Popen(
        [sys.executable, str(PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Writers(process, tmp_path / "home")
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=60)


def _step(run: str, day: dt.date = DAY, attempt: int = 1, **others: object) -> dict[str, Any]:
    context = {
        "run_id": run,
        "try_id": f"{run}-1",
        "attempt": attempt,
        "business_date": day.isoformat(),
    }
    return {"context": context, **others}


def test_thirty_days_at_once(desk: Desk, writers: Writers) -> None:
    """Thirty processes that each write a day of one new table all end right."""
    days = [DAY + dt.timedelta(days=number) for number in range(30)]
    answers = writers(
        *(_step(f"r{day}", day, rows=20, bad=number % 2) for number, day in enumerate(days))
    )
    assert Counter(answer["code"] for answer in answers) == {0: 30}, answers
    assert desk.store.business_dates("web_orders") == days
    assert [desk.rows(day).height for day in days] == [20 - n % 2 for n in range(30)]
    assert set(desk.table().refs()) == {"main"}


def test_nothing_relies_on_taking_turns(desk: Desk, writers: Writers) -> None:
    """Writers that cannot lock each other out, as with Postgres, end right by racing."""
    days = [DAY + dt.timedelta(days=number) for number in range(8)]
    # As a file: address the catalog has no folder that a lock file could lie in.
    address = f"sqlite:///file:{desk.settings.home}/catalog.db?uri=true"
    answers = writers(*(_step(f"r{day}", day, catalog=address) for day in days))
    assert Counter(answer["code"] for answer in answers) == {0: 8}, answers
    assert desk.store.business_dates("web_orders") == days
    assert [desk.rows(day).height for day in days] == [9] * 8
    assert not list(desk.settings.home.glob("*.lock"))


def test_of_many_runs_of_one_day_one_wins(desk: Desk, writers: Writers) -> None:
    """Eight runs write the same day at once: readers get one of them whole, losers are told."""
    answers = writers(*(_step(f"r{n}", rows=5, bad=0, revenue=f"{n + 1}.00") for n in range(8)))
    codes = Counter(answer["code"] for answer in answers)
    assert set(codes) <= {0, 75}
    assert codes[0] >= 1
    assert all("PartitionConflictError" in a["answer"] for a in answers if a["code"] == 75)
    assert (desk.rows().height, len(desk.revenue())) == (5, 1)
    winners = [n for n, answer in enumerate(answers) if answer["code"] == 0]
    assert desk.revenue()[0] in {f"{n + 1}.00" for n in winners}


def _check_killed(desk: Desk, writers: Writers, number: int, kill: dict[str, Any]) -> int:
    """Kill a run at a moment, look as a reader, run it again; return the killed one's code."""
    if number % 20 == 19:
        # What the killed ones left is cleaned away now and then, as it is in a real house.
        desk.store.maintain(now=dt.datetime.now(dt.UTC) + dt.timedelta(days=10))
    before, after = desk.revenue(), f"{number + 2}.00"
    doomed = _step(f"k{number}", rows=12, bad=2, revenue=after)
    code: int = writers({**doomed, **kill})[0]["code"]
    assert desk.revenue() in (before, [after])
    again = writers(_step(f"k{number}", attempt=2, rows=12, bad=2, revenue=after))
    assert again[0]["code"] == 0, again
    assert desk.revenue() == [after]
    assert desk.rows().sort("order_id").height == 10
    assert desk.quarantine()["rule"].to_list() == ["items_cover_lines"] * 2
    assert set(desk.table().refs()) == {"main"}
    assert set(desk.table("stationmaster_quarantine.web_orders").refs()) == {"main"}
    return code


def _sweep(desk: Desk, writers: Writers, moments: int) -> Counter[int]:
    """Kill a writer at evenly spread moments of its work."""
    writers(_step("first"))
    counted = writers(_step("count", kill_at=-1, rows=12, bad=2, revenue="1.50"))
    calls = int(counted[0]["answer"])
    return Counter(
        _check_killed(desk, writers, number, {"kill_at": 1 + calls * number // moments})
        for number in range(moments)
    )


def test_a_killed_writer_leaves_no_trace(desk: Desk, writers: Writers) -> None:
    """A writer killed at any of 36 moments, run again, gives the table of an undisturbed run."""
    assert _sweep(desk, writers, 36)[-9] >= 30


@pytest.mark.proof
@pytest.mark.timeout(1800)
def test_a_killed_writer_leaves_no_trace_anywhere(desk: Desk, writers: Writers) -> None:
    """The same at 200 moments, and at 60 random times."""
    assert _sweep(desk, writers, 200)[-9] >= 190
    dice = random.Random(3)  # noqa: S311 (a test's dice)
    killed = Counter(
        _check_killed(desk, writers, 200 + number, {"kill_after": dice.uniform(0.0, 0.5)})
        for number in range(60)
    )
    assert killed[-9] > 0
