"""Tables lie on S3 where the settings say so: checked on a real S3 server."""

from __future__ import annotations

import datetime as dt
import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest

from stationmaster.step.datasets import Store
from stationmaster.step.datasets.forgetting import Identifier
from stationmaster.step.datasets.maintaining import MaintenancePolicy
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.datasets.conftest import Desk as DeskType

KEY = "test-key"
IDENTITY = {
    "name": "test",
    "credentials": [{"accessKey": KEY, "secretKey": KEY}],
    "actions": ["Admin", "Read", "List", "Write"],
}


def _free_ports(count: int) -> list[int]:
    """Return ports whose neighbour 10,000 above, which seaweedfs takes for gRPC, is free too."""
    ports: list[int] = []
    for port in range(21_003, 50_000, 19):
        with socket.socket() as one, socket.socket() as other:
            if one.connect_ex(("127.0.0.1", port)) and other.connect_ex(
                ("127.0.0.1", port + 10_000)
            ):
                ports.append(port)
        if len(ports) == count:
            break
    return ports


def _wait_until_up(endpoint: str) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(endpoint, timeout=2).close()  # noqa: S310 (http on loopback)
        except urllib.error.HTTPError:
            return  # it refuses us, so it is up
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"no S3 server at {endpoint}")


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run seaweedfs on free ports of the loopback, and stop it at the end."""
    master, volume, filer, s3 = _free_ports(4)
    folder = tmp_path_factory.mktemp("seaweedfs")
    words = f"server -dir={folder} -ip=127.0.0.1 -ip.bind=127.0.0.1 -master.port={master} "
    words += f"-volume.port={volume} -filer -filer.port={filer} -s3 -s3.port={s3} "
    words += f"-s3.config={folder}/s3.json -master.volumeSizeLimitMB=64 -volume.max=20 "
    words += "-master.telemetry=false"
    (folder / "s3.json").write_text(json.dumps({"identities": [IDENTITY]}))
    program = str(Path(sys.executable).parent / "weed")
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([program, *words.split()], stdout=log, stderr=log)
        try:
            _wait_until_up(f"http://127.0.0.1:{s3}")
            yield f"http://127.0.0.1:{s3}"
        finally:
            server.kill()  # it takes half a minute to go by itself
            server.wait()


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
