"""A real S3 server on the loopback (SeaweedFS), for as long as a test session needs it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["KEY", "running_s3"]

KEY = "test-key"
"""Access key and secret key in one."""

IDENTITY = {
    "name": "test",
    "credentials": [{"accessKey": KEY, "secretKey": KEY}],
    "actions": ["Admin", "Read", "List", "Write"],
}
GRPC_OFFSET = 10_000
"""How far above a port SeaweedFS listens for gRPC."""


@contextmanager
def running_s3(folder: Path, *, volumes: int = 200, volume_mb: int = 64) -> Iterator[str]:
    """Run the server with its files in a folder; yield its URL when it lets the key in.

    Args:
        folder: Where.
        volumes: How many there may be; each bucket takes seven at once.
        volume_mb: How large each may grow.
    """
    master, volume, filer, s3 = _free_ports(4)
    (folder / "s3.json").write_text(json.dumps({"identities": [IDENTITY]}), encoding="utf-8")
    arguments = [
        "-logtostderr",  # else its files are in the machine's temporary folder
        "server",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        f"-master.port={master}",
        f"-master.volumeSizeLimitMB={volume_mb}",
        "-master.telemetry=false",
        f"-volume.port={volume}",
        f"-volume.max={volumes}",
        "-filer",
        f"-filer.port={filer}",
        "-filer.localSocket=filer.sock",
        "-s3",
        f"-s3.port={s3}",
        "-s3.localSocket=s3.sock",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-s3.config={folder / 's3.json'}",
    ]
    program = str(Path(sys.executable).parent / "weed")
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([program, *arguments], stdout=log, stderr=log, cwd=folder)
        try:
            _wait_until_it_lets_us_in(f"http://127.0.0.1:{s3}", folder / "log")
            yield f"http://127.0.0.1:{s3}"
        finally:
            server.kill()  # it takes half a minute to go by itself
            server.wait()
            _remove_sockets(master=master, volume=volume, filer=filer, s3=s3)


def _remove_sockets(**ports: int) -> None:
    """Remove what it leaves when it is killed: the place is fixed in its source."""
    for service, port in ports.items():
        socket_file = f"/tmp/seaweedfs-{service}-grpc-{port + GRPC_OFFSET}.sock"  # noqa: S108 (as above)
        Path(socket_file).unlink(missing_ok=True)


def _free_ports(count: int) -> list[int]:
    """Return ports whose neighbour for gRPC is free too, each test worker in a range of its own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = 21_000 + 2_000 * (worker % 10)
    ports: list[int] = []
    for port in range(first, first + 2_000, 7):
        with socket.socket() as one, socket.socket() as other:
            taken = [one.connect_ex(("127.0.0.1", port)) == 0]
            taken.append(other.connect_ex(("127.0.0.1", port + GRPC_OFFSET)) == 0)
        if not any(taken):
            ports.append(port)
        if len(ports) == count:
            return ports
    message = f"expected {count} free ports from {first} on, got {len(ports)}"
    raise RuntimeError(message)


def _wait_until_it_lets_us_in(endpoint: str, log: Path) -> None:
    """Wait for an answer to a signed request: the port is open before the keys are read."""
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=KEY,
        aws_secret_access_key=KEY,
    )
    until = time.monotonic() + 90
    while True:
        try:
            client.list_buckets()
        except (BotoCoreError, ClientError) as error:
            if time.monotonic() > until:
                tail = log.read_text(encoding="utf-8", errors="replace")[-500:]
                message = f"no S3 server at {endpoint}: {error}; its log ends: {tail}"
                raise RuntimeError(message) from error
            time.sleep(0.3)
        else:
            return
