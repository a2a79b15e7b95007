"""A job finds its files, its secrets and the bounds of its day."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from stationmaster.step import Inputs, LandingFile, Outputs, job
from stationmaster.step.testing import run_job

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from stationmaster.step.testing import JobRun

DAY = dt.date(2011, 11, 21)


def _read(action: Callable[[Inputs], Any], **given: Any) -> tuple[JobRun, list[Any]]:  # noqa: ANN401 (whatever is tested)
    """Run an action as a job and return what it returned."""
    seen: list[Any] = []

    @job
    def run(inputs: Inputs) -> None:
        seen.append(action(inputs))

    return run_job(run, given.pop("day", DAY), **given), seen


def test_files_of_a_complete_day_are_listed_and_counted() -> None:
    """Sorted by name, without `_` files, with what the upstream promised of them."""
    landing = {"web/2011-11-21/b.jsonl": b"22", "web/2011-11-21/a.jsonl": b"1"}

    def action(inputs: Inputs) -> list[tuple[str, bytes, int | None]]:
        files: list[LandingFile] = inputs.landing("web", [DAY])
        return [(file.name, file.open().read(), file.promise.size_bytes) for file in files]

    done, seen = _read(action, landing=landing)

    assert seen == [[("a.jsonl", b"1", 1), ("b.jsonl", b"22", 2)]]
    assert done.result.inputs[0].dataset == "landing/web"
    assert done.result.measurements.bytes_read == 3


@pytest.mark.parametrize(
    ("complete", "cut_off", "got"),
    [
        ([], [], "no folder; missing since 2011-11-21, no earlier day is there"),
        (
            ["2011-11-18"],
            ["2011-11-20"],
            "no folder; missing since 2011-11-19, the last complete day is 2011-11-18",
        ),
        (["2011-11-20"], ["2011-11-21"], "a folder without it; missing since 2011-11-21, the last"),
    ],
)
def test_a_source_that_is_silent_is_named_with_since_when(
    tmp_path: Path, complete: list[str], cut_off: list[str], got: str
) -> None:
    """Exit code 69, the source, the day, and the first day that is missing."""
    for day in (*complete, *cut_off):
        (tmp_path / "landing/web" / day).mkdir(parents=True)
    for day in complete:
        (tmp_path / "landing/web" / day / "_SUCCESS").touch()

    done, _ = _read(lambda inputs: inputs.landing("web", [DAY]), home=tmp_path)

    assert done.exit_code == 69
    assert done.result.error is not None
    assert done.result.error.where == "landing web 2011-11-21"
    assert done.result.error.got.startswith(got)


def test_a_promised_file_that_is_not_there_is_named() -> None:
    """A half-delivered day is not read as a whole one."""
    success = b'{"files": {"orders-000.jsonl.gz": {"records": 3}}}'

    done, _ = _read(
        lambda inputs: inputs.landing("web", [DAY]), landing={"web/2011-11-21/_SUCCESS": success}
    )

    assert done.exit_code == 69
    assert done.result.error is not None
    assert done.result.error.got == "no orders-000.jsonl.gz"


def test_a_secret_is_a_file_and_its_absence_is_named() -> None:
    """The value without its line's end; a missing one is misconfigured, with the path."""
    done, seen = _read(lambda inputs: inputs.secret("token"), secrets={"token": "s3cret\n"})
    failed, _ = _read(lambda inputs: inputs.secret("other"))

    assert (done.exit_code, seen) == (0, ["s3cret"])
    assert failed.exit_code == 78
    assert failed.result.error is not None
    assert failed.result.error.where == "secret other"
    assert "secrets/other" in failed.result.error.hint


@pytest.mark.parametrize(
    ("day", "start", "hours"),
    [
        ("2011-11-21", "2011-11-21T00:00", 24),
        ("2011-03-27", "2011-03-27T00:00", 23),
        ("2011-10-30", "2011-10-29T23:00", 25),
        ("2011-07-01", "2011-06-30T23:00", 24),
    ],
)
def test_a_business_day_has_its_own_bounds_in_utc(day: str, start: str, hours: int) -> None:
    """23 and 25 hours on the days when the clock changes; each day begins where one ended."""
    _, seen = _read(Inputs.utc_bounds, day=day, settings={"business_timezone": "Europe/London"})

    begin, end = seen[0]
    assert begin == dt.datetime.fromisoformat(f"{start}:00+00:00")
    assert end - begin == dt.timedelta(hours=hours)


@pytest.mark.parametrize(
    ("zone", "days"),
    [("UTC", [6, 7]), ("Europe/London", [7]), ("Asia/Kolkata", [7, 8]), ("Asia/Tokyo", [7, 8])],
)
def test_the_days_of_an_upstream_that_overlap_are_known(zone: str, days: list[int]) -> None:
    """A London summer day touches two UTC days: both folders are to be read."""
    _, seen = _read(
        lambda inputs: inputs.upstream_days(zone),
        day="2011-07-07",
        settings={"business_timezone": "Europe/London"},
    )

    assert [day.day for day in seen[0]] == days


def test_what_a_job_reads_by_itself_is_counted() -> None:
    """An API's rows and bytes stand beside those of tables."""
    done, _ = _read(lambda inputs: inputs.count_read(rows=7, bytes=70))

    assert done.result.measurements.rows_read == 7
    assert done.result.measurements.bytes_read == 70


def test_a_reader_learns_what_was_kept_aside(tmp_path: Path) -> None:
    """Rows that a job rejected are told by rule to whoever reads the dataset."""
    rejected = pl.DataFrame({"rule": ["not_json", "not_json"], "record": ["{", "?"]})
    kept = pl.DataFrame({"page": [f"page-{number}" for number in range(98)]})

    @job
    def write(inputs: Inputs, outputs: Outputs) -> None:
        outputs.write("visits", inputs.table("seen").select("page"), rejected=rejected)

    run_job(write, DAY, tables={"seen": kept}, contracts=_visits_contract(tmp_path), home=tmp_path)
    _, seen = _read(lambda inputs: inputs.quarantined("visits"), home=tmp_path)

    assert seen == [{"not_json": 2}]


def _visits_contract(folder: Path) -> Path:
    text = """
apiVersion: v3.1.0
kind: DataContract
id: visits
name: Visits
version: 1.0.0
status: active
schema:
  - name: visits
    physicalType: table
    properties:
      - {name: business_date, logicalType: date, required: true}
      - {name: page, logicalType: string, required: true}
"""
    (folder / "visits.odcs.yaml").write_text(text, encoding="utf-8")
    return folder
