"""A real installation, small: Postgres, S3 and folders, watched by the real watcher.

What is tried is real; only the watcher's clock runs ahead, half a minute a look, so that what must
stand for a while before it is told does not take that while.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Self

import boto3
import yaml

from stationmaster.ledger.store import Ledger
from stationmaster.monitor.alerts.opening import alert_plan, ready_channels
from stationmaster.monitor.alerts.outbox import Outbox
from stationmaster.monitor.alerts.sending import Sender
from stationmaster.monitor.checks.every import EVERY_CHECK
from stationmaster.monitor.facts.gathering import Gathering
from stationmaster.monitor.incidents.reading import events_of, findings_of, incidents
from stationmaster.monitor.incidents.store import IncidentStore
from stationmaster.monitor.watching.away import Away
from stationmaster.monitor.watching.watcher import Watcher
from stationmaster.step.settings import Settings
from tests.s3_server import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stationmaster.monitor.incidents.standing import StandingFinding, StandingIncident

__all__ = ["FILE", "Installation", "keys"]

FILE: Final = "drill-file"
STEP: Final = dt.timedelta(seconds=30)


class Installation:
    """Hold settings and a watcher.

    Args:
        home: Its folder.
        alerts: The part `alerts` of the file of expectations; by default all goes to a file.
        real_seconds: Wait so long between looks, and let the clock be the wall's; 0: run ahead.
        **settings: Others.
    """

    def __init__(
        self,
        home: Path,
        *,
        alerts: dict[str, Any] | None = None,
        real_seconds: float = 0.0,
        **settings: Any,  # noqa: ANN401 (fields of Settings)
    ) -> None:
        home.mkdir(parents=True, exist_ok=True)
        told = alerts or {"channels": {FILE: {"kind": "file", "path": "alerts.jsonl"}}}
        expectations = home / "monitoring.yaml"
        document = {"alerts": {"otherwise": [FILE], **told}}
        expectations.write_text(yaml.safe_dump(document), encoding="utf-8")
        self.settings = Settings(home=home, monitoring_file=expectations, **settings)
        ledger = Ledger.open(self.settings.ledger_location)
        ledger.migrate()
        ledger.close()
        plan = alert_plan(self.settings)
        self._store = IncidentStore.open(self.settings.ledger_location, plan)
        self._gathering = Gathering(self.settings)
        self._watcher = self._made()
        self._real_seconds = real_seconds
        self.now = dt.datetime.now(dt.UTC)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._gathering.close()
        self._store.close()

    def restart(self) -> None:
        """Start the watcher anew, as a pod is that has got other variables."""
        self._gathering.close()
        boto3.DEFAULT_SESSION = None
        self._gathering = Gathering(self.settings)
        self._watcher = self._made()

    def _made(self) -> Watcher:
        plan = alert_plan(self.settings)
        channels = ready_channels(plan.alerting, self.settings)
        return Watcher(
            self._store,
            Sender(lambda: Outbox(self._store.engine), plan, channels),
            self._gathering.facts,
            EVERY_CHECK,
            away=Away(self.settings.home / "watch-spool.json", plan, channels),
            look_seconds=90.0,
        )

    def look(self, times: int = 1) -> None:
        """Look so many times, half a minute apart by the watcher's clock."""
        for _ in range(times):
            time.sleep(self._real_seconds)
            ahead = max(self.now + STEP, dt.datetime.now(dt.UTC))
            self.now = dt.datetime.now(dt.UTC) if self._real_seconds else ahead
            self._watcher.look(self.now)

    def incidents(self) -> list[StandingIncident]:
        """Return all incidents there were, oldest first."""
        found = incidents(self._store.engine, closed=True)
        return sorted(found, key=lambda each: each.opened_at)

    def findings(self, number: int) -> list[StandingFinding]:
        """Return what belongs to an incident."""
        return findings_of(self._store.engine, number)

    def events(self, number: int) -> list[str]:
        """Return what happened to an incident."""
        return [each.kind for each in events_of(self._store.engine, number)]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Return what reached the file."""
        path = self.settings.home / "alerts.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]


@contextmanager
def keys(key: str = KEY, secret: str = KEY) -> Iterator[None]:
    """Be somebody to S3 for a while, as a pod's variables say who it is."""
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_EC2_METADATA_DISABLED")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(zip(names, (key, secret, "true"), strict=True))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
