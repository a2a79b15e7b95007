"""An alert from end to end: a part is gone, Prometheus sees it, people are told once.

Prometheus and Alertmanager are the chart's, real ones; so is the watcher.
"""

from __future__ import annotations

import datetime as dt
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
import sqlalchemy as sa
import yaml

from tests.cluster.alert_receiver import CHANNEL, SECRET, Received, alert_receiver
from tests.cluster.forward import forwarded
from tests.cluster.place import ROOT
from tests.cluster.testdags import helm_upgrade

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cluster.place import Place
    from tests.cluster.release import Release

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1500)]

ALERT: Final = "StationmasterPartDown"
SUBJECT: Final = "part:scheduler"
PATIENCE_SECONDS: Final = 480
LOOK_SECONDS: Final = 15


@dataclass
class Story:
    """Hold what was seen where, while two parts were gone and after they came back."""

    fired: list[dict[str, str]]
    held: list[dict[str, str]]
    opened: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    told: list[str]
    closed: list[dict[str, Any]]
    told_after: list[str]


class Watched:
    """Ask Prometheus, Alertmanager, the ledger and the receiver of the release."""

    def __init__(self, place: Place, engine: sa.Engine, received: Received) -> None:
        self._place, self._engine, self._received = place, engine, received
        self._begun, self._told = dt.datetime.now(dt.UTC), 0

    def begin(self) -> None:
        """Leave out what there was until now."""
        self._begun, self._told = dt.datetime.now(dt.UTC), len(self._received.texts())

    def put_away(self) -> bool:
        """Close what tests before have left, as people do; tell whether nothing is open.

        A step that a test let fail stays failed: nobody runs it again.
        """
        left = self._rows("SELECT id FROM incident WHERE closed_at IS NULL")
        watcher = ("exec", f"deployment/{self._place.release}-watcher", "--container", "watcher")
        for each in left:
            words = ("incidents", "close", str(each["id"]), "--why", "Left of tests before.")
            with suppress(subprocess.CalledProcessError):  # it may have closed by itself meanwhile
                self._place.kubectl(
                    "--namespace", self._place.namespace, *watcher, "--", "stationmaster", *words
                )
        return not left

    def fired(self) -> list[dict[str, str]]:
        """Return the labels of what fires in Prometheus."""
        with forwarded(self._place, f"{self._place.release}-prometheus", 9090) as way:
            found = httpx.get(f"http://{way.address}/api/v1/alerts", timeout=30).json()
        alerts = found["data"]["alerts"]
        return [each["labels"] for each in alerts if each["state"] == "firing"]

    def held(self) -> list[dict[str, str]]:
        """Return the labels of what Alertmanager has."""
        with forwarded(self._place, f"{self._place.release}-alertmanager", 9093) as way:
            found = httpx.get(f"http://{way.address}/api/v2/alerts", timeout=30).json()
        return [each["labels"] for each in found]

    def incidents(self) -> list[dict[str, Any]]:
        """Return the incidents that were opened, or came back, since."""
        return self._rows(
            "SELECT id, cause, title, severity, since, opened_at, closed_at FROM incident "
            "WHERE updated_at > :begun AND (closed_at IS NULL OR closed_at > :begun) ORDER BY id"
        )

    def findings(self) -> list[dict[str, Any]]:
        """Return what was found since."""
        return self._rows(
            "SELECT incident_id, check_name, subject FROM finding "
            "WHERE last_seen_at > :begun ORDER BY id"
        )

    def messages(self) -> list[str]:
        """Return what people were told."""
        return self._received.texts()[self._told :]

    def of(self, subject: str) -> list[dict[str, Any]]:
        """Return the incidents whose cause is trouble with that subject."""
        return [each for each in self.incidents() if f" {subject}" in each["cause"]]

    def _rows(self, question: str) -> list[dict[str, Any]]:
        with self._engine.connect() as connection:
            known = {"begun": self._begun}
            return [dict(row) for row in connection.execute(sa.text(question), known).mappings()]


def until(what: str, true: Callable[[], object]) -> None:
    """Wait until something is so.

    Raises:
        AssertionError: It was not within the patience.
    """
    end = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < end, f"expected {what} within {PATIENCE_SECONDS} s"
        time.sleep(3)


