"""An author tests a job in five lines: the real runner over real tables."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl
import pytest

from stationmaster.step import Inputs, JobFunctionError, Outputs, StepContext, job
from stationmaster.step.protocol import ResultStatus, StepResult
from stationmaster.step.testing import run_job

if TYPE_CHECKING:
    from pathlib import Path

    from stationmaster.step import Job

DAY = dt.date(2011, 11, 21)


def _visits(**counts: int) -> pl.DataFrame:
    return pl.DataFrame({"page": list(counts), "count": list(counts.values())})


def test_a_job_reads_and_writes_real_tables(totals: Job[...]) -> None:
    """Five lines: rows in, rows out, and a result that names both snapshots."""
    done = run_job(totals, "2011-11-21", tables={"visits": _visits(home=3, cart=1)})

    assert done.exit_code == 0
    assert done.table("visit_totals").select("page", "total").rows() == [("cart", 1), ("home", 3)]
    assert [ref.dataset for ref in done.result.inputs] == ["visits"]
    assert done.result.inputs[0].snapshot_id is not None
    assert done.result.outputs[0].snapshot_id is not None
    assert done.result.measurements.rows_read == 2
    assert done.result.measurements.rows_written == 2


def test_a_day_that_arrives_late_does_the_days_after_it_again(
    totals: Job[...], tmp_path: Path
) -> None:
    """Of a cumulative job the later totals are corrected within the same step, in order."""
    for day, count in (("2011-11-21", 1), ("2011-11-23", 3), ("2011-11-22", 2)):
        done = run_job(totals, day, tables={"visits": _visits(home=count)}, home=tmp_path)

    after = [ref.business_date.day for ref in done.result.outputs]
    sums = [
        done.table("visit_totals", DAY.replace(day=day))["total"].item() for day in (21, 22, 23)
    ]
    assert after == [22, 23]
    assert sums == [1, 3, 6]
    assert done.result.notes == ("2011-11-23 had been done before 2011-11-22: done again",)


def test_rows_that_break_a_rule_are_kept_aside_and_counted(totals: Job[...]) -> None:
    """The good rows are published, the bad one is in quarantine with the rule's name."""
    done = run_job(totals, "2011-11-21", tables={"visits": _visits(a=1, b=2, c=-1)})

    assert done.table("visit_totals")["page"].to_list() == ["a", "b"]
    assert done.quarantine("visit_totals").height == 1
    assert done.result.outputs[0].quarantined_rows == 1
    assert "total" in next(iter(done.result.outputs[0].quarantined_by_rule))


def test_too_many_bad_rows_stop_the_step_before_anything_is_published(totals: Job[...]) -> None:
    """Exit code 65, and the partition is not there."""
    done = run_job(totals, "2011-11-21", tables={"visits": _visits(a=-1, b=-2, c=1)})

    assert done.exit_code == 65
    assert done.result.error is not None
    assert done.result.error.kind == "ContractBrokenError"
    assert done.result.outputs == ()
    with pytest.raises(Exception, match="dataset visit_totals"):
        done.table("visit_totals")


def test_an_upstream_that_is_not_there_is_named(totals: Job[...]) -> None:
    """Exit code 69: retried later, and the message names dataset and day."""
    done = run_job(totals, "2011-11-21")

    assert done.exit_code == 69
    assert done.result.error is not None
    assert done.result.error.where == "dataset visits"
    assert "2011-11-21" in done.result.error.expected


def test_rows_the_job_could_not_parse_go_to_quarantine_too(contracts: Path) -> None:
    """`rejected` counts as bad rows beside those that break a rule."""

    @job
    def run(outputs: Outputs) -> None:
        bad = pl.DataFrame({"rule": ["not_json"], "record": ['"{oops"']})
        outputs.write("visit_totals", pl.DataFrame({"page": ["a"], "total": [1]}), rejected=bad)

    done = run_job(run, DAY, contracts=contracts)

    assert done.quarantine("visit_totals")["rule"].to_list() == ["not_json"]
    assert done.result.outputs[0].quarantined_by_rule == {"not_json": 1}


def test_a_dataset_that_was_never_published_can_be_empty(contracts: Path) -> None:
    """`missing_ok` gives no rows, with the columns of the contract."""
    seen: list[pl.DataFrame] = []

    @job
    def run(inputs: Inputs) -> None:
        seen.append(inputs.table("visit_totals", missing_ok=True).collect())

    done = run_job(run, DAY, contracts=contracts)

    assert done.exit_code == 0
    assert seen[0].columns == ["business_date", "page", "total"]
    assert seen[0].is_empty()


