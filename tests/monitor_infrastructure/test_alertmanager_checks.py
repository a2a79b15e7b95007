"""What Prometheus found by its own rules becomes findings, and its silence is one."""

from __future__ import annotations

import datetime as dt
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.monitor.checks.finding import Layer, Severity
from stationmaster.monitor.checks.infrastructure.alertmanager import (
    HEARTBEAT,
    prometheus_alert,
    prometheus_silent,
)
from stationmaster.monitor.facts.alertmanager import (
    AlertmanagerApi,
    AlertmanagerLook,
    GivenAlertmanager,
    PrometheusAlert,
)
from stationmaster.monitor.facts.facts import Facts
from stationmaster.monitor.facts.missing import FactsNotHereError, FactsUnavailableError
from tests.monitor_infrastructure.infrastructure import cluster, condition, node, pod

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.monitor.checks.finding import Finding

NOON = dt.datetime(2011, 11, 22, 12, tzinfo=dt.UTC)
BEAT = PrometheusAlert(labels={"alertname": HEARTBEAT, "severity": "none"}, starts_at=NOON)
SCHEDULER = {"alertname": "PartDown", "subject": "part:scheduler", "severity": "critical"}


def alert(minutes: int = 0, **labels: str) -> PrometheusAlert:
    """Return an alert that has fired for some minutes."""
    return PrometheusAlert(
        labels={**SCHEDULER, "owner": "data", **labels},
        annotations={"summary": "No scheduler runs.", "next_action": "Start it."},
        starts_at=NOON - dt.timedelta(minutes=minutes),
        url="http://prometheus/graph",
    )


def found(check: Any, *alerts: PrometheusAlert) -> list[Finding]:  # noqa: ANN401 (a check)
    """Return what a check finds in an Alertmanager with these alerts."""
    parts = {"alertmanager": lambda: GivenAlertmanager(given=alerts)}
    return list(check.look(Facts(now=NOON, parts=parts)))


def test_a_pod_of_prometheus_is_our_workload() -> None:
    """Both see the same pod crash: two names were two incidents; one that is gone is none."""
    mine = pod("s-5d9c7b8-abcde", owner_kind="ReplicaSet", owner="s-5d9c7b8")
    given = GivenAlertmanager(
        given=tuple(
            alert(subject=f"pod:{name}")
            for name in ("airflow/s-5d9c7b8-abcde", "airflow/gone-1", "elsewhere/unseen-1")
        )
    )
    parts = {"alertmanager": lambda: given, "cluster": lambda: cluster(mine)}

    names = [str(one.subject) for one in prometheus_alert.look(Facts(now=NOON, parts=parts))]

    assert names == ["pod:airflow/s", "pod:elsewhere/unseen-1"]


def test_a_part_on_a_lost_node_is_that_nodes_incident() -> None:
    """Prometheus sees no scheduler run, since nobody tells what runs on that node."""
    labels = {"app.kubernetes.io/component": "scheduler"}
    lost = cluster(
        pod("s", labels=labels, node="n1"), nodes=(node("n1", condition("Ready", "Unknown")),)
    )
    parts = {"alertmanager": lambda: GivenAlertmanager(given=(alert(),)), "cluster": lambda: lost}

    (one,) = prometheus_alert.look(Facts(now=NOON, parts=parts))

    assert [str(each) for each in one.caused_by] == ["node:n1"]


def test_an_alert_is_a_finding_of_the_thing_that_it_names() -> None:
    """In its own words, of its own severity, since it began."""
    (one,) = found(prometheus_alert, BEAT, alert(5))

    assert str(one.subject) == "part:scheduler"
    assert (one.severity, one.layer, one.owner) == (
        Severity.CRITICAL,
        Layer.INFRASTRUCTURE,
        "data",
    )
    assert (one.what, one.next_action) == ("No scheduler runs.", "Start it.")
    assert one.since == NOON - dt.timedelta(minutes=5)


def test_two_alerts_of_one_thing_are_one_finding() -> None:
    """The worst speaks, the other is named; it began when the first did."""
    (one,) = found(prometheus_alert, alert(1), alert(9, alertname="Slow", severity="warning"))

    assert one.severity is Severity.CRITICAL
    assert one.what == "No scheduler runs. (also: Slow)"
    assert one.since == NOON - dt.timedelta(minutes=9)


@pytest.mark.parametrize(
    "labels",
    [{"subject": "theirs"}, {"subject": ""}, {"source": "stationmaster"}, {"severity": "none"}],
)
def test_what_is_not_ours_to_tell_is_left_to_others(labels: dict[str, str]) -> None:
    """Another team's alerts, our own incidents, and what is no trouble."""
    assert found(prometheus_alert, alert(0, **labels)) == []


def test_a_heart_that_does_not_beat_is_found() -> None:
    """Prometheus that does not evaluate finds nothing: that must not look like peace."""
    assert found(prometheus_silent, BEAT) == []
    (one,) = found(prometheus_silent, alert())
    assert str(one.subject) == "part:prometheus"


@contextmanager
def answering(status: int, body: object) -> Iterator[str]:
    """Serve one answer as an Alertmanager would; yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_the_api_s_own_answer_is_read() -> None:
    """As Alertmanager 0.28 writes it, with fields that nobody needs."""
    said = [
        {
            "annotations": {"summary": "No scheduler runs."},
            "endsAt": "2011-11-22T12:05:00.000Z",
            "fingerprint": "00",
            "receivers": [{"name": "nobody"}],
            "startsAt": "2011-11-22T11:55:00.000Z",
            "status": {"inhibitedBy": [], "silencedBy": [], "state": "active"},
            "updatedAt": "2011-11-22T12:00:00.000Z",
            "generatorURL": "http://prometheus/graph",
            "labels": SCHEDULER,
        }
    ]
    with answering(200, said) as url:
        (one,) = AlertmanagerLook(AlertmanagerApi(url)).alerts()

    assert one.name == "PartDown"
    assert one.starts_at == NOON - dt.timedelta(minutes=5)


@pytest.mark.parametrize(("status", "body"), [(500, []), (200, {"error": "no"})])
def test_an_answer_that_is_none_is_said_and_not_taken_for_peace(status: int, body: object) -> None:
    """The look is unknown, and the silence is a finding of its own."""
    with answering(status, body) as url:
        look = AlertmanagerLook(AlertmanagerApi(url))
        with pytest.raises(FactsUnavailableError):
            look.alerts()
        facts = Facts(now=NOON, parts={"alertmanager": lambda: look})
        (one,) = prometheus_silent.look(facts)

    assert str(one.subject) == "part:alertmanager"


def test_where_none_is_named_there_is_nothing_to_look_at() -> None:
    """A laptop has no Alertmanager, and that is no finding."""
    with pytest.raises(FactsNotHereError):
        AlertmanagerApi("").alerts()
