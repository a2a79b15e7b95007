"""Faults of what everything stands on, for real: a database, an object store, a disk, a channel."""

from __future__ import annotations

import datetime as dt
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
import psutil

from tests.monitor_drill.doors import Door, Hook
from tests.monitor_drill.installation import FILE, Installation, keys
from tests.monitor_drill.judging import Expected, line_of
from tests.postgres_server import running_postgres
from tests.s3_server import running_s3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stationmaster.monitor.incidents.standing import StandingIncident

__all__ = ["STORES", "tried_for_real"]

LOOKS: Final = 8
"""Four minutes by the watcher's clock: what must stand for 90 s is told by then."""

SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 (a disk that is not nearly full)


def tried_for_real(name: str) -> dict[str, Any]:
    """Inject a fault of STORES, and return what was found."""
    with ExitStack() as stack:
        home = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="sm-drill-", dir=SHARED_MEMORY))
        )
        return {"fault": name, **STORES[name](home, stack)}


def _course(  # noqa: PLR0913 (what a course is)
    place: Installation,
    expected: Expected,
    break_it: Callable[[], None],
    mend_it: Callable[[], None],
    *,
    looks: int = LOOKS,
    looks_after: int = LOOKS,
) -> dict[str, Any]:
    """Look while all is well, while it is broken, and after it was mended."""
    place.look(2)
    begins = place.now
    break_it()
    place.look(looks)
    told: list[StandingIncident] = []
    mended = place.now
    mend_it()
    place.look(1)
    told = place.incidents()
    place.look(looks_after)
    return line_of(place, expected, told, begins=begins, mended=mended)


def _expected(check: str, subject: str, *does: str, seconds: float = 150) -> Expected:
    return Expected(
        check=(check,),
        subject=subject,
        layer="infrastructure",
        within=dt.timedelta(seconds=seconds),
        does=does,
    )


def _database_stopped(home: Path, stack: ExitStack) -> dict[str, Any]:
    server = stack.enter_context(running_postgres())
    place = stack.enter_context(Installation(home, ledger_uri=server.new_database()))
    expected = _expected("database-unreachable", "database:*", "Start it")
    return _course(place, expected, server.stop, server.start)


def _database_frozen(home: Path, stack: ExitStack) -> dict[str, Any]:
    server = stack.enter_context(running_postgres())
    place = stack.enter_context(Installation(home, ledger_uri=server.new_database()))
    frozen = ExitStack()
    expected = _expected("database-unreachable", "database:*")
    return _course(
        place,
        expected,
        lambda: frozen.enter_context(server.frozen()),
        frozen.close,
        looks=6,
    )


@contextmanager
def _bucket(home: Path) -> Iterator[str]:
    folder = home / "s3"
    folder.mkdir(parents=True)
    with running_s3(folder) as endpoint:
        client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
        client.create_bucket(Bucket="lake")
        yield endpoint


def _lake(home: Path, endpoint: str, **more: Any) -> Installation:  # noqa: ANN401 (of Installation)
    return Installation(
        home / "home",
        s3_endpoint=endpoint,
        warehouse="s3://lake/warehouse",
        reports="s3://lake/reports",
        **more,
    )


def _server_of(endpoint: str) -> psutil.Process:
    port = int(endpoint.rpartition(":")[2])
    return next(
        psutil.Process(each.pid)
        for each in psutil.net_connections()
        if each.laddr and each.laddr.port == port and each.status == "LISTEN" and each.pid
    )


def _s3_hangs(home: Path, stack: ExitStack) -> dict[str, Any]:
    stack.enter_context(keys())
    endpoint = stack.enter_context(_bucket(home))
    place = stack.enter_context(_lake(home, endpoint))
    server = _server_of(endpoint)
    expected = _expected("object-store-unreachable", "object-store:*")
    return _course(place, expected, server.suspend, server.resume, looks=6)


def _s3_stopped(home: Path, stack: ExitStack) -> dict[str, Any]:
    """Take the port away, and give it back: before S3 stands a door that can be shut."""
    stack.enter_context(keys())
    door = stack.enter_context(Door(stack.enter_context(_bucket(home))))
    place = stack.enter_context(_lake(home, door.url))
    expected = _expected("object-store-unreachable", "object-store:*")
    return _course(place, expected, door.shut, door.open)


def _s3_refused(home: Path, stack: ExitStack) -> dict[str, Any]:
    """Let the keys be wrong, as after a rotation that somebody forgot to roll out."""
    stack.enter_context(keys())
    endpoint = stack.enter_context(_bucket(home))
    who = ExitStack()
    stack.callback(who.close)
    place = stack.enter_context(_lake(home, endpoint))

    def break_it() -> None:
        who.enter_context(keys(secret="wrong"))  # noqa: S106 (not a secret: it is wrong)
        place.restart()

    def mend_it() -> None:
        who.close()
        place.restart()

    expected = _expected("object-store-refused", "object-store:*", "key")
    return _course(place, expected, break_it, mend_it)


def _disk_full(home: Path, stack: ExitStack) -> dict[str, Any]:
    """Fill a small disk of its own."""
    disk = home / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)]
    subprocess.run(mount, check=True)
    stack.callback(subprocess.run, ["umount", "-l", str(disk)], check=True)
    place = stack.enter_context(Installation(disk / "home"))
    ballast = disk / "ballast"

    def fill() -> None:
        ballast.write_bytes(bytes(59 * 2**20))

    expected = _expected("disk-filling", "volume:*", seconds=420)
    return _course(
        place,
        expected,
        fill,
        ballast.unlink,
        looks=16,
        looks_after=40,
    )


def _channel_dead(home: Path, stack: ExitStack) -> dict[str, Any]:
    """Let the webhook that is told first take nothing, while the store is away as well."""
    stack.enter_context(keys())
    hook = stack.enter_context(Hook())
    door = stack.enter_context(Door(stack.enter_context(_bucket(home))))
    secrets = home / "secrets"
    secrets.mkdir()
    (secrets / "hook").write_text(hook.url, encoding="utf-8")
    alerts = {
        "channels": {
            "hook": {"kind": "apprise", "secret": "hook"},
            FILE: {"kind": "file", "path": "alerts.jsonl"},
        },
        "routes": [{"check": "object-store-*", "to": ["hook"], "if_lost": [FILE]}],
        "lost_after_minutes": 2,
    }
    place = stack.enter_context(_lake(home, door.url, alerts=alerts, secrets=secrets))

    def break_it() -> None:
        hook.close()
        door.shut()

    def mend_it() -> None:
        hook.open()
        door.open()

    expected = replace(
        _expected("channel-lost", "part:watcher/channel hook", "alerts test", seconds=420),
        beside=("object-store-unreachable",),
    )
    line = _course(place, expected, break_it, mend_it, looks=16, looks_after=40)
    return line | {"hook_got": [each.get("title", "") for each in hook.got]}


STORES: Final[dict[str, Callable[[Path, ExitStack], dict[str, Any]]]] = {
    "database stopped": _database_stopped,
    "database frozen": _database_frozen,
    "S3 stopped": _s3_stopped,
    "S3 hangs": _s3_hangs,
    "S3 refused": _s3_refused,
    "disk filling": _disk_full,
    "webhook channel dead": _channel_dead,
}
"""What breaks each, by name."""
