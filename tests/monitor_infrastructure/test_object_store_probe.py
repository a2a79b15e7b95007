"""A real S3 server, and folders: what the probe says while they are well, refuse or are away."""

from __future__ import annotations

import os
import signal
import socket
from typing import TYPE_CHECKING, Any

import boto3
import psutil
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from stationmaster.monitor.facts.storeobjects import ObjectStoreProbe
from stationmaster.monitor.facts.trouble import TroubleKind
from stationmaster.step.settings import Settings
from tests.s3_server import KEY, running_s3

if TYPE_CHECKING:
    from pathlib import Path

    from stationmaster.monitor.facts.stores import ObjectStoreState


@pytest.fixture(name="keys")
def _keys(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Be who the server lets in."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
    return monkeypatch


def settings(folder: Path, endpoint: str, **places: str) -> Settings:
    """Return settings whose warehouse is a bucket of its own."""
    given = {"warehouse": "s3://probed/warehouse", "landing": str(folder / "landing")} | places
    given = {"reports": "s3://probed/reports"} | given
    return Settings(home=folder, s3_endpoint=endpoint, **given)  # type: ignore[arg-type]  # (all are texts)


def bucket(endpoint: str, name: str = "probed") -> None:
    """Make a bucket where there is none, with a place for its first object already made."""
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    if name not in {each["Name"] for each in client.list_buckets()["Buckets"]}:
        client.create_bucket(Bucket=name)
        client.put_object(Bucket=name, Key="first", Body=b"takes the server seconds, at times")
        client.delete_object(Bucket=name, Key="first")


def fill(client: Any) -> None:  # noqa: ANN401 (boto3 has no types of its own)
    """Put a MiB at a time until the store takes no more."""
    for number in range(64):
        client.put_object(Bucket="probed", Key=f"x/{number}", Body=os.urandom(2**20))


def one(probe: ObjectStoreProbe, name: str = "probed") -> ObjectStoreState:
    """Return one store of a look."""
    return next(state for state in probe.look() if state.name == name)


@pytest.mark.usefixtures("keys")
def test_a_bucket_is_listed_and_written_where_we_may(tmp_path: Path, endpoint: str) -> None:
    """One bucket is one store however many places are in it; the probe leaves nothing behind."""
    bucket(endpoint)
    probe = ObjectStoreProbe(settings(tmp_path, endpoint, probe="s3://probed/.probe"))

    state = one(probe)

    assert state.trouble is None
    assert state.wrote
    assert state.uses == ("probe", "reports", "warehouse")
    assert state.server == endpoint.removeprefix("http://")
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    assert client.list_objects_v2(Bucket="probed").get("KeyCount", 0) == 0


@pytest.mark.usefixtures("keys")
def test_a_missing_bucket_is_missing(tmp_path: Path, endpoint: str) -> None:
    """It is told apart from one that refuses."""
    probe = ObjectStoreProbe(settings(tmp_path, endpoint, warehouse="s3://not-made/x"))

    trouble = one(probe, "not-made").trouble

    assert trouble is not None
    assert trouble.kind is TroubleKind.MISSING


@pytest.mark.parametrize(("key", "secret"), [("stranger", "stranger"), (KEY, "wrong"), ("", "")])
def test_wrong_keys_are_refused(
    tmp_path: Path, endpoint: str, keys: pytest.MonkeyPatch, key: str, secret: str
) -> None:
    """Unknown keys, a wrong secret and none at all: the store lives, and does not let us in."""
    bucket(endpoint)
    keys.setenv("AWS_ACCESS_KEY_ID", key)
    keys.setenv("AWS_SECRET_ACCESS_KEY", secret)
    keys.setenv("AWS_EC2_METADATA_DISABLED", "true")

    trouble = one(ObjectStoreProbe(settings(tmp_path, endpoint))).trouble

    assert trouble is not None
    assert trouble.kind in {TroubleKind.LOGIN, TroubleKind.FORBIDDEN}
    assert "wrong" not in trouble.sentence


@pytest.mark.usefixtures("keys")
def test_a_store_that_stops_is_closed_and_one_that_hangs_is_silent(tmp_path: Path) -> None:
    """Since when stays the same while it is away; a look ends in time."""
    (tmp_path / "s3").mkdir()
    with running_s3(tmp_path / "s3") as endpoint:
        bucket(endpoint)
        probe = ObjectStoreProbe(settings(tmp_path, endpoint))
        well = one(probe).trouble
        port = int(endpoint.rpartition(":")[2])
        server = next(
            psutil.Process(each.pid)
            for each in psutil.net_connections()
            if each.laddr and each.laddr.port == port and each.status == "LISTEN" and each.pid
        )
        server.send_signal(signal.SIGSTOP)
        hung = one(probe).trouble
        server.send_signal(signal.SIGCONT)
    stopped = one(probe).trouble

    assert well is None
    assert hung is not None
    assert hung.kind is TroubleKind.SILENT
    assert stopped is not None
    assert stopped.kind is TroubleKind.CLOSED


@pytest.mark.usefixtures("keys")
def test_a_store_that_is_full_can_still_be_read(tmp_path: Path) -> None:
    """SeaweedFS says only "internal error" when nothing fits: that it can be listed tells more."""
    (tmp_path / "s3").mkdir()
    with running_s3(tmp_path / "s3", volumes=8, volume_mb=1) as endpoint:
        bucket(endpoint)
        once = Config(retries={"total_max_attempts": 1})
        client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", config=once)
        with pytest.raises(ClientError):
            fill(client)
        read_only = one(ObjectStoreProbe(settings(tmp_path, endpoint))).trouble
        own = settings(tmp_path, endpoint, probe="s3://probed/.probe")
        trouble = one(ObjectStoreProbe(own)).trouble

    assert read_only is None
    assert trouble is not None
    assert (trouble.kind, trouble.during) == (TroubleKind.READ_ONLY, "put")


def test_an_endpoint_whose_name_is_unknown_is_the_networks_trouble(
    tmp_path: Path, keys: pytest.MonkeyPatch
) -> None:
    """DNS is told apart from a store that is down."""
    del keys
    probe = ObjectStoreProbe(settings(tmp_path, "http://no-such-store.invalid:8333"))

    trouble = one(probe).trouble

    assert trouble is not None
    assert trouble.kind is TroubleKind.NAME


def test_folders_stand_for_buckets_on_a_laptop(tmp_path: Path) -> None:
    """Those that nobody has made yet are left out; a probe that cannot be written is found."""
    (tmp_path / "warehouse").mkdir()
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    own = Settings(home=tmp_path, probe=str(tmp_path / "file"))

    states = {state.name: state.trouble for state in ObjectStoreProbe(own).look()}

    assert states[str(tmp_path / "warehouse")] is None
    assert states[str(tmp_path / "file")] is not None
    assert str(tmp_path / "landing") not in states
    fine = Settings(home=tmp_path, probe=str(tmp_path / "warehouse"))
    (state,) = [each for each in ObjectStoreProbe(fine).look() if each.wrote]
    assert state.uses == ("probe", "warehouse")
    assert list((tmp_path / "warehouse").iterdir()) == []


def test_a_full_disk_refuses_the_probe(tmp_path: Path) -> None:
    """What cannot be written because nothing fits is full, not away."""
    (tmp_path / f"stationmaster-probe-{socket.gethostname()}").symlink_to("/dev/full")
    probe = ObjectStoreProbe(Settings(home=tmp_path, probe=str(tmp_path)))

    trouble = one(probe, str(tmp_path)).trouble

    assert trouble is not None
    assert (trouble.kind, trouble.during) == (TroubleKind.FULL, "put")
