"""Landing files and reports lie on S3 where the settings say so: checked on a real S3 server."""

from __future__ import annotations

import contextlib
import datetime as dt

import boto3
import pytest

from stationmaster.step import Inputs, Outputs, job
from stationmaster.step.testing import run_job
from tests.s3_server import KEY

DAY = dt.date(2011, 11, 21)


class Bucket:
    """Look into a bucket with a client that the library does not use."""

    def __init__(self, endpoint: str) -> None:
        self._client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
        with contextlib.suppress(self._client.exceptions.BucketAlreadyOwnedByYou):
            self._client.create_bucket(Bucket="lake")

    def put(self, key: str, body: bytes) -> None:
        """Write an object."""
        self._client.put_object(Bucket="lake", Key=key, Body=body)

    def get(self, key: str) -> bytes:
        """Return an object."""
        body: bytes = self._client.get_object(Bucket="lake", Key=key)["Body"].read()
        return body

    def names(self, prefix: str) -> list[str]:
        """Return the objects below a prefix; markers of folders are none."""
        listed = self._client.list_objects_v2(Bucket="lake", Prefix=prefix).get("Contents", [])
        names = [entry["Key"].removeprefix(prefix) for entry in listed]
        return [name for name in names if name and not name.endswith("/")]


@pytest.fixture(name="bucket")
def _bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
    return Bucket(endpoint)


def test_a_step_reads_and_publishes_files_on_s3(bucket: Bucket, endpoint: str) -> None:
    """The same job as on a disk: files in, files out, an older file of the report gone."""
    bucket.put("landing/web/2011-11-21/a.txt", b"abc")
    bucket.put("landing/web/2011-11-21/_SUCCESS", b"")
    bucket.put("reports/page/2011-11-21/older.svg", b"<svg/>")

    @job
    def run(inputs: Inputs, outputs: Outputs) -> None:
        (file,) = inputs.landing("web", [DAY])
        with file.open() as stream:
            outputs.write_file("page", "index.html", file.path.encode() + b"=" + stream.read())

    places = {"landing": "s3://lake/landing", "reports": "s3://lake/reports"}
    done = run_job(run, DAY, settings={**places, "s3_endpoint": endpoint})

    assert done.exit_code == 0, done.result.error
    assert done.result.outputs[0].uri == "s3://lake/reports/page/2011-11-21/"
    assert bucket.names("reports/page/2011-11-21/") == ["index.html"]
    body = bucket.get("reports/page/2011-11-21/index.html")
    assert body == b"s3://lake/landing/web/2011-11-21/a.txt=abc"


def test_a_day_that_is_not_on_s3_is_named(bucket: Bucket, endpoint: str) -> None:
    """The same sentence as for a folder."""
    bucket.put("landing/mobile/2011-11-19/_SUCCESS", b"{}")

    @job
    def run(inputs: Inputs) -> None:
        inputs.landing("mobile", [DAY])

    done = run_job(run, DAY, settings={"landing": "s3://lake/landing", "s3_endpoint": endpoint})

    assert done.exit_code == 69
    assert done.result.error is not None
    assert "missing since 2011-11-20, the last complete day is 2011-11-19" in done.result.error.got


def test_the_whole_of_a_long_result_is_kept_on_s3(bucket: Bucket, endpoint: str) -> None:
    """On a cluster the pod's disk goes with the pod: the document lies beside the reports."""

    @job
    def run() -> None:
        raise LookupError("!" * 9000)

    settings = {"reports": "s3://lake/reports", "s3_endpoint": endpoint}
    done = run_job(run, DAY, settings=settings)

    uri = done.left.full_result_uri or ""
    body = bucket.get(uri.removeprefix("s3://lake/"))
    assert uri.startswith("s3://lake/reports/_results/")
    assert b"!" * 9000 in body
