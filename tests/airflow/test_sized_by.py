"""What tells runs of one step apart in size."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.airflow.arrivals import WaitForSource
from stationmaster.airflow.operator import StepOperator
from stationmaster.airflow.sizedby import count_bytes, input_of_a_shard, parameter_class
from stationmaster.airflow.volumes import written_bytes
from stationmaster.ledger.store import Ledger
from stationmaster.step.jobfile import JobFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from airflow.models.dagrun import DagRun
    from airflow.sdk import DAG

VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.lists(st.text()))


def a_job(*sized_by: str) -> JobFile:
    """Return a job that is sized by these parameters."""
    return JobFile(name="sort-rows", summary="Sorts.", owner="tests", sized_by=sized_by)


@pytest.mark.parametrize(
    ("sized_by", "params", "wanted"),
    [
        ((), {"country": "de"}, ""),
        (("country",), {"country": "de", "day": "2011-11-21"}, "country=de"),
        (("mode", "country"), {"country": "de", "mode": "full"}, "country=de,mode=full"),
        (("rows",), {"rows": 5}, "rows=5"),
        (("rows",), {"rows": "5"}, "rows=5"),
        (("country",), {}, "country="),
        (("tables",), {"tables": ["a", {"z": 1, "b": 2}]}, 'tables=["a", {"b": 2, "z": 1}]'),
    ],
)
def test_a_class_is_named_by_what_changes_the_size(
    sized_by: tuple[str, ...], params: dict[str, Any], wanted: str
) -> None:
    """Only the parameters that job.yaml names count, whatever their order."""
    assert parameter_class(a_job(*sized_by), params) == wanted


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from("abc"), VALUES), st.permutations("abc"))
def test_a_class_is_short_and_stable(params: dict[str, Any], order: list[str]) -> None:
    """Any values make a printable name of at most 63 letters, the same for any order."""
    name = parameter_class(a_job(*order), params)
    assert name == parameter_class(a_job("a", "b", "c"), dict(reversed(params.items())))
    assert len(name) <= 63
    assert name.isprintable()


def test_long_values_are_told_apart() -> None:
    """Two long texts that begin alike are two classes."""
    names = {parameter_class(a_job("q"), {"q": "x" * 100 + end}) for end in "ab"}
    assert len(names) == 2


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (None, None),
        ("None", None),
        ("", None),
        ("many", None),
        (-1, None),
        ("nan", None),
        ("inf", None),
        (True, None),
        (0, 0),
        ("1048576", 2**20),
        ("1.5e3", 1500),
        ([1, "2"], 3),
        ([1, None], None),
        ([], None),
    ],
)
def test_what_is_no_number_of_bytes_is_not_known(value: object, wanted: int | None) -> None:
    """A template that came to nothing fails no step: its input is not known."""
    assert count_bytes(value) == wanted


@settings(deadline=None)
@given(st.integers(0, 2**60), st.integers(1, 1000))
def test_shares_of_shards_make_the_whole(whole: int, shards: int) -> None:
    """All shards' shares are the step's bytes, but for less than a byte each."""
    share = input_of_a_shard(whole, shards)
    assert share is not None
    assert whole <= share * shards < whole + shards
    assert input_of_a_shard(None, shards) is None


def test_a_wait_tells_what_its_step_reads(
    dag: DAG, run_dag: Callable[..., DagRun], tmp_path: Path
) -> None:
    """The bytes that the writer counts, and what a step wrote, are in the ledger's rows."""
    folder = tmp_path / "home" / "landing" / "web" / "2011-11-21"
    folder.mkdir(parents=True)
    told = {"orders-000.jsonl.gz": {"records": 20_000, "bytes": 3001}}
    (folder / "_SUCCESS").write_text(json.dumps({"files": told}))
    ledger = Ledger.open(f"sqlite:///{tmp_path}/home/ledger.db")
    ledger.migrate()
    wait = WaitForSource(task_id="wait", source="web", splits=("step", "orders", 10_000), dag=dag)
    step = StepOperator(task_id="step", job="toy-hello", dag=dag, **wait.split)
    after = StepOperator(
        task_id="after", job="toy-hello", input_bytes=written_bytes("step"), dag=dag
    )
    wait >> step >> after

    assert run_dag(dag).state == "success"

    rows = ledger.last(10)
    assert sorted((each.step, each.shard, each.input_bytes) for each in rows) == [
        ("after", 0, sum(each.bytes_written or 0 for each in rows if each.step == "step")),
        ("step", 0, 1501),
        ("step", 1, 1501),
    ]
    ledger.close()
