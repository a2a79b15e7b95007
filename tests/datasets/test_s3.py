"""Tables lie on S3 where the settings say so: checked on a real S3 server."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import boto3
import pytest

from stationmaster.step.datasets import Store
from stationmaster.step.datasets.forgetting import Identifier
from stationmaster.step.datasets.maintaining import MaintenancePolicy
from stationmaster.step.settings import Settings
from tests.s3_server import KEY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.datasets.conftest import Desk as DeskType


@pytest.fixture
def lake(
    desk: DeskType, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> DeskType:
    """Return a desk whose tables lie in a bucket."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
    name = f"lake-{tmp_path.name[-20:].strip('_').replace('_', '-')}"
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    client.create_bucket(Bucket=name)
    settings = Settings(
        home=tmp_path / "s3home", warehouse=f"s3://{name}/warehouse", s3_endpoint=endpoint
    )
    return type(desk)(settings, Store.open(settings), desk.contract)


def test_a_partition_on_s3(lake: DeskType) -> None:
    """Publishing, overwriting, quarantine and reading are as in a folder."""
    lake.publish(lake.orders(8, bad=2))
    lake.publish(lake.orders(8, bad=1, revenue="2.00"), "r2")
    assert (lake.rows().height, lake.revenue(), lake.quarantine().height) == (7, ["2.00"], 1)
    table = lake.table()
    assert all(task.file.file_path.startswith("s3://") for task in table.scan().plan_files())


def test_maintenance_and_forgetting_on_s3(lake: DeskType) -> None:
    """Old files go from the bucket, and a person with them."""
    for number in range(3):
        lake.publish(lake.orders(8, revenue=f"{number}.00"), f"r{number}")
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=10)
    assert lake.store.maintain(MaintenancePolicy(), now=later)[0].files_removed > 0
    assert lake.store.forget([Identifier("email", "p1@example.com")])[0].rows == 1
    assert (lake.rows().height, lake.revenue()) == (7, ["2.00"])
