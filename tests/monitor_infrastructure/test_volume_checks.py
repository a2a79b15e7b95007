"""Volumes and disks: what is too full, what will be, what has no volume."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from stationmaster.monitor.checks.infrastructure.volumes import (
    disk_filling,
    volume_filling,
    volume_pending,
)
from stationmaster.monitor.facts.cluster import ClusterClaim
from stationmaster.monitor.facts.fillings import Filling, FreePoint
from stationmaster.monitor.facts.given import GivenCluster, GivenPrometheus, GivenStores
from tests.monitor_infrastructure.infrastructure import (
    NOW,
    away,
    cluster,
    condition,
    found,
    minutes,
    outcome,
    pod,
)

GIB = 2.0**30


def filling(free_gib: float, *history: float, **fields: Any) -> Filling:  # noqa: ANN401 (Filling's)
    """Return a volume of 100 GiB; the history is hourly, up to now."""
    hour = dt.timedelta(hours=1)
    first = NOW - hour * (len(history) - 1)
    points = (FreePoint(first + hour * n, free * GIB) for n, free in enumerate(history))
    own: dict[str, Any] = {
        "name": "airflow/data",
        "where": "volume data",
        "capacity_bytes": 100 * GIB,
    }
    return Filling(free_bytes=free_gib * GIB, history=tuple(points), **own | fields)


def falling(to: float, a_day: float) -> list[float]:
    """Return a day in which so much more was used, evenly."""
    return [to + a_day * (24 - hour) / 24 for hour in range(25)]


def test_a_volume_that_will_be_full_is_foretold() -> None:
    """25 GiB left and 10 more each day is two and a half days: told, with the figures."""
    prometheus = GivenPrometheus(given_fillings=(filling(25, *falling(25, 10)),))

    (finding,) = found(volume_filling, prometheus=prometheus)

    assert finding.foretold
    assert finding.severity == "warning"
    assert finding.what == (
        "Volume data will be full in about 2.5 days: 25 GiB left, 10 GiB more are used each day."
    )


@pytest.mark.parametrize(
    ("why", "free", "history"),
    [
        ("much is left, however fast it goes", 60, falling(60, 50)),
        ("three days away and more", 30, falling(30, 5)),
        ("the past is shorter than a cycle", 25, falling(25, 10)[14:]),
        ("a single jump, not a trend", 25, [35.0] * 20 + [25.0] * 5),
        ("cleared each night", 25, [30 - n for n in range(12)] + [40 - n for n in range(13)]),
        ("it empties", 25, falling(25, -10)),
    ],
)
def test_what_is_not_foretold(why: str, free: float, history: list[float]) -> None:
    """A line through less than a cycle, a jump or a clearing says nothing of tomorrow."""
    prometheus = GivenPrometheus(given_fillings=(filling(free, *history),))

    assert found(volume_filling, prometheus=prometheus) == [], why


def test_a_volume_that_is_nearly_full_is_found_since_it_was() -> None:
    """The history says when it went below; little is critical."""
    history = [12.0] * 20 + [9.0, 6.0, 4.0, 2.0, 2.0]
    prometheus = GivenPrometheus(given_fillings=(filling(2, *history),))

    (finding,) = found(volume_filling, prometheus=prometheus)

    assert not finding.foretold
    assert finding.severity == "critical"
    assert finding.since == NOW - minutes(4 * 60)
    assert "kubectl -n airflow edit pvc data" in finding.next_action


def test_inodes_can_be_short_too() -> None:
    """Bytes that are left help nobody when no file can be made."""
    prometheus = GivenPrometheus(given_fillings=(filling(80, files=1000, free_files=20),))

    (finding,) = found(volume_filling, prometheus=prometheus)

    assert finding.evidence["free_share"] == 0.02


def test_without_prometheus_the_kubelets_say_how_full_it_is() -> None:
    """The same check, the same finding, without a forecast."""
    own = cluster(given_fillings=(filling(4),))

    (finding,) = found(volume_filling, cluster=own)

    assert str(finding.key) == "volume-filling volume:airflow/data"
    assert outcome(volume_filling, prometheus=GivenPrometheus(away=away())).outcome == "unknown"


def test_the_laptops_disk_is_looked_at_where_there_is_nothing_else() -> None:
    """A large disk at the same share has room; 3 GiB have not."""
    little = filling(3, name="laptop:/", where="the disk /", is_disk=True)
    plenty = filling(80, name="laptop:/big", is_disk=True, capacity_bytes=2000 * GIB)

    (finding,) = found(disk_filling, stores=GivenStores(given_disks=(little, plenty)))

    assert str(finding.subject) == "volume:laptop:/"
    assert finding.what.startswith("The disk / has 3% left (3 GiB of 100 GiB)")


def test_volumes_and_disks_are_told_apart() -> None:
    """A node's disk is no volume, and the other way round."""
    disk = filling(2, name="n1:/", is_disk=True)
    prometheus = GivenPrometheus(given_fillings=(disk, filling(2)))

    assert [each.subject.name for each in found(disk_filling, prometheus=prometheus)] == ["n1:/"]
    volumes = found(volume_filling, prometheus=prometheus)
    assert [each.subject.name for each in volumes] == ["airflow/data"]


def claim(phase: str, ago: float = 10, problem: str = "") -> ClusterClaim:
    """Return a claim that was made some minutes ago."""
    return ClusterClaim(
        namespace="airflow",
        name="data",
        phase=phase,
        created_at=NOW - minutes(ago),
        problem=problem,
        volume="pv-1",
    )


def test_a_claim_without_a_volume_is_found_where_somebody_wants_it() -> None:
    """What the provisioner says is in the sentence; a claim that nobody uses may wait."""
    refused = GivenCluster(given_claims=(claim("Pending", problem="storageclass not found"),))
    unused = GivenCluster(given_claims=(claim("Pending"),))
    young = GivenCluster(given_claims=(claim("Pending", 2, "failed"),))

    (finding,) = found(volume_pending, cluster=refused)

    assert "storageclass not found" in finding.what
    assert finding.since == NOW - minutes(10)
    assert found(volume_pending, cluster=unused) == []
    assert found(volume_pending, cluster=young) == []


def test_a_claim_that_waits_for_its_pods_place_is_not_the_trouble() -> None:
    """A pod that waits for memory holds up its volume, not the other way round."""
    no_room = condition("PodScheduled", "False", message="Insufficient memory")
    no_volume = condition("PodScheduled", "False", message="unbound PersistentVolumeClaims")
    pods = [
        pod("p", phase="Pending", node="", claims=("data",), conditions=(why,))
        for why in (no_room, no_volume)
    ]

    results = [
        found(volume_pending, cluster=cluster(each, given_claims=(claim("Pending"),)))
        for each in pods
    ]

    assert [len(each) for each in results] == [0, 1]


def test_a_lost_volume_is_told_at_once() -> None:
    """It does not heal: the next action is the backup."""
    (finding,) = found(volume_pending, cluster=cluster(given_claims=(claim("Lost", 0),)))

    assert "pv-1 is gone" in finding.what
    assert "backup" in finding.next_action