def test_a_read_is_pinned_while_the_step_runs(totals: Job[...], tmp_path: Path) -> None:
    """What another run publishes meanwhile changes nothing; the result names one snapshot."""
    run_job(totals, DAY, tables={"visits": _visits(home=1)}, home=tmp_path)
    seen: list[int] = []

    @job
    def run(inputs: Inputs) -> None:
        seen.append(inputs.table("visits").collect()["count"].item())
        run_job(totals, DAY, tables={"visits": _visits(home=9)}, home=tmp_path)
        seen.append(inputs.table("visits").collect()["count"].item())

    done = run_job(run, DAY, home=tmp_path)

    assert seen == [1, 1]
    assert len(done.result.inputs) == 1


def test_a_dataset_without_contract_cannot_be_written() -> None:
    """The message says which file is missing and where it belongs."""

    @job
    def run(outputs: Outputs) -> None:
        outputs.write("nowhere", pl.DataFrame({"a": [1]}))

    done = run_job(run, DAY)

    assert done.exit_code == 78
    assert done.result.error is not None
    assert "a file nowhere.odcs.yaml in" in done.result.error.expected


def test_a_second_write_of_a_dataset_is_refused(contracts: Path) -> None:
    """A write is the whole partition: two of them cannot both be meant."""
    frame = pl.DataFrame({"page": ["a"], "total": [1]})

    @job
    def run(outputs: Outputs) -> None:
        outputs.write("visit_totals", frame)
        outputs.write("visit_totals", frame)

    done = run_job(run, DAY, contracts=contracts)

    assert done.exit_code == 78
    assert done.result.error is not None
    assert done.result.error.message.startswith("output visit_totals: expected one write")


def test_files_are_replaced_as_a_whole(tmp_path: Path) -> None:
    """A second run leaves its own files only, behind one link; also one that wrote less."""

    @job
    def both(outputs: Outputs) -> None:
        outputs.write_file("page", "index.html", b"old")
        outputs.write_file("page", "img/chart.svg", b"<svg/>")

    @job
    def one(outputs: Outputs) -> None:
        outputs.write_file("page", "index.html", b"new")

    before = run_job(both, DAY, home=tmp_path).files
    after = run_job(one, DAY, home=tmp_path)

    assert before == {"page/index.html": b"old", "page/img/chart.svg": b"<svg/>"}
    assert after.files == {"page/index.html": b"new"}
    assert len(list((tmp_path / "reports/page/.versions").iterdir())) == 1


def test_a_file_stays_within_its_report() -> None:
    """A name that leads out of the folder is refused."""

    @job
    def run(outputs: Outputs) -> None:
        outputs.write_file("page", "../../secrets/token", b"x")

    done = run_job(run, DAY)

    assert done.exit_code == 78
    assert done.result.error is not None
    assert "a path that leads out of it" in done.result.error.message


def test_a_job_gets_its_context_and_leaves_notes() -> None:
    """The context tells the shard; a note stands in the result."""

    @job
    def run(context: StepContext, outputs: Outputs) -> None:
        outputs.note(f"part {context.shard.index} of {context.shard.count}")

    done = run_job(run, DAY)

    assert done.result.notes == ("part 0 of 1",)
    assert done.result.status is ResultStatus.DONE
    on_disk = StepResult.model_validate_json((done.home / "result.json").read_bytes())
    assert on_disk == done.result


def test_a_wrong_job_ends_in_its_result() -> None:
    """Also in tests an author reads the same sentence as in production."""

    @job
    def run(outputs: int) -> None: ...

    done = run_job(run, DAY)

    assert done.result.error is not None
    assert done.result.error.kind == JobFunctionError.__name__


def test_a_declared_output_that_is_not_written_is_no_success() -> None:
    """A job that forgets one of its outputs does not end green."""

    @job
    def run(outputs: Outputs) -> None:
        outputs.write_file("page", "index.html", b"")

    done = run_job(run, DAY, context={"outputs": ("page", "totals")})

    assert done.exit_code == 78
    assert done.files == {}
    assert done.result.error is not None
    assert done.result.error.got == "none to totals"


def test_an_output_that_nobody_declared_is_refused() -> None:
    """What job.yaml does not name, nobody downstream is told of."""

    @job
    def run(outputs: Outputs) -> None:
        outputs.write_file("surprise", "index.html", b"")

    done = run_job(run, DAY, context={"outputs": ("page",)})

    assert done.exit_code == 78
    assert done.result.error is not None
    assert done.result.error.message.startswith("output surprise: expected one of the step's")
