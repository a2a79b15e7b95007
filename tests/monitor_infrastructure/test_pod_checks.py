"""Pods: crashing, without an image, without a place; and what is not worth a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stationmaster.monitor.checks.infrastructure.pods import (
    image_unavailable,
    pod_crash_looping,
    pods_pending,
)
from stationmaster.monitor.facts.given import GivenCluster
from tests.monitor_infrastructure.infrastructure import (
    NOW,
    away,
    cluster,
    condition,
    container,
    found,
    minutes,
    outcome,
    pod,
    step_pod,
)

if TYPE_CHECKING:
    from stationmaster.monitor.facts.cluster import ClusterPod

NO_ROOM = "0/2 nodes are available: 2 Insufficient memory."


def waiting(name: str, ago: float, message: str = NO_ROOM, reason: str = "") -> ClusterPod:
    """Return a step's pod without a place."""
    why = condition("PodScheduled", "False", ago, reason=reason, message=message)
    return step_pod(name, phase="Pending", node="", conditions=(why,))


def test_a_crashing_part_is_named_by_what_owns_its_pods() -> None:
    """The subject stays the same while pods come and go, so it is one finding."""
    crashing = container(
        restarts=6,
        waiting="CrashLoopBackOff",
        last_reason="OOMKilled",
        last_exit_code=137,
        last_ended_at=NOW - minutes(2),
    )
    owner = {"owner_kind": "ReplicaSet", "owner": "airflow-scheduler-5d9c7b8f6d"}
    unready = (condition("Ready", "False", 9),)
    pods = [pod(name, crashing, conditions=unready, **owner) for name in ("s-1", "s-2")]

    (finding,) = found(pod_crash_looping, cluster=cluster(*pods))

    assert str(finding.subject) == "pod:airflow/airflow-scheduler"
    assert finding.since == NOW - minutes(9)
    assert "Raise its memory limit" in finding.next_action
    assert "kubectl -n airflow logs s-1 -c main --previous" in finding.next_action


def test_between_two_crashes_it_is_still_found() -> None:
    """A container that runs for a moment is not mended."""
    between = container(restarts=4, last_exit_code=1, last_ended_at=NOW - minutes(4))

    assert len(found(pod_crash_looping, cluster=cluster(pod("s", between)))) == 1


def test_what_has_come_up_again_is_no_crash_loop() -> None:
    """Parts that crashed while the database was away are well once they stay ready."""
    up, just_up = (
        container(
            restarts=4,
            last_exit_code=1,
            last_ended_at=NOW - minutes(9),
            started_at=NOW - minutes(each),
        )
        for each in (6, 1)
    )

    assert found(pod_crash_looping, cluster=cluster(pod("s", up))) == []
    assert len(found(pod_crash_looping, cluster=cluster(pod("s", just_up)))) == 1


def test_old_restarts_and_steps_are_no_crash_loop() -> None:
    """What restarted last week runs; a step's end is its verdict's business."""
    old = container(restarts=9, last_ended_at=NOW - minutes(600))
    step = container(restarts=9, last_ended_at=NOW - minutes(1))

    assert found(pod_crash_looping, cluster=cluster(pod("s", old), step_pod("x", step))) == []


def test_an_image_that_cannot_be_had_is_named() -> None:
    """A step's is a warning, the platform's is critical; both name the image."""
    missing = {"waiting": "ImagePullBackOff", "message": "not found", "image": "shop/x:9"}
    of_step = step_pod("x", container(**missing), phase="Pending")
    of_part = pod("s", container(**missing), phase="Pending")

    part, step = found(image_unavailable, cluster=cluster(of_part, of_step))

    assert (part.severity, step.severity) == ("critical", "warning")
    assert str(step.subject) == "pod:steps/extract-web"
    assert step.affected == ("morning_analytics",)
    assert "shop/x:9" in step.what
    assert "shop/x:9" in step.next_action


def test_pods_without_a_place_are_one_finding_a_namespace() -> None:
    """Three hundred pods that wait for memory are one trouble, as old as the first of them."""
    pods = [waiting(f"p{n}", 12 + n) for n in range(300)]

    (finding,) = found(pods_pending, cluster=cluster(*reversed(pods)))

    assert str(finding.subject) == "pod:steps"
    assert finding.since == NOW - minutes(311)
    assert finding.evidence["without_hope"] == 300
    assert "Add nodes" in finding.next_action


def test_a_queue_that_moves_is_no_trouble() -> None:
    """While others get a place, who waits is in a queue; who is passed over for an hour is not."""
    placed = step_pod("new", conditions=(condition("PodScheduled", "True", 2),))

    assert found(pods_pending, cluster=cluster(waiting("p", 30), placed)) == []
    assert len(found(pods_pending, cluster=cluster(waiting("p", 61), placed))) == 1


def test_who_waits_briefly_or_on_purpose_is_left_alone() -> None:
    """An autoscaler needs minutes; a gate is somebody's wish."""
    gated = waiting("g", 90, reason="SchedulingGated")

    assert found(pods_pending, cluster=cluster(waiting("p", 9), gated)) == []


def test_what_to_do_depends_on_why_there_is_no_place() -> None:
    """A volume, a taint and too little memory need different things."""
    actions = [
        found(pods_pending, cluster=cluster(waiting("p", 20, message)))[0].next_action
        for message in (
            "pod has unbound immediate PersistentVolumeClaims",
            "2 node(s) had untolerated taint {a: b}",
            "no reason",
        )
    ]

    assert [action.split()[0] for action in actions] == ["Look", "No", "Find"]


def test_pods_are_unknown_while_the_api_is_silent() -> None:
    """No check over pods closes anything then."""
    silent = GivenCluster(away=away())

    for check in (pod_crash_looping, image_unavailable, pods_pending):
        assert outcome(check, cluster=silent).outcome == "unknown"
