"""The drill's own judge: it must see what went wrong, on real tables."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.step.datasets import Store
from stationmaster.step.settings import Settings
from stationmaster.step.testing import run_job
from tests.drill.checker import FIRST_DAY, check_run, steps
from tests.drill.step.drill_step import run as drill_step

if TYPE_CHECKING:
    from pathlib import Path

NAMESPACE = "drill_test"
GREEN = [{"task_id": name, "state": "success", "try_number": 1} for name in steps()]
RECORDED = [{"step": name, "verdict": "succeeded"} for name in steps()]


def publish(home: Path, name: str, *, try_number: int = 1) -> None:
    """Do one step of the drill's pipeline on a laptop."""
    layer, number = name[0], int(name[1:])
    upstream = {"a": "", "b": "drill_a", "c": "drill_b"}[layer]
    done = run_job(
        drill_step,
        FIRST_DAY + dt.timedelta(days=number),
        home=home,
        params={"dataset": f"drill_{layer}", "upstream": upstream, "seconds": 0},
        settings={"namespace": NAMESPACE},
        context={"step": name, "outputs": (f"drill_{layer}",), "try_number": try_number},
    )
    assert done.exit_code == 0, done.result.error


@pytest.fixture(name="home", scope="module")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a place where every step but c09 was done once."""
    home = tmp_path_factory.mktemp("drill")
    for name in steps()[:-1]:
        publish(home, name)
    return home


def judge(home: Path, states: list[dict[str, Any]], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the checker finds wrong."""
    store = Store.open(Settings(home=home, namespace=NAMESPACE))
    return check_run(store, NAMESPACE, states, rows)


def test_a_green_step_without_output_is_seen(home: Path) -> None:
    """A step that Airflow calls done and that published nothing is lost and falsely green."""
    assert judge(home, GREEN, RECORDED) == {"lost": ["c09"], "falsely green": ["c09"]}


def test_a_step_nobody_recorded_is_seen(home: Path) -> None:
    """A green step without a succeeded attempt in the ledger is named."""
    found = judge(home, GREEN, RECORDED[1:])

    assert found["unrecorded"] == ["a00"]


def test_a_doubled_step_is_seen(home: Path) -> None:
    """A step done again by a later try is doubled, and what was made from its old row is torn."""
    publish(home, "b03", try_number=2)
    found = judge(home, GREEN, RECORDED)

    assert found["doubled"] == ["b03 was published 2 times"]
    assert found["torn"] == ["c03 was made from a row of b03 that is not there any more"]
