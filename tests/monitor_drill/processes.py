"""Faults of real processes on the laptop: a watcher that is killed, Airflow's scheduler too."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
import yaml

from stationmaster.ledger.engine import make_engine
from stationmaster.ledger.incidentmodels import notification
from stationmaster.ledger.store import Ledger
from stationmaster.monitor.incidents.reading import events_of, findings_of, incidents
from tests.launcher.airflow_home import eventually
from tests.launcher.stage import ClusterThread, running_home
from tests.monitor_drill.doors import Hook
from tests.monitor_drill.installation import Installation
from tests.monitor_drill.judging import Expected, line_of
from tests.monitor_drill.plans import RunPlan, StepPlan, Trip
from tests.monitor_drill.records import begun_record, ended_record
from tests.monitor_drill.spans import span_of
from tests.postgres_server import running_postgres

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stationmaster.monitor.incidents.standing import StandingFinding, StandingIncident

__all__ = ["PROCESSES"]

ROOT: Final = Path(__file__).parents[2]
MINUTE: Final = dt.timedelta(minutes=1)
SECOND: Final = dt.timedelta(seconds=1)
BROKEN: Final = Trip(
    verdict="config_error",
    exit_code=78,
    sentence="load-payments: the secret bank-token is not there.",
    hint="Make the secret bank-token, then clear the task.",
)
STEP: Final = "step:nightly_finance/load_payments"
LEASE_SECONDS: Final = 180


class _Told:
    """Answer as `Watched` from the ledger that a watcher of its own process writes."""

    def __init__(self, engine: sa.Engine, hook: Hook) -> None:
        self.engine = engine
        self._hook = hook

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Return what reached the webhook."""
        return list(self._hook.got)

    def incidents(self) -> list[StandingIncident]:
        """Return all incidents there were, oldest first."""
        return sorted(incidents(self.engine, closed=True), key=lambda each: each.opened_at)

    def findings(self, number: int) -> list[StandingFinding]:
        """Return what belongs to an incident."""
        return findings_of(self.engine, number)

    def events(self, number: int) -> list[str]:
        """Return what happened to an incident."""
        return [each.kind for each in events_of(self.engine, number)]

    def waiting(self) -> int:
        """Return how many messages are written down and not sent."""
        query = sa.select(sa.func.count()).where(notification.c.state == "waiting")
        with self.engine.connect() as connection:
            return int(connection.execute(query).scalar_one())


