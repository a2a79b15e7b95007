"""Places for logs: a folder, and S3 with nothing but the standard library."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import boto3
import pytest

from stationmaster.step.logs.awsauth import CredentialSource
from stationmaster.step.logs.store import FolderStore, LogStore, open_store
from tests.s3_server import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ODD = 'dag_id=d/run_id=manual__2026-11-22T06:00:00+00:00/task_id=größe & "so"/attempt=1'


@pytest.fixture(name="store", params=["folder", "s3"])
def _store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> LogStore:
    if request.param == "folder":
        return FolderStore(tmp_path)
    endpoint: str = request.getfixturevalue("endpoint")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, KEY)
    bucket = f"logs-{time.time_ns()}"
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket=bucket)
    return open_store(f"s3://{bucket}/some/prefix", endpoint=endpoint)


def test_what_is_put_is_there(store: LogStore) -> None:
    """Whole, in part, and again after it was written anew, under any name that Airflow makes."""
    key = f"{ODD}/shard=0/attempt=1/000000.log"
    store.put(key, b"first")
    store.put(key, b"0123456789")

    assert store.get(key) == b"0123456789"
    assert store.get(key, 3, 6) == b"345"
    assert store.get(key, 8, 20) == b"89"
    assert [(each.key, each.size_bytes) for each in store.list(ODD)] == [(key, 10)]


def test_a_folder_is_listed_without_its_neighbours(store: LogStore) -> None:
    """The objects of attempt 1 are not those of attempt 10; an empty place is an empty list."""
    store.put("a/attempt=1/x.log", b"")
    store.put("a/attempt=10/x.log", b"")

    assert [each.key for each in store.list("a/attempt=1")] == ["a/attempt=1/x.log"]
    assert store.list("b") == []


def test_what_is_not_there_is_said_so(store: LogStore) -> None:
    """As a FileNotFoundError, which is an OSError like all other trouble."""
    with pytest.raises(FileNotFoundError):
        store.get("a/none.log")


def test_a_file_is_put_without_reading_it_whole(store: LogStore, tmp_path: Path) -> None:
    """A worker's log goes out as it is read."""
    file = tmp_path / "worker.log"
    file.write_bytes(b"0123456789" * 300_000)
    with file.open("rb") as stream:
        store.put("worker.log", stream)

    assert store.get("worker.log", 2_999_990) == b"0123456789"


def test_more_than_a_page_is_listed(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 lists a thousand objects at a time."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, KEY)
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket="many")
    store = open_store("s3://many", endpoint=endpoint)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: store.put(f"a/{number:06}.log", b"x"), range(1050)))

    assert [each.key for each in store.list("a")] == [f"a/{n:06}.log" for n in range(1050)]


def test_a_key_leaves_no_folder(tmp_path: Path) -> None:
    """A run id with dots and slashes writes nowhere else."""
    with pytest.raises(PermissionError, match="leaves it"):
        FolderStore(tmp_path / "logs").put("../elsewhere", b"")


def test_a_wrong_key_is_refused_with_the_stores_words(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What S3 says is in the error."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-key")

    with pytest.raises(OSError, match="403"):
        open_store("s3://many", endpoint=endpoint).list("a")


class _Roles(BaseHTTPRequestHandler):
    """Give out credentials as EKS Pod Identity's agent and as STS do."""

    asked: int = 0

    def do_GET(self) -> None:
        """Answer with keys that expire in an hour."""
        type(self).asked += 1
        keys = {"AccessKeyId": "role-key", "SecretAccessKey": "s"}
        if self.path.startswith("/pod"):
            token = self.headers.get("Authorization")
            answer: dict[str, object] = {
                **keys,
                "Token": token,
                "Expiration": "2100-01-01T00:00:00Z",
            }
        else:
            sts = {**keys, "SessionToken": "of-sts", "Expiration": time.time() + 3600}
            result = {"AssumeRoleWithWebIdentityResult": {"Credentials": sts}}
            answer = {"AssumeRoleWithWebIdentityResponse": result}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(name="roles")
def _roles() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Roles) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_pods_role_gives_the_keys(roles: str, tmp_path: Path) -> None:
    """EKS Pod Identity: the token's file is read, and the keys are asked for once."""
    (tmp_path / "token").write_text("of-the-pod\n")
    source = CredentialSource(
        {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{roles}/pod",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token"),
        }
    )
    asked = _Roles.asked

    assert [source.get().session_token for _ in range(2)] == ["of-the-pod", "of-the-pod"]
    assert _Roles.asked == asked + 1


def test_a_service_accounts_role_gives_the_keys(roles: str, tmp_path: Path) -> None:
    """IRSA: the service account's token buys keys at STS."""
    (tmp_path / "token").write_text("jwt")
    source = CredentialSource(
        {
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
            "AWS_ROLE_ARN": "arn:aws:iam::1:role/step",
            "AWS_ENDPOINT_URL_STS": roles,
        }
    )

    assert source.get().access_key == "role-key"