@contextmanager
def gone(place: Place, **parts: str) -> Iterator[None]:
    """Scale parts of the release to nothing for as long as the block runs."""
    names = [f"{kind}/{place.release}-{name}" for name, kind in parts.items()]
    here = ("--namespace", place.namespace)
    place.kubectl("scale", "--replicas=0", *names, *here)
    try:
        yield
    finally:
        place.kubectl("scale", "--replicas=1", *names, *here)


def expectations() -> str:
    """Return the repository's file of expectations, with the receiver as the one channel."""
    text = (ROOT / "dags" / "monitoring.yaml").read_text(encoding="utf-8")
    document = yaml.safe_load(text)
    channels = {CHANNEL: {"kind": "apprise", "secret": CHANNEL, "format": "text"}}
    document["alerts"] = {"channels": channels, "otherwise": [CHANNEL]}
    return yaml.safe_dump(document, sort_keys=False)


@pytest.fixture(name="watched", scope="module")
def _watched(place: Place, release: Release) -> Iterator[Watched]:
    """Bring Prometheus, Alertmanager and a channel to the release; take them away afterwards."""
    pods = place.component("api-server")
    image = str(pods[0]["spec"]["containers"][0]["image"])
    engine = sa.create_engine(release.database("ledger"))
    with alert_receiver(place, image) as received:
        mine = {"file": expectations(), "channels": {"existingSecret": SECRET}}
        mine["watcher"] = {"everySeconds": LOOK_SECONDS}
        helm_upgrade(place, {"dev": {"prometheus": {"enabled": True}}, "monitor": mine})
        watched = Watched(place, engine, received)
        until("Prometheus' heartbeat", watched.held)
        until("nothing open of tests before", watched.put_away)
        watched.begin()
        yield watched
    plain = {"file": "", "channels": {"existingSecret": ""}, "watcher": {"everySeconds": 60}}
    helm_upgrade(place, {"dev": {"prometheus": {"enabled": False}}, "monitor": plain})
    engine.dispose()


@pytest.fixture(name="story", scope="module")
def _story(place: Place, watched: Watched) -> Story:
    """Take the scheduler away; see; bring it back; see."""
    with gone(place, scheduler="deployment"):
        until(f"{ALERT} in Prometheus", lambda: _named(watched.fired()))
        until(f"{ALERT} in Alertmanager", lambda: _named(watched.held()))
        until("an incident of it", lambda: watched.of(SUBJECT))
        until("Prometheus' alert in it", lambda: _by_prometheus(watched.findings()))
        until("people told", lambda: len(watched.messages()) >= len(watched.incidents()))
        fired, held, opened = watched.fired(), watched.held(), watched.incidents()
        findings, told = watched.findings(), watched.messages()
    until("all closed", lambda: all(each["closed_at"] for each in watched.incidents()))
    count = 2 * len(opened)
    until("the end told", lambda: len(watched.messages()) >= count)
    return Story(fired, held, opened, findings, told, watched.incidents(), watched.messages())


def _named(alerts: list[dict[str, str]]) -> bool:
    return any((each["alertname"], each.get("subject")) == (ALERT, SUBJECT) for each in alerts)


def _by_prometheus(findings: list[dict[str, Any]]) -> bool:
    return any(
        (each["check_name"], each["subject"]) == ("prometheus-alert", SUBJECT) for each in findings
    )


def test_prometheus_and_alertmanager_have_the_alert(story: Story) -> None:
    """The chart's rule fires for the scheduler, and for no other part."""
    parts = [each["subject"] for each in story.fired if each["alertname"] == ALERT]
    assert parts == [SUBJECT]
    assert _named(story.held)


def test_it_is_one_incident_whoever_saw_it(story: Story) -> None:
    """Our own check and Prometheus found the same; what comes of it belongs to it."""
    (incident,) = story.opened
    assert f" {SUBJECT}" in incident["cause"]
    assert incident["severity"] == "critical"
    found = {each["check_name"] for each in story.findings}
    assert found >= {"scheduler-dead", "prometheus-alert"}


def test_people_are_told_once(story: Story) -> None:
    """What, where and what to do, in one message."""
    (told,) = story.told
    assert "scheduler" in told
    assert "kubectl" in told


def test_what_is_mended_closes_and_is_told(story: Story) -> None:
    """By itself, as the same incident; the end is told where the beginning was."""
    assert [each["id"] for each in story.closed] == [each["id"] for each in story.opened]
    assert all(each["closed_at"] for each in story.closed)
    assert len(story.told_after) == 2 * len(story.opened), story.told_after
