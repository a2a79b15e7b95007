"""One look at Prometheus over HTTP: volumes with a past, disks that count, memory that is short."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.monitor.facts.missing import FactsNotHereError, FactsUnavailableError
from stationmaster.monitor.facts.prometheusapi import PrometheusApi
from stationmaster.monitor.facts.prometheuslook import PrometheusLook
from tests.monitor_infrastructure.answering import answering
from tests.monitor_infrastructure.infrastructure import NOW

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.monitor_infrastructure.answering import Asked

VOLUME = {"namespace": "airflow", "persistentvolumeclaim": "data"}
DISK = {"instance": "10.0.0.1:9100", "node": "n1", "mountpoint": "/"}
VALUES = {
    "kubelet_volume_stats_capacity_bytes": (VOLUME, 100.0),
    "kubelet_volume_stats_available_bytes": (VOLUME, 20.0),
    "node_filesystem_size_bytes": (DISK, 1000.0),
    "node_filesystem_avail_bytes": (DISK, 500.0),
    "node_filesystem_files": (DISK, 50.0),
    "node_filesystem_files_free": (DISK, 5.0),
    "node_memory_MemTotal_bytes": (DISK, 64.0),
    "node_memory_MemAvailable_bytes": (DISK, 1.0),
}


def prometheus(values: dict[str, Any] | None = None) -> Callable[[Asked], tuple[int, Any]]:
    """Return what answers as Prometheus does, by the metric that a query begins with."""

    def answer(asked: Asked) -> tuple[int, Any]:
        metric = asked.query["query"].partition("{")[0].partition(" ")[0]
        if asked.query["query"] == "vector(1)":
            return 200, {"status": "success", "data": {"result": []}}
        found = (VALUES if values is None else values).get(metric)
        rows = [] if found is None else [found]
        if asked.path.endswith("query_range"):
            end, step = float(asked.query["end"]), float(asked.query["step"])
            moments = [end - step * n for n in range(20, -1, -1)]
            series = [
                {"metric": labels, "values": [[at, "0.01"] for at in moments]} for labels, _ in rows
            ]
            return 200, {"status": "success", "data": {"result": series}}
        vector = [{"metric": labels, "value": [1.0, str(value)]} for labels, value in rows]
        return 200, {"status": "success", "data": {"result": vector}}

    return answer


def test_volumes_and_disks_come_with_their_past(tmp_path: Path) -> None:
    """Figures of several metrics meet by their labels; inodes count too."""
    with answering(prometheus()) as (url, _):
        look = PrometheusLook(PrometheusApi(url, tmp_path), NOW, ("airflow", "steps"))
        volume, disk = look.fillings()

    assert (volume.name, volume.free_share, volume.is_disk) == ("airflow/data", 0.2, False)
    assert len(volume.history) == 21
    assert volume.history[-1].at == NOW
    assert (disk.name, disk.free_share, disk.is_disk) == ("n1:/", 0.1, True)


def test_only_our_namespaces_and_real_disks_are_asked_for(tmp_path: Path) -> None:
    """Others' volumes are others' business; a tmpfs is memory."""
    with answering(prometheus()) as (url, asked):
        PrometheusLook(PrometheusApi(url, tmp_path), NOW, ("airflow", "steps")).fillings()

    queries = " ".join(each.query["query"] for each in asked)
    assert 'namespace=~"airflow|steps"' in queries
    assert 'fstype!~"tmpfs' in queries
    assert {each.query["timeout"] for each in asked} == {"10s"}


def test_memory_says_since_when_little_is_left(tmp_path: Path) -> None:
    """The shares of the last day tell; the answer has 21 points, five minutes apart."""
    with answering(prometheus()) as (url, _):
        (memory,) = PrometheusLook(PrometheusApi(url, tmp_path), NOW, ()).memory()

    assert memory.node == "n1"
    assert memory.below_since == NOW - dt.timedelta(minutes=100)


def test_a_prometheus_without_such_series_has_no_such_facts(tmp_path: Path) -> None:
    """Without kubelets' and node-exporter's figures the cluster's own facts serve."""
    with answering(prometheus({})) as (url, _):
        look = PrometheusLook(PrometheusApi(url, tmp_path), NOW, ())
        for ask in (look.fillings, look.memory):
            with pytest.raises(FactsNotHereError):
                ask()
        assert look.trouble() is None


def test_it_logs_in_where_there_is_a_secret_and_repeats_none(tmp_path: Path) -> None:
    """A token of a file; what goes wrong does not show it."""
    (tmp_path / "prometheus-token").write_text("secret-word\n", encoding="utf-8")
    with answering(lambda _: (401, {"status": "error", "error": "who are you"})) as (url, asked):
        look = PrometheusLook(PrometheusApi(url, tmp_path), NOW, ())
        with pytest.raises(FactsUnavailableError, match="who are you") as caught:
            look.query("up")

    assert asked[0].headers["Authorization"] == "Bearer secret-word"
    assert "secret-word" not in str(caught.value)


def test_one_that_is_not_named_is_not_here_and_one_that_is_away_is_unknown(tmp_path: Path) -> None:
    """Its trouble says since when."""
    nobody = PrometheusLook(PrometheusApi("", tmp_path), NOW, ())
    away = PrometheusLook(PrometheusApi("http://127.0.0.1:9", tmp_path), NOW, ())

    with pytest.raises(FactsNotHereError):
        nobody.fillings()
    with pytest.raises(FactsUnavailableError):
        away.fillings()
    assert away.trouble() is not None
