"""A real Prometheus with a day of figures: what fills is foretold, what is cleared is not."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from stationmaster.monitor.checks.infrastructure.nodes import node_under_pressure
from stationmaster.monitor.checks.infrastructure.volumes import disk_filling, volume_filling
from stationmaster.monitor.checks.looking import look_at
from stationmaster.monitor.facts.facts import Facts
from stationmaster.monitor.facts.given import GivenCluster
from stationmaster.monitor.facts.prometheusapi import PrometheusApi
from stationmaster.monitor.facts.prometheuslook import PrometheusLook
from tests.chart.prometheus_server import running_prometheus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stationmaster.monitor.checks.check import Check
    from stationmaster.monitor.checks.finding import Finding

GIB = 2**30
STEP = dt.timedelta(minutes=5)
STEPS = 26 * 12
VOLUME = 'namespace="airflow",persistentvolumeclaim="{}"'
DISK = 'instance="10.0.0.1:9100",node="n1",mountpoint="{}",fstype="{}"'


def lines(metric: str, labels: str, value: Callable[[int], float], now: dt.datetime) -> list[str]:
    """Return 26 hours of a gauge up to now; the value is of how many steps ago it was."""
    moments = ((n, now - n * STEP) for n in range(STEPS, -1, -1))
    return [f"{metric}{{{labels}}} {value(n)} {moment.timestamp():.0f}" for n, moment in moments]


def past(now: dt.datetime) -> str:
    """Return what kubelets and node-exporters told of the last 26 hours."""
    free: dict[str, Callable[[int], float]] = {
        VOLUME.format("filling"): lambda n: (20 + 10 * n / 288) * GIB,
        VOLUME.format("cleared"): lambda n: (30 - (288 - n) % 144 / 12) * GIB,
        VOLUME.format("full"): lambda n: (2 if n <= 24 else 40) * GIB,
    }
    disks: dict[str, Callable[[int], float]] = {
        DISK.format("/", "ext4"): lambda n: (11 + 30 * n / 288) * GIB,
        DISK.format("/run", "tmpfs"): lambda _: 0.0,
    }
    told: dict[str, list[str]] = {}
    for metric, of, total in (
        ("kubelet_volume_stats_available_bytes", free, "kubelet_volume_stats_capacity_bytes"),
        ("node_filesystem_avail_bytes", disks, "node_filesystem_size_bytes"),
    ):
        for labels, value in of.items():
            told.setdefault(metric, []).extend(lines(metric, labels, value, now))
            told.setdefault(total, []).extend(lines(total, labels, lambda _: 100 * GIB, now))
    total, left = "node_memory_MemTotal_bytes", "node_memory_MemAvailable_bytes"
    told[total] = lines(total, 'node="n1"', lambda _: 64 * GIB, now)
    told[left] = lines(left, 'node="n1"', lambda n: (2 if n <= 24 else 20) * GIB, now)
    blocks = (f"# TYPE {metric} gauge\n" + "\n".join(rows) for metric, rows in told.items())
    return "\n".join([*blocks, "# EOF\n"])


@pytest.fixture(scope="module", name="look")
def _look(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Check], list[Finding]]]:
    """Return what lets a check look at a Prometheus with that past."""
    # Whole seconds, as samples have: half of one more or less is a step more or less.
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    folder = tmp_path_factory.mktemp("prometheus")
    with running_prometheus(folder, past(now)) as url:
        prometheus = PrometheusLook(PrometheusApi(url, folder), now, ("airflow", "steps"))
        parts: dict[str, Callable[[], object]] = {
            "prometheus": lambda: prometheus,
            "cluster": GivenCluster,
        }
        facts = Facts(now=now, parts=parts)

        def found(check: Check) -> list[Finding]:
            (answer,) = look_at(facts, [check]).checks
            assert answer.outcome in {"clear", "found"}, answer.why
            return list(answer.findings)

        yield found


def test_a_volume_that_fills_is_foretold_and_one_that_is_full_is_found(
    look: Callable[[Check], list[Finding]],
) -> None:
    """Two days are left of one, none of the other for two hours; a saw tooth is neither."""
    by_name = {finding.subject.name: finding for finding in look(volume_filling)}

    assert set(by_name) == {"airflow/filling", "airflow/full"}
    assert by_name["airflow/filling"].foretold
    assert "will be full in about 2.0 days" in by_name["airflow/filling"].what
    assert not by_name["airflow/full"].foretold
    assert by_name["airflow/full"].severity == "critical"
    assert "for 2 h less than 10%" in by_name["airflow/full"].what


def test_a_nodes_disk_is_foretold_and_memory_is_no_disk(
    look: Callable[[Check], list[Finding]],
) -> None:
    """Nine hours are left; a tmpfs that is full is nobody's disk."""
    (finding,) = look(disk_filling)

    assert str(finding.subject) == "volume:n1:/"
    assert finding.foretold
    assert finding.severity == "critical"


def test_little_memory_is_pressure_since_it_is_little(
    look: Callable[[Check], list[Finding]],
) -> None:
    """Three of a hundred parts for two hours."""
    (finding,) = look(node_under_pressure)

    assert "2 GiB of 64 GiB left for 2 h" in finding.what
