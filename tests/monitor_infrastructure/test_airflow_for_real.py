"""A real Airflow on a real Postgres: what its REST API answers is what checks find."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest

from stationmaster.monitor.checks.infrastructure.airflowparts import (
    api_server_unreachable,
    dag_import_error,
    scheduler_dead,
    triggerer_dead,
)
from stationmaster.monitor.checks.infrastructure.queues import pool_full_for_long, queue_stuck
from stationmaster.monitor.checks.looking import CheckLook, look_at
from stationmaster.monitor.facts.airflowapi import AirflowApi
from stationmaster.monitor.facts.airflowlook import AirflowLook
from stationmaster.monitor.facts.facts import Facts
from stationmaster.monitor.facts.missing import FactsUnavailableError
from tests.launcher.airflow_home import eventually
from tests.launcher.stage import ClusterThread, running_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stationmaster.monitor.checks.check import Check
    from tests.launcher.airflow_home import AirflowHome

PASSWORD = "a-password-of-tests"  # noqa: S105 (of a user that lives for one test session)


@pytest.fixture(scope="module", name="home")
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowHome]:
    """Return an Airflow whose users log in, with its api-server; no scheduler runs yet."""
    folder = tmp_path_factory.mktemp("monitored")
    passwords = folder / "passwords.json"
    passwords.write_text(json.dumps({"watcher": PASSWORD}), encoding="utf-8")
    own = {
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "watcher:viewer",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
    }
    with ClusterThread() as cluster, running_home(folder / "home", cluster, own) as home:
        home.api_server()
        yield home


@pytest.fixture(name="secrets")
def _secrets(tmp_path: Path) -> Path:
    """Return a folder with the secrets of a user who may look."""
    (tmp_path / "airflow-user").write_text("watcher\n", encoding="utf-8")
    (tmp_path / "airflow-password").write_text(f"{PASSWORD}\n", encoding="utf-8")
    return tmp_path


def look(home: AirflowHome, secrets: Path) -> AirflowLook:
    """Return one look at it."""
    api = AirflowApi(f"http://127.0.0.1:{home.port}", secrets)
    return AirflowLook(api, dt.datetime.now(dt.UTC))


def check(one: Check, home: AirflowHome, secrets: Path) -> CheckLook:
    """Return what one check finds in one look."""
    facts = Facts(now=dt.datetime.now(dt.UTC), parts={"airflow": lambda: look(home, secrets)})
    return look_at(facts, [one]).checks[0]


def test_health_needs_no_login_and_all_else_does(home: AirflowHome, tmp_path: Path) -> None:
    """Without secrets the parts are known; who asks for more is told which secrets to give."""
    own = look(home, tmp_path)

    assert {part.name for part in own.parts()} >= {"scheduler", "metadatabase", "triggerer"}
    with pytest.raises(FactsUnavailableError, match="airflow-user and airflow-password"):
        own.pipelines()


def test_a_wrong_password_is_not_repeated(home: AirflowHome, secrets: Path) -> None:
    """What is said names the secret, never its value."""
    (secrets / "airflow-password").write_text("not-the-password", encoding="utf-8")

    with pytest.raises(FactsUnavailableError) as caught:
        look(home, secrets).pools()
    assert "not-the-password" not in str(caught.value)


def test_pipelines_and_pools_are_as_airflow_has_them(home: AirflowHome, secrets: Path) -> None:
    """What is paused is paused; the pool that all begin with is there."""
    home.change("UPDATE dag SET is_paused = true WHERE dag_id = 'kept'")

    own = look(home, secrets)

    paused = {each.name: each.paused for each in own.pipelines()}
    assert (paused["kept"], paused["five"]) == (True, False)
    assert "default_pool" in {pool.name for pool in own.pools()}
    assert all(each.file.endswith("probes.py") for each in own.pipelines())


def test_a_file_that_cannot_be_read_is_found(home: AirflowHome, secrets: Path) -> None:
    """The last line of the error is the sentence."""
    home.change(
        "INSERT INTO import_error (timestamp, filename, bundle_name, stacktrace) VALUES "
        "(now(), 'new.py', 'dags-folder', E'Traceback\\n  line 1\\nNameError: no x\\n')"
    )

    found = check(dag_import_error, home, secrets).findings

    assert [finding.what for finding in found] == ["new.py cannot be read: NameError: no x."]


def test_what_runs_is_seen_and_a_scheduler_that_dies_is_found(
    home: AirflowHome, secrets: Path
) -> None:
    """Five steps run; the scheduler is killed; the check finds it since its last heartbeat."""
    scheduler = home.scheduler()
    run_id = home.call("trigger", dag_id="five", conf={"seconds": 600})
    eventually(lambda: set(home.states(run_id).values()) == {"running"}, seconds=120)
    own = look(home, secrets)
    (run,) = own.runs()
    tasks, start = own.tasks(), own.latest_start()
    alive = check(scheduler_dead, home, secrets)
    clear = [check(each, home, secrets).outcome for each in (queue_stuck, pool_full_for_long)]
    killed_at = dt.datetime.now(dt.UTC)
    scheduler.kill()
    eventually(lambda: bool(check(scheduler_dead, home, secrets).findings), seconds=60)
    (finding,) = check(scheduler_dead, home, secrets).findings

    assert (run.pipeline, run.run_id, run.state) == ("five", run_id, "running")
    assert {task.state for task in tasks} == {"running"}
    assert len(tasks) == 5
    assert start == max(task.started_at for task in tasks if task.started_at)
    assert alive.outcome == "clear"
    assert clear == ["clear", "clear"]
    assert finding.since <= killed_at


def test_ended_runs_are_found_by_when_they_ended(home: AirflowHome, secrets: Path) -> None:
    """A run that ended an hour ago is not one of the last minute."""
    run_id = home.call("trigger", dag_id="one")
    moment = dt.datetime.now(dt.UTC) - dt.timedelta(hours=1)
    home.change(
        "UPDATE dag_run SET state = 'failed', end_date = :at WHERE run_id = :run",
        at=moment,
        run=run_id,
    )

    own = look(home, secrets)

    day, minute = dt.timedelta(days=1), dt.timedelta(minutes=1)
    (ended,) = own.ended_runs(moment - day)
    assert (ended.run_id, ended.state, ended.ended_at) == (run_id, "failed", moment)
    assert own.ended_runs(moment + minute) == ()


def test_a_triggerer_that_was_never_started_is_not_missed(home: AirflowHome, secrets: Path) -> None:
    """Airflow says nothing of its state then."""
    assert check(triggerer_dead, home, secrets).outcome == "clear"


def test_an_api_server_that_ends_is_found_and_all_else_unknown(
    home: AirflowHome, secrets: Path
) -> None:
    """One check says so; the others do not say that all is well."""
    before = check(api_server_unreachable, home, secrets).outcome
    server = home.api_server()
    server.terminate()
    server.wait()

    found = check(api_server_unreachable, home, secrets)

    assert before == "clear"
    assert found.findings[0].evidence == {"kind": "closed"}
    assert check(queue_stuck, home, secrets).outcome == "unknown"
    assert check(scheduler_dead, home, secrets).outcome == "unknown"
