"""A whole split morning through Airflow: counted by the waits, split, and the same tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stationmaster.airflow.laptop import run_pipeline
from stationmaster.ledger.store import Ledger
from stationmaster.sources.support_api import running_api
from tests.fanout.splitting import DAYS, delivered_to
from tests.pipeline.mornings import EXTRACTED, MERGED, differences

if TYPE_CHECKING:
    from pathlib import Path

    from tests.pipeline.mornings import Mornings

PIPELINE = """
from airflow.sdk import DAG

from stationmaster.airflow.arrivals import WaitForSource
from stationmaster.airflow.operator import StepOperator
from stationmaster.airflow.schedules import first_run, on_business_clock
from stationmaster.airflow.volumes import CountShards

ZONES = {"web": "UTC", "app": "UTC", "delivery": "Europe/London", "support": "UTC"}
UNITS = {"web": "orders", "app": "orders", "delivery": "events", "support": "tickets"}

with DAG("split_morning", schedule=on_business_clock("0 6 * * *"), start_date=first_run()):
    count = CountShards(task_id="count", waits=["wait_web", "wait_app"], units_a_shard=25)
    merge = StepOperator(task_id="merge", job="merge-customers", shards=count.shards)
    for source, zone in ZONES.items():
        wait = WaitForSource(
            task_id=f"wait_{source}",
            source=source,
            zone=zone,
            api=source == "support",
            splits=(f"extract_{source}", UNITS[source], 20),
        )
        extract = StepOperator(
            task_id=f"extract_{source}", job=f"extract-{source}", shards=wait.shards
        )
        wait >> [extract, count] >> merge
"""


@pytest.mark.timeout(600)
def test_a_split_morning_through_airflow_is_the_same(
    sources: Path, whole: Mornings, tmp_path: Path
) -> None:
    """The waits' counts split each step, its shards are processes, and the tables are the same."""
    mornings = delivered_to(tmp_path / "home", sources)
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "split_morning.py").write_text(PIPELINE)
    with running_api(mornings.settings) as url:
        done = run_pipeline(
            "split_morning",
            DAYS[:1],
            home=mornings.settings.home,
            dags_folder=tmp_path / "dags",
            variables={"STATIONMASTER_SUPPORT_API_URL": url},
        )
    ledger = Ledger.open(mornings.settings.ledger_location)
    shards = {each.step: each.shards for each in ledger.last(100)}
    ledger.close()

    assert done
    assert shards.pop("extract_delivery") > 10
    assert shards == {"extract_web": 4, "extract_app": 2, "extract_support": 2, "merge": 4}
    tables = (each.tables((*EXTRACTED, *MERGED), DAYS[:1]) for each in (mornings, whole))
    assert differences(*tables) == []
