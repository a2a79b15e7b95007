"""Work that an earlier attempt has published: it is found, and left out."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl
import pytest

from stationmaster.step import Outputs, job
from stationmaster.step.testing import run_job

if TYPE_CHECKING:
    from pathlib import Path

    from stationmaster.step import Job

DAY = dt.date(2011, 11, 21)


def _visits(**counts: int) -> pl.DataFrame:
    return pl.DataFrame({"page": list(counts), "count": list(counts.values())})


def test_a_lost_acknowledgement_costs_no_second_run(totals: Job[...], tmp_path: Path) -> None:
    """A later attempt of a try that has published leaves the work out and says so."""
    told = {"outputs": ("visit_totals",), "try_id": "the-same-try"}
    visits = {"visits": _visits(home=1)}
    first = run_job(totals, DAY, tables=visits, home=tmp_path, context=told)

    again = run_job(totals, DAY, home=tmp_path, context={**told, "attempt": 2})

    assert again.exit_code == 0
    assert again.result.inputs == ()
    assert again.result.outputs[0].already_published
    assert again.result.outputs[0].snapshot_id == first.result.outputs[0].snapshot_id


@pytest.mark.parametrize(("repeated", "expected"), [(("the-lost-try",), True), ((), False)])
def test_a_retry_finds_what_a_lost_container_has_published(
    totals: Job[...], tmp_path: Path, repeated: tuple[str, ...], *, expected: bool
) -> None:
    """A try leaves out what a failed try has published after all; a cleared task does it anew."""
    told = {"outputs": ("visit_totals",), "try_id": "the-lost-try"}
    run_job(totals, DAY, tables={"visits": _visits(home=1)}, home=tmp_path, context=told)
    retry = {**told, "try_id": "the-retry", "try_number": 2, "retry_of": repeated}

    again = run_job(totals, DAY, tables={"visits": _visits(home=2)}, home=tmp_path, context=retry)

    assert again.exit_code == 0
    assert again.result.outputs[0].already_published is expected
    assert (again.result.inputs == ()) is expected


def test_what_a_lost_container_publishes_meanwhile_stands(contracts: Path, tmp_path: Path) -> None:
    """A retry that has worked already takes what a failed try's container published before it."""
    lost = {"outputs": ("visit_totals",), "try_id": "the-lost-try"}
    retry = {**lost, "try_id": "the-retry", "try_number": 2, "retry_of": ("the-lost-try",)}

    @job
    def early(outputs: Outputs) -> None:
        outputs.write("visit_totals", pl.DataFrame({"page": ["a"], "total": [1]}))

    @job
    def late(outputs: Outputs) -> None:
        outputs.write("visit_totals", pl.DataFrame({"page": ["a"], "total": [2]}))
        run_job(early, DAY, home=tmp_path, context=lost, contracts=contracts)

    done = run_job(late, DAY, home=tmp_path, context=retry, contracts=contracts)

    assert done.exit_code == 0
    assert [each.already_published for each in done.result.outputs] == [True]
    assert done.table("visit_totals")["total"].to_list() == [1]
