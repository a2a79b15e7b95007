"""Waiting for a source: what has arrived, what is missing, since when, what to do."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.serde import deserialize, serialize

from stationmaster.airflow.arrivals import SourceTrigger, WaitForSource
from stationmaster.airflow.exceptions import SourceMissingError
from stationmaster.airflow.sources import missing_from_landing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow.models.dagrun import DagRun
    from airflow.sdk import DAG

    RunDag = Callable[..., DagRun]

SECOND = dt.timedelta(seconds=1)
TOKEN = "a-token"  # noqa: S105 (of the test's own server)


def deliver(tmp_path: Path, source: str, day: str, *, complete: bool = True) -> None:
    """Put a day's folder where the tests' settings have the landing zone."""
    folder = tmp_path / "home" / "landing" / source / day
    folder.mkdir(parents=True)
    (folder / "orders-000.jsonl.gz").write_bytes(b"")
    if complete:
        (folder / "_SUCCESS").write_text("{}")


class Upstream(ThreadingHTTPServer):
    """Answer like an upstream system, with what the test sets."""

    status = 200
    body = "{}"
    token_file = Path()

    @property
    def url(self) -> str:
        """Return the address."""
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    """Check the token and answer `/v1/status`; S3's HEAD finds what `body` names."""

    server: Upstream

    def do_GET(self) -> None:
        """Answer the status."""
        known = self.headers["Authorization"] == f"Bearer {TOKEN}"
        self.send_response(self.server.status if known else 401)
        self.end_headers()
        self.wfile.write(self.server.body.encode())

    def do_HEAD(self) -> None:
        """Answer as S3 does for one object."""
        self.send_response(200 if self.path == self.server.body else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Upstream]:
    """Run a real HTTP server on the loopback, and give us its token."""
    secrets = tmp_path / "home" / "secrets"
    secrets.mkdir(parents=True)
    (secrets / "support-api-token").write_text(f"{TOKEN}\n")
    with Upstream(("127.0.0.1", 0), Answers) as server:
        server.token_file = secrets / "support-api-token"
        monkeypatch.setenv("STATIONMASTER_SUPPORT_API_URL", server.url)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_source_that_has_delivered_is_not_waited_for(
    dag: DAG, run_dag: RunDag, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """When the day is there the task is done at its first look, without a triggerer."""
    deliver(tmp_path, "web", "2011-11-21")
    WaitForSource(task_id="wait", source="web", dag=dag)

    assert run_dag(dag).state == "success"
    assert "web has delivered everything of 2011-11-21." in capsys.readouterr().out


def test_the_wait_ends_when_the_day_arrives(
    dag: DAG, run_dag: RunDag, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The task defers, says which source and day are missing since when, and goes on later."""
    deliver(tmp_path, "web", "2011-11-21", complete=False)
    marker = tmp_path / "home" / "landing" / "web" / "2011-11-21" / "_SUCCESS"
    WaitForSource(task_id="wait", source="web", poll_seconds=0.05, dag=dag)
    threading.Timer(2, marker.touch).start()

    run = run_dag(dag)

    printed = capsys.readouterr().out
    assert run.state == "success"
    assert "Waiting for web: 2011-11-21 is missing, due since 2011-11-22 00:00 UTC;" in printed
    assert "has 1 file, but no _SUCCESS yet." in printed
    assert printed.count("Waiting for web") <= 2


def test_a_summer_day_needs_both_utc_days(
    dag: DAG, run_dag: RunDag, tmp_path: Path, failures: list[BaseException]
) -> None:
    """A London day in summer is complete when both UTC days it has hours of are."""
    deliver(tmp_path, "web", "2011-06-21")
    WaitForSource(task_id="wait", source="web", poll_seconds=0.05, timeout=SECOND / 10, dag=dag)

    run_dag(dag, logical_date=dt.datetime(2011, 6, 22, 5, tzinfo=dt.UTC))

    assert "web has not delivered 2011-06-20, due since 2011-06-21 00:00 UTC" in str(failures[0])


def test_the_alert_says_what_since_when_who_and_next(
    dag: DAG, run_dag: RunDag, tmp_path: Path, failures: list[BaseException]
) -> None:
    """When the wait is over the message says all that the reader needs, and nothing is retried."""
    WaitForSource(
        task_id="wait_for_web",
        source="web",
        affects=["unified customers", "morning report"],
        poll_seconds=0.05,
        timeout=SECOND / 10,
        retries=2,
        dag=dag,
    )

    (instance,) = run_dag(dag).get_task_instances()

    folder = tmp_path / "home" / "landing" / "web" / "2011-11-21"
    assert (type(failures[0]), instance.try_number) == (SourceMissingError, 1)
    assert str(failures[0]) == (
        "web has not delivered 2011-11-21, due since 2011-11-22 00:00 UTC: "
        f"{folder} does not exist. Affected: unified customers, morning report of 2011-11-21; "
        "what was published before stays up. Next: Ask the owner of web to deliver 2011-11-21, "
        "then clear wait_for_web."
    )


def test_an_api_has_delivered_when_it_is_complete(
    dag: DAG, run_dag: RunDag, upstream: Upstream
) -> None:
    """A status complete through the last second of the day is enough."""
    upstream.body = json.dumps({"complete_through": "2011-11-21T23:59:59Z"})
    WaitForSource(task_id="wait", source="support", api=True, dag=dag)

    assert run_dag(dag).state == "success"


@pytest.mark.parametrize(
    ("status", "body", "complaint"),
    [
        (
            200,
            '{"complete_through": "2011-11-21T17:30:00Z"}',
            "it is complete through 2011-11-21 17:30:00 only",
        ),
        (200, '{"complete_through": "soon"}', "without a usable complete_through"),
        (200, "<html>", "without a usable complete_through: '<html>'"),
        (200, '{"complete_through": "2011-11-22T00:00:00"}', "without a usable complete_through"),
        (429, "", "answered 429"),
        (503, "", "answered 503"),
    ],
)
def test_an_api_that_is_not_ready_is_waited_for(
    status: int, body: str, complaint: str, upstream: Upstream
) -> None:
    """Trouble that may pass is an answer, told in the alert when the wait is over."""
    upstream.status, upstream.body = status, body

    event = only_event(upstream)

    assert event["arrived"] is False
    assert complaint in event["detail"]
    assert event["what"] == "everything up to 2011-11-22 00:00 UTC"


def only_event(upstream: Upstream, **changes: object) -> dict[str, Any]:
    """Return what a trigger for the support API ends with when it may look once."""
    look: dict[str, Any] = {
        "source": "support",
        "days": [],
        "until": "2011-11-22T00:00:00+00:00",
        "landing": "",
        "api": upstream.url,
        "token_file": str(upstream.token_file),
        "s3_endpoint": "",
        **changes,
    }
    return asyncio.run(first(SourceTrigger(poll_seconds=0.01, give_up_at=0, **look)))


async def first(trigger: SourceTrigger) -> dict[str, Any]:
    """Return the payload of a trigger's only event."""
    events = [event async for event in trigger.run()]
    (event,) = events
    payload: dict[str, Any] = event.payload
    return payload


def test_a_refused_token_is_not_waited_for(
    dag: DAG, run_dag: RunDag, upstream: Upstream, failures: list[BaseException]
) -> None:
    """When the API refuses our token a person must act: the task fails at once and says what."""
    upstream.token_file.write_text("old")
    WaitForSource(task_id="wait", source="support", api=True, dag=dag)

    run_dag(dag)

    assert f"{upstream.url}/v1/status answered 401: it refuses our token" in str(failures[0])
    assert "Next: Renew the secret support-api-token, then clear the task." in str(failures[0])


def test_a_missing_token_is_named(upstream: Upstream, tmp_path: Path) -> None:
    """Without the secret's file the message names the path to put it."""
    path = tmp_path / "nowhere"

    event = only_event(upstream, token_file=str(path))

    assert event["advice"] == f"Put the API's token into {path}, then clear the task."


def test_an_api_that_is_down_is_waited_for(upstream: Upstream) -> None:
    """Nobody listening is an answer that names the address."""
    event = only_event(upstream, api="http://127.0.0.1:9")

    assert "http://127.0.0.1:9 cannot be reached: ConnectError" in event["detail"]


def test_a_landing_zone_in_s3_is_looked_at(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The marker is asked for by its key; what S3 has not is missing."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    upstream.body = "/bucket/landing/web/2011-11-21/_SUCCESS"
    day = dt.date(2011, 11, 21)
    over = dt.datetime(2011, 11, 22, tzinfo=dt.UTC)

    def look(source: str) -> object:
        place = "s3://bucket/landing"
        return missing_from_landing(place, source, [(day, over)], s3_endpoint=upstream.url)

    assert look("web") is None
    assert "s3://bucket/landing/app/2011-11-21 has no _SUCCESS yet" in str(look("app"))


def test_the_trigger_travels_to_the_triggerer() -> None:
    """A trigger survives Airflow's serialisation, and is built without looking at anything."""
    look = {"source": "web", "days": [["2011-11-21", "2011-11-22T00:00:00+00:00"]], "until": "?"}
    places = {"landing": "/nowhere", "api": "", "token_file": "", "s3_endpoint": ""}
    trigger = SourceTrigger(poll_seconds=1, give_up_at=0, **look, **places)

    path, arguments = trigger.serialize()
    received: Any = deserialize(serialize(arguments))
    again = SourceTrigger(**received)

    assert path == "stationmaster.airflow.arrivals.SourceTrigger"
    assert asyncio.run(first(again))["what"] == "2011-11-21"
