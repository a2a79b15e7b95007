"""Why a pod waits for a node, in words; and what is said of it when."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from stationmaster.airflow.life.attempts import live
from stationmaster.airflow.life.pending import explain_pending, mount_trouble
from stationmaster.airflow.life.stopping import StopSignal
from stationmaster.airflow.life.testing import PodScript, Refusal, succeeds, unschedulable
from tests.life.plans import plan_of
from tests.life.worlds import a_world

PODS = Path(__file__).parent / "pods"

PREEMPTION = "preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."

MESSAGES = {
    "1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }, 2 Insufficient "
    f"memory. {PREEMPTION}": "1 of 3 nodes runs only the control plane, 2 lack memory (needs "
    "64 MiB)",
    "1 node(s) had untolerated taint(s), 2 Insufficient memory. no new claims to deallocate, "
    + PREEMPTION: "1 of 3 nodes takes only pods that tolerate their taints, 2 lack memory (needs "
    "64 MiB)",
    "1 Insufficient cpu, 2 node(s) were unschedulable.": "1 of 3 nodes lacks CPU (needs 10m), 2 "
    "are being emptied (cordoned)",
    "3 Too many pods.": "3 of 3 nodes lack room for another pod",
    "3 node(s) didn't match Pod's node affinity/selector.": "3 of 3 nodes do not match the step's "
    "node selector",
    "3 node(s) had untolerated taint {dedicated: gpu}.": "3 of 3 nodes take only pods that "
    "tolerate dedicated",
    "3 node(s) had a moon in the way.": "3 of 3 nodes say: had a moon in the way",
}


def waiting(message: str) -> dict[str, Any]:
    """Return a pod that no node takes, with the scheduler's message."""
    pod: dict[str, Any] = json.loads((PODS / "selector.json").read_text(encoding="utf-8"))
    pod["status"]["conditions"] = [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    ]
    return pod


@pytest.mark.parametrize(("message", "words"), MESSAGES.items())
def test_the_schedulers_words_become_ours(message: str, words: str) -> None:
    """Who lacks what, how many of how many, and what the step needs."""
    told = explain_pending(waiting(f"0/3 nodes are available: {message}"))

    assert told == f"waits for a node: {words}"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("TriggeredScaleUp", "the autoscaler is adding one"),
        ("Nominated", "the autoscaler is adding one"),
        ("NotTriggerScaleUp", "the autoscaler has no node type that would fit"),
    ],
)
def test_the_autoscalers_help_is_told(reason: str, words: str) -> None:
    """What cluster-autoscaler and Karpenter say in events ends the sentence."""
    pod = waiting("0/1 nodes are available: 1 Insufficient memory.")

    told = explain_pending(pod, [{"reason": "FailedScheduling"}, {"reason": reason}])

    assert told.endswith(f"; {words}")


def test_a_pod_nobody_has_looked_at_yet_says_so() -> None:
    """Without a message the sentence does not invent a reason."""
    assert "has not looked at it yet" in explain_pending(waiting(""))
    assert "there is no node at all" in explain_pending(waiting("no nodes available to schedule"))


def test_a_missing_volume_is_told_from_events() -> None:
    """A volume that cannot be mounted leaves no word in the status, only an event."""
    events = [
        {"reason": "Scheduled", "message": "fine"},
        {"reason": "FailedMount", "message": 'MountVolume.SetUp failed: secret "x" not found'},
    ]

    assert 'secret "x" not found' in mount_trouble(events)


def test_a_wait_is_said_once_and_again_when_it_changes() -> None:
    """The log tells each reason once, however often the scheduler repeats it."""
    first, then = (
        unschedulable(f"0/3 nodes are available: {number} Insufficient memory.").states[0][1]
        for number in (3, 2)
    )
    states = ((0.0, first), (0.1, first), (0.1, then), (0.1, then))
    script = PodScript((*states, *succeeds(0.1).states))

    async def main() -> None:
        async with a_world(lambda _: script) as world:
            await live(plan_of(), world.platform, StopSignal())
            told = [line for line in world.said if "waits for a node" in line]
            assert ["3 of 3" in told[0], "2 of 3" in told[1]] == [True, True]
            assert len(told) == 2

    asyncio.run(main())


def test_a_row_is_told_what_its_attempt_waits_for_until_it_runs() -> None:
    """Each reason once; that it runs, which ends the waiting; and nothing where it never waited."""
    lacks = unschedulable("0/3 nodes are available: 3 Insufficient memory.").states[0][1]
    waited = PodScript(((0.0, lacks), (0.1, lacks), *succeeds(0.1).states))

    async def noted_of(script: PodScript) -> list[str]:
        async with a_world(lambda _: script) as world:
            await live(plan_of(), world.platform, StopSignal())
            return world.noted

    first, *rest = asyncio.run(noted_of(waited))
    assert "waits for a node: 3 of 3 nodes lack memory" in first
    assert " runs on " in rest[-1]
    assert asyncio.run(noted_of(succeeds(0.1))) == []


def test_events_that_may_not_be_read_repeat_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the right to read events each sentence is said once, however long it waits."""
    monkeypatch.setattr("stationmaster.airflow.life.explaining.FIRST_LOOK", 0.02)
    monkeypatch.setattr("stationmaster.airflow.life.explaining.LONGEST_LOOK", 0.05)
    script = unschedulable("0/3 nodes are available: 3 Insufficient memory.")

    async def main() -> None:
        async with a_world(lambda _: script) as world:
            refused = [Refusal(403, "Forbidden", "cannot list resource events")] * 99
            world.fake.faults.refuse("events", *refused)
            living = asyncio.create_task(live(plan_of(), world.platform, StopSignal()))
            await world.until(lambda: world.fake.faults.answered["events"] >= 5)
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)
            assert len([line for line in world.said if "cannot be read" in line]) == 1
            assert len([line for line in world.said if "waits for a node" in line]) == 1

    asyncio.run(main())