def watcher_killed() -> dict[str, Any]:
    """Kill a watcher after it has found something and before it could tell; start another one."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sm-drill-")))
        uri = stack.enter_context(running_postgres()).new_database()
        hook = stack.enter_context(Hook())
        engine = make_engine(uri)
        stack.callback(engine.dispose)
        told = _Told(engine, hook)
        places = _places(home, uri, hook.url)
        ledger = Ledger.open(uri)
        stack.callback(ledger.close)
        ledger.migrate()
        began = dt.datetime.now(dt.UTC) - 10 * MINUTE
        _record(ledger, home, began)
        hook.close()
        with _watching(places, home / "first.log") as first:
            eventually(lambda: _is_there(told) and told.waiting() == 1, seconds=300)
            first.kill()
            first.wait()
        killed = dt.datetime.now(dt.UTC)
        hook.open()
        with _watching(places, home / "second.log"):
            eventually(lambda: bool(hook.got), seconds=LEASE_SECONDS + 120)
            heard = dt.datetime.now(dt.UTC)
            before = told.incidents()
            time.sleep(30)  # what is told twice is told within the next looks
            once = len(hook.got)
            mended = dt.datetime.now(dt.UTC)
            _record(ledger, home, began, cleared=True)
            eventually(lambda: all(not each.is_open for each in told.incidents()), seconds=120)
            eventually(lambda: len(hook.got) > once, seconds=120)
        line = line_of(told, _failed_step(), before, begins=killed, mended=mended)
        if once != 1:
            line["wrong"].append(f"expected one message of it, got {once}: {hook.got}")
        return line | {
            "fault": "watcher killed between finding and telling",
            "noticed_s": round((heard - killed).total_seconds()),
        }


def scheduler_killed() -> dict[str, Any]:
    """Kill the scheduler of a real Airflow, and start it again."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sm-drill-")))
        cluster = stack.enter_context(ClusterThread())
        # As Airflow has it by itself; the launcher's tests are less patient.
        patience = {"AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "30"}
        airflow = stack.enter_context(running_home(folder / "airflow", cluster, patience))
        airflow.api_server()
        scheduler = airflow.scheduler()
        place = stack.enter_context(
            Installation(
                folder / "home",
                real_seconds=10.0,
                airflow_url=f"http://127.0.0.1:{airflow.port}",
            )
        )
        time.sleep(60)  # until its first heartbeat
        place.look(2)
        begins = place.now
        scheduler.kill()
        scheduler.wait()
        _look_until(place, lambda: bool(place.incidents()))
        before = place.incidents()
        mended = place.now
        airflow.scheduler()
        _look_until(place, lambda: all(not each.is_open for each in place.incidents()))
        expected = Expected(
            check=("scheduler-dead",),
            subject="part:scheduler",
            layer="infrastructure",
            within=3 * MINUTE,
            does=("log",),
        )
        line = line_of(place, expected, before, begins=begins, mended=mended)
        return line | {"fault": "scheduler of a real Airflow killed"}


def _look_until(place: Installation, holds: Callable[[], bool], *, looks: int = 60) -> None:
    for _ in range(looks):
        place.look(1)
        if holds():
            return


def _failed_step() -> Expected:
    return Expected(
        check=("step-failed",),
        subject=STEP,
        layer="pipeline",
        within=MINUTE,
        says=("bank-token",),
        does=("Make the secret",),
    )


def _is_there(told: _Told) -> bool:
    return sa.inspect(told.engine).has_table(notification.name) and bool(told.incidents())


def _places(home: Path, uri: str, hook: str) -> dict[str, str]:
    """Return the variables of a watcher that tells a webhook."""
    (home / "secrets").mkdir()
    (home / "secrets" / "hook").write_text(hook, encoding="utf-8")
    file = home / "monitoring.yaml"
    alerts = {"channels": {"hook": {"kind": "apprise", "secret": "hook"}}, "otherwise": ["hook"]}
    file.write_text(yaml.safe_dump({"alerts": alerts}), encoding="utf-8")
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(each for each in sys.path if each),
        "STATIONMASTER_HOME": str(home),
        "STATIONMASTER_LEDGER_URI": uri,
        "STATIONMASTER_MONITORING_FILE": str(file),
        "STATIONMASTER_SECRETS": str(home / "secrets"),
        "STATIONMASTER_JOBS": str(ROOT / "jobs"),
    }


@contextmanager
def _watching(places: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start `stationmaster watch`; it is gone afterwards."""
    code = "from stationmaster.cli import main; main()"
    command = [sys.executable, "-c", code, "watch", "--every", "5s", "--json"]
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=places, cwd=log.parent, stdout=out, stderr=out)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)


def _record(ledger: Ledger, home: Path, began: dt.datetime, *, cleared: bool = False) -> None:
    """Write a step that failed for good; or one that was cleared since, and is done now."""
    now = dt.datetime.now(dt.UTC)
    plan = StepPlan(
        pipeline="nightly_finance",
        step="load_payments",
        job="load-payments",
        day=(began - dt.timedelta(days=1)).date(),
        run_id="scheduled__drill",
        trips=(BROKEN,),
        seconds=2.0,
        fails=now - 5 * SECOND if cleared else dt.datetime(2100, 1, 1, tzinfo=dt.UTC),
    )
    run = RunPlan(pipeline=plan.pipeline, run_id=plan.run_id, day=plan.day, at=began)
    for each in span_of(run, [plan], {}).attempts:
        ledger.record_all([begun_record(each), ended_record(each, home)])


PROCESSES: Final[dict[str, Callable[[], dict[str, Any]]]] = {
    "watcher killed between finding and telling": watcher_killed,
    "scheduler of a real Airflow killed": scheduler_killed,
}
"""What is done, by name."""
