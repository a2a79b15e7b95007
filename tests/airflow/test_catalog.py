"""Job names, sizes and dates: what a DAG file may write."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from stationmaster.airflow.catalog import find_job
from stationmaster.airflow.dates import day_bounds, upstream_days
from stationmaster.airflow.exceptions import StepFailedError, StepUnavailableError
from stationmaster.airflow.operator import StepOperator
from stationmaster.airflow.retries import StepRetryPolicy
from stationmaster.airflow.sizes import resources_of
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.sdk import DAG

LONDON, UTC = ZoneInfo("Europe/London"), ZoneInfo("UTC")
DAY = dt.date(2011, 11, 21)


def test_an_unknown_job_stops_the_dags_import(dag: DAG) -> None:
    """A job that is not in the catalog is refused with the names that are near it."""
    with pytest.raises(MisconfiguredError, match=r"job 'toy-helo'.*Did you mean toy-hello"):
        StepOperator(task_id="step", job="toy-helo", dag=dag)


def test_an_unknown_size_stops_the_dags_import(dag: DAG) -> None:
    """A size that is none is refused with the sizes there are."""
    with pytest.raises(MisconfiguredError, match="expected one of xs, s, m, l, xl, got 'xxl'"):
        StepOperator(task_id="step", job="toy-hello", size="xxl", dag=dag)


def test_each_size_has_twice_the_memory_of_the_one_before() -> None:
    """The next size is always a useful answer to out of memory."""
    quantities = [resources_of(size).memory for size in ("xs", "s", "m", "l", "xl")]
    memory = [int(quantity.removesuffix("Gi")) for quantity in quantities]

    assert memory == [1, 2, 4, 8, 16]


def test_the_job_says_what_the_author_leaves_out(dag: DAG) -> None:
    """Docs and timeout come from job.yaml; the DAG's owner stands before the job's."""
    operator = StepOperator(task_id="step", job="toy-hello", dag=dag)

    assert operator.doc_md == "Test step 'hello'."
    assert operator.execution_timeout == dt.timedelta(minutes=5)
    assert (operator.owner, operator.size) == ("tests", "xs")


def test_a_catalog_file_names_each_jobs_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a cluster the chart's file replaces the folder, with an image by digest."""
    fields = {"image": "registry.example.com/web@sha256:12", "summary": "s", "owner": "o"}
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps({"jobs": {"extract-web": fields}}))
    monkeypatch.setenv("STATIONMASTER_CATALOG_FILE", str(path))

    job = find_job("extract-web")

    assert job.image == "registry.example.com/web@sha256:12"
    assert job.file.command == ("python", "-m", "extract_web")
    with pytest.raises(MisconfiguredError, match="Did you mean extract-web"):
        find_job("extract-wep")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("jobs: [", "expected a YAML or JSON file"),
        ("[]", "expected `jobs:` with one mapping a job"),
        ("jobs: {extract-web: {summary: s, owner: o}}", "expected an image for extract-web"),
        (
            "jobs: {extract-web: {image: i, owner: o, colour: red}}",
            "expected the fields of a job.yaml for extract-web",
        ),
    ],
)
def test_an_unusable_catalog_file_says_what_is_wrong(
    text: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A catalog that cannot be used is named with what was expected in it."""
    path = tmp_path / "catalog.yaml"
    path.write_text(text)
    monkeypatch.setenv("STATIONMASTER_CATALOG_FILE", str(path))

    with pytest.raises(MisconfiguredError) as caught:
        find_job("extract-web")

    assert complaint in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_changed_job_file_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalog remembers a job.yaml only as long as the file stays the same."""
    monkeypatch.setenv("STATIONMASTER_JOBS", str(tmp_path))
    path = tmp_path / "extract-web" / "job.yaml"
    path.parent.mkdir()
    for size in ("s", "xl"):
        path.write_text(f"name: extract-web\nsummary: s\nowner: o\nsize: {size}\n")
        assert find_job("extract-web").file.size == size


@pytest.mark.parametrize(
    ("day", "hours"),
    [(dt.date(2011, 3, 27), 23), (dt.date(2011, 10, 30), 25), (DAY, 24)],
)
def test_a_day_has_23_24_or_25_hours(day: dt.date, hours: int) -> None:
    """The bounds of a day follow the clocks of its zone."""
    start, end = day_bounds(day, LONDON)

    assert end - start == dt.timedelta(hours=hours)


def test_upstream_days_overlap_the_business_date() -> None:
    """In summer a London day has hours of two UTC days; in winter, and in its own zone, of one."""
    summer = dt.date(2011, 6, 21)

    assert upstream_days(summer, LONDON, UTC) == [summer - dt.timedelta(days=1), summer]
    assert upstream_days(DAY, LONDON, UTC) == [DAY]
    assert upstream_days(summer, LONDON, LONDON) == [summer]


def test_an_unavailable_upstream_gets_more_time_with_each_try() -> None:
    """After exit code 69 the waits double from 5 to 40 minutes; other failures keep Airflow's."""
    policy = StepRetryPolicy()
    down = StepUnavailableError("down")

    delays = [policy.evaluate(down, number, 9).retry_delay for number in (1, 2, 3, 4, 5)]

    assert delays == [dt.timedelta(minutes=each) for each in (5, 10, 20, 40, 40)]
    assert policy.evaluate(StepFailedError("broke"), 1, 9).retry_delay is None
