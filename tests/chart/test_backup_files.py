"""A backup's way to the object store and back, against a real S3 server."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from tests.chart.rendering import CHART
from tests.s3_server import KEY

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType


@pytest.fixture(scope="module")
def s3(endpoint: str) -> Any:  # noqa: ANN401 (boto3's clients are made at run time)
    """Return a client, and make the bucket."""
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=KEY,
        aws_secret_access_key=KEY,
    )
    client.create_bucket(Bucket="chart-backups")
    return client


@pytest.fixture(scope="module")
def upload() -> ModuleType:
    """Return the script that the chart's ConfigMap holds."""
    spec = importlib.util.spec_from_file_location("upload", CHART / "files" / "upload.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_comes_back_is_what_was_put(s3: Any, upload: ModuleType, tmp_path: Path) -> None:  # noqa: ANN401 (as above)
    """The newest backup comes back byte by byte."""
    there, back = tmp_path / "there", tmp_path / "back"
    there.mkdir()
    back.mkdir()
    (there / "airflow.dump").write_bytes(b"dump" * 1000)
    name = upload.put(s3, there, "chart-backups", "same/", 3)
    assert upload.get(s3, back, "chart-backups", "same/") == name
    assert (back / "airflow.dump").read_bytes() == b"dump" * 1000


def test_a_file_that_changed_in_the_store_is_refused(
    s3: Any,  # noqa: ANN401 (as above)
    upload: ModuleType,
    tmp_path: Path,
) -> None:
    """A rotten backup ends the restore before a database is touched."""
    (tmp_path / "ledger.dump").write_bytes(b"whole")
    name = upload.put(s3, tmp_path, "chart-backups", "rotten/", 3)
    s3.put_object(Bucket="chart-backups", Key=f"rotten/{name}/ledger.dump", Body=b"half")
    with pytest.raises(SystemExit, match="not what was put"):
        upload.get(s3, tmp_path, "chart-backups", "rotten/")


def test_half_a_backup_is_none(s3: Any, upload: ModuleType, tmp_path: Path) -> None:  # noqa: ANN401 (as above)
    """Files without the manifest, which comes last, are not taken for a backup."""
    s3.put_object(Bucket="chart-backups", Key="half/20260101T000000Z/airflow.dump", Body=b"x")
    with pytest.raises(SystemExit, match="no backup at all"):
        upload.get(s3, tmp_path, "chart-backups", "half/")


def test_only_the_newest_backups_stay(s3: Any, upload: ModuleType, tmp_path: Path) -> None:  # noqa: ANN401 (as above)
    """Old ones go when a new one is whole."""
    for day in range(1, 5):
        key = f"many/2026010{day}T000000Z"
        s3.put_object(Bucket="chart-backups", Key=f"{key}/airflow.dump", Body=b"x")
        s3.put_object(Bucket="chart-backups", Key=f"{key}/manifest.json", Body=b"{}")
    (tmp_path / "airflow.dump").write_bytes(b"new")
    newest = upload.put(s3, tmp_path, "chart-backups", "many/", 2)
    assert upload.names(s3, "chart-backups", "many/") == ["20260104T000000Z", newest]
