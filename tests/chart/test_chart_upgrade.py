"""Upgrades and ways back on a real cluster: of Airflow, across changes of schema, of the ledger.

Builds the older and newer images that it needs from the one of `make images`. Each release is the
test's own, in namespaces of its own. Run by `make proof-chart`: each way there and back takes
minutes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest

from tests.chart.drilled import FULL, NAMESPACE, DrilledRelease
from tests.chart.variants import airflow_image, newer_ledger_image, platform_image

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.cluster, pytest.mark.proof, pytest.mark.timeout(1800)]

PREVIOUS: Final = "3.3.1"
"""The Airflow that an upgrade begins with while no older release of ours is tagged."""
OTHER_SCHEMA: Final = "3.2.2"
"""The newest Airflow whose tables differ from ours."""
PLAIN: Final = ("airflow.executor=LocalExecutor", "airflow.parallelism=4")
"""Our executor is written for one version of Airflow: an older one runs plain tasks."""
TASK, STEP = "plain_task", "maintain_datasets"


@dataclass
class Story:
    """Hold what was seen in three acts: an older Airflow, ours, the older one again."""

    versions: list[str] = field(default_factory=list)
    asked: set[str] = field(default_factory=set)
    """Runs of the plain task, one an act, each of which succeeded when it was asked for."""
    remembered: set[str] = field(default_factory=set)
    """Runs of it that the last act still knows as successful."""
    keys_stayed: bool = False


def tell(drilled: DrilledRelease, older: str, newer: str, *, across_schemas: bool) -> Story:
    """Install an older image, upgrade to a newer one, go back; run a DAG in each act."""
    story = Story()

    def act() -> None:
        story.versions.append(drilled.version())
        story.asked.add(drilled.run(TASK)["dag_run_id"])

    drilled.upgrade(older, *PLAIN)
    act()
    secrets = drilled.secrets()
    drilled.upgrade(newer)
    act()
    drilled.run(STEP)
    story.keys_stayed = drilled.secrets() == secrets
    if across_schemas:
        downgrade(drilled)
    drilled.rollback()
    act()
    runs = drilled.release.airflow.call("GET", f"/api/v2/dags/{TASK}/dagRuns")["dag_runs"]
    story.remembered = {run["dag_run_id"] for run in runs if run["state"] == "success"}
    return story


@pytest.fixture(name="same_schema", scope="module")
def _same_schema() -> Iterator[Story]:
    with DrilledRelease() as drilled:
        older, newer = airflow_image(PREVIOUS), platform_image()
        yield tell(drilled, older, newer, across_schemas=False)


@pytest.fixture(name="other_schema", scope="module")
def _other_schema() -> Iterator[Story]:
    with DrilledRelease() as drilled:
        older, newer = airflow_image(OTHER_SCHEMA), newer_ledger_image()
        yield tell(drilled, older, newer, across_schemas=True)


def downgrade(drilled: DrilledRelease) -> None:
    """Take both schemas back from the newer image, as docs/chart.md says."""
    begin = time.monotonic()
    drilled.stop("api-server", "scheduler", "triggerer")
    newer = ["exec", "-n", NAMESPACE, f"deploy/{FULL}-dag-processor", "-c", "dag-processor", "--"]
    for words in (
        ["airflow", "db", "downgrade", "--to-version", OTHER_SCHEMA, "--yes"],
        ["stationmaster", "ledger", "downgrade", "g1_0010", "--yes"],
    ):
        drilled.place.kubectl(*newer, *words, seconds=300)
    drilled.say("both schemas back", time.monotonic() - begin)


def test_an_upgrade_and_a_rollback_run_dags_in_every_act(same_schema: Story) -> None:
    """The previous Airflow, ours with a step as a pod, and the previous one again."""
    before, upgraded, back = same_schema.versions
    assert before == back == PREVIOUS
    assert upgraded != PREVIOUS


def test_keys_and_runs_outlive_an_upgrade_and_a_rollback(same_schema: Story) -> None:
    """Every Secret is the same after the upgrade; every run is there after the rollback."""
    assert same_schema.keys_stayed
    assert same_schema.remembered == same_schema.asked
    assert len(same_schema.asked) == 3


def test_an_older_scheduler_runs_a_dag_after_both_schemas_were_taken_back(
    other_schema: Story,
) -> None:
    """The documented downgrade fits the older Airflow and the older ledger: it starts and works."""
    before, upgraded, back = other_schema.versions
    assert before == back == OTHER_SCHEMA
    assert upgraded != OTHER_SCHEMA


def test_the_way_back_to_an_older_schema_loses_no_run(other_schema: Story) -> None:
    """Runs of before, of the newer version and of after are all there."""
    assert other_schema.remembered == other_schema.asked
    assert len(other_schema.asked) == 3
