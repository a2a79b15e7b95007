"""Three real mornings on the cluster equal the laptop's, value by value."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from stationmaster.sources.retail import fetch
from stationmaster.sources.world import World
from stationmaster.step.settings import Settings
from tests.pipeline.mornings import MERGED, REPORTED, Mornings, days_from, differences

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cluster.airflow_api import AirflowApi
    from tests.cluster.place import Place
    from tests.cluster.release import Release

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]

DAYS = days_from(dt.date(2011, 11, 21), 3)
TABLES = (*MERGED, *REPORTED)
DAG = "morning_analytics"
STEPS = {"extract_web", "extract_app", "extract_delivery", "extract_support"} | {
    "merge_customers",
    "report_morning",
}


@pytest.fixture(name="runs", scope="module")
def _runs(airflow: AirflowApi) -> dict[dt.date, str]:
    """Run the mornings afresh through the release's Airflow, all of them at once."""
    airflow.wait_for_dag(DAG)
    airflow.leave_alone(DAG)
    zone = Settings().zone
    runs = {}
    for day in DAYS:
        morning = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(6), zone)
        airflow.delete_runs(DAG, morning.astimezone(dt.UTC))
        runs[day] = airflow.trigger(DAG, logical_date=morning.astimezone(dt.UTC))
    airflow.wait_for_dag(DAG)
    for run_id in runs.values():
        airflow.wait(DAG, run_id, seconds=1200)
    airflow.leave_alone(DAG)
    return runs


def test_every_morning_is_green(airflow: AirflowApi, runs: dict[dt.date, str]) -> None:
    """Each run succeeds, with each of its tasks at the first try."""
    for run_id in runs.values():
        tasks = {each["task_id"]: each for each in airflow.tasks(DAG, run_id)}
        seen = {name: (task["state"], task["try_number"]) for name, task in tasks.items()}
        assert seen == dict.fromkeys(seen, ("success", 1))
        assert seen.keys() >= STEPS


def test_each_step_was_a_pod(
    airflow: AirflowApi, place: Place, runs: dict[dt.date, str], release: Release
) -> None:
    """The ledger knows the pod of each step; none of them ran on a worker."""
    from tests.cluster.ledger import attempts  # noqa: PLC0415 (needs the release's database)

    for run_id in runs.values():
        found = attempts(release, DAG, run_id)
        assert {each["step"] for each in found} == STEPS
        assert all(each["pod_uid"] and each["verdict"] == "succeeded" for each in found)
        executors = {
            task["task_id"]: task["executor"]
            for task in airflow.tasks(DAG, run_id)
            if task["task_id"] in STEPS
        }
        assert all("StepExecutor" in str(name) for name in executors.values())
    assert place.pods("stationmaster.io/pipeline", place.namespace) == []


def test_the_tables_equal_the_laptops(
    release: Release, runs: dict[dt.date, str], tmp_path: Path
) -> None:
    """What the pods published equals what the same jobs publish on a laptop, value by value."""
    assert runs
    laptop = Mornings(tmp_path / "laptop")
    laptop.play_sources(World(fetch(Settings())), days_from(DAYS[0] - dt.timedelta(days=1), 4))
    laptop.extract(DAYS)
    laptop.merge(DAYS)
    laptop.report(DAYS)
    cluster = Mornings(tmp_path / "cluster")
    cluster.settings = release.settings(tmp_path / "cluster")

    assert differences(cluster.tables(TABLES, DAYS), laptop.tables(TABLES, DAYS)) == []
