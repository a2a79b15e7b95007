"""The verdict on each pod that a real cluster left (tests/life/pods), and on what stands beside."""

from __future__ import annotations

import datetime as dt

import pytest

from stationmaster.airflow.life.budgets import Budgets
from stationmaster.airflow.life.findings import INFRASTRUCTURE, Verdict
from stationmaster.airflow.life.recording import record_of
from stationmaster.airflow.life.verdicts import judge
from stationmaster.airflow.life.waiting import wait_of
from tests.life.plans import plan_of
from tests.life.recorded_pods import recorded

ENDED = {
    "succeeded": (Verdict.SUCCEEDED, 0),
    "deleted_trap": (Verdict.SUCCEEDED, 0),
    "running_word": (Verdict.STEP_FAILED, 0),
    "garbage": (Verdict.STEP_FAILED, 0),
    "exit1": (Verdict.STEP_FAILED, 1),
    "killed9": (Verdict.STEP_FAILED, 137),
    "exit65": (Verdict.CONTRACT_BROKEN, 65),
    "exit69": (Verdict.UPSTREAM_UNAVAILABLE, 69),
    "exit75": (Verdict.TEMPORARY, 75),
    "exit78": (Verdict.CONFIG_ERROR, 78),
    "oom_child_137": (Verdict.OUT_OF_MEMORY, 137),
    "init_exit": (Verdict.STEP_FAILED, None),
    "init_oom": (Verdict.OUT_OF_MEMORY, None),
    "no_command": (Verdict.CONFIG_ERROR, None),
    "not_executable": (Verdict.CONFIG_ERROR, None),
    "deadline": (Verdict.TIMED_OUT, 137),
    "disk": (Verdict.EVICTED, 137),
    "deleted": (Verdict.POD_DELETED, 137),
    "deleted_late": (Verdict.POD_DELETED, 143),
    "forced": (Verdict.POD_DELETED, 137),
    "evicted_api": (Verdict.DRAINED, 137),
}

WAITING = {
    "image_missing": Verdict.IMAGE_UNAVAILABLE,
    "image_invalid": Verdict.IMAGE_UNAVAILABLE,
    "image_never": Verdict.IMAGE_UNAVAILABLE,
    "init_image": Verdict.IMAGE_UNAVAILABLE,
    "secret_env": Verdict.CONFIG_ERROR,
    "config_env": Verdict.CONFIG_ERROR,
    "root": Verdict.CONFIG_ERROR,
    "sidecar_crash": Verdict.CONFIG_ERROR,
    "unschedulable": Verdict.UNSCHEDULABLE,
    "selector": Verdict.UNSCHEDULABLE,
}


@pytest.mark.parametrize(("name", "expected"), ENDED.items(), ids=ENDED)
def test_the_verdict_on_a_pod_that_ended(name: str, expected: tuple[Verdict, int | None]) -> None:
    """Each end a real cluster showed has its verdict, with words and a hint."""
    finding = judge(recorded(name))

    assert finding is not None
    assert (finding.verdict, finding.exit_code) == expected
    assert finding.sentence.startswith("count-lines ")
    assert finding.hint or finding.verdict is Verdict.SUCCEEDED


@pytest.mark.parametrize(("name", "verdict"), WAITING.items(), ids=WAITING)
def test_the_verdict_on_a_pod_that_waits_in_vain(name: str, verdict: Verdict) -> None:
    """Each wait a real cluster showed goes on, and has the verdict it will end with."""
    pod = recorded(name, before_we_deleted_it=True)
    wait = wait_of(pod, Budgets())

    assert judge(pod) is None
    assert wait is not None
    assert wait.finding.verdict is verdict
    assert wait.finding.hint


def test_the_steps_own_words_stand_in_the_verdict() -> None:
    """Where, expected, got and the hint come from the step's last word."""
    finding = judge(recorded("exit65"))

    assert finding is not None
    assert "web_orders 2026-11-21: expected no null, got 12 nulls" in finding.sentence
    assert finding.hint == "Ask the web team."


@pytest.mark.parametrize(
    ("reason", "verdict"),
    [
        ("PreemptionByScheduler", Verdict.PREEMPTED),
        ("EvictionByEvictionAPI", Verdict.DRAINED),
        ("DeletionByTaintManager", Verdict.DRAINED),
        ("DeletionByPodGC", Verdict.NODE_LOST),
        ("TerminationByKubelet", Verdict.EVICTED),
        ("SomethingNew", Verdict.EVICTED),
    ],
)
def test_who_ended_a_pod_is_told_by_its_condition(reason: str, verdict: Verdict) -> None:
    """The same exit code 137 has as many verdicts as there are disruptions."""
    pod = recorded("killed9")
    end = pod["status"]["containerStatuses"][0]["state"]["terminated"]["finishedAt"]
    pod["status"]["conditions"].append(
        {"type": "DisruptionTarget", "status": "True", "reason": reason, "lastTransitionTime": end}
    )

    finding = judge(pod)

    assert finding is not None
    assert finding.verdict is verdict
    assert verdict in INFRASTRUCTURE


@pytest.mark.parametrize(
    ("reason", "verdict"),
    [
        ("NodeLost", Verdict.NODE_LOST),
        ("NodeShutdown", Verdict.DRAINED),
        ("Terminated", Verdict.DRAINED),
        ("Preempting", Verdict.PREEMPTED),
        ("OutOfmemory", Verdict.EVICTED),
        ("UnexpectedAdmissionError", Verdict.EVICTED),
        ("NodeAffinity", Verdict.EVICTED),
        ("Unheard", Verdict.START_FAILED),
    ],
)
def test_a_pod_that_never_ran_is_judged_by_its_reason(reason: str, verdict: Verdict) -> None:
    """What a kubelet refused or gave up is no failure of the step."""
    pod = recorded("exit1")
    pod["status"] |= {"reason": reason, "message": "because", "containerStatuses": []}

    finding = judge(pod)

    assert finding is not None
    assert finding.verdict is verdict


def test_who_failed_before_the_drain_failed_by_itself() -> None:
    """A container that had ended before its pod was disrupted is judged by its exit code."""
    pod = recorded("exit1")
    later = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)).isoformat()
    pod["status"]["conditions"].append(
        {
            "type": "DisruptionTarget",
            "status": "True",
            "reason": "EvictionByEvictionAPI",
            "lastTransitionTime": later,
        }
    )

    finding = judge(pod)

    assert finding is not None
    assert finding.verdict is Verdict.STEP_FAILED


@pytest.mark.parametrize("state", ["ContainerStatusUnknown", "Unknown"])
def test_an_end_that_no_kubelet_saw_is_a_lost_node(state: str) -> None:
    """A made-up exit code of a container that was not found again is no exit code."""
    pod = recorded("killed9")
    pod["status"]["containerStatuses"][0]["state"]["terminated"]["reason"] = state

    finding = judge(pod)

    assert finding is not None
    assert (finding.verdict, finding.exit_code) == (Verdict.NODE_LOST, None)


@pytest.mark.parametrize(
    ("reason", "verdict"),
    [("Error", Verdict.DRAINED), ("ContainerStatusUnknown", Verdict.NODE_LOST)],
)
def test_a_taint_drains_where_the_node_tells_of_the_end(reason: str, verdict: Verdict) -> None:
    """The taint manager takes pods from lost nodes and from tainted ones: the node's word tells."""
    pod = recorded("evicted_api")
    target = next(
        each for each in pod["status"]["conditions"] if each["type"] == "DisruptionTarget"
    )
    target["reason"] = "DeletionByTaintManager"
    pod["status"]["containerStatuses"][0]["state"]["terminated"]["reason"] = reason

    finding = judge(pod)

    assert finding is not None
    assert finding.verdict is verdict


@pytest.mark.parametrize(("code", "seconds"), [(1, 3), (143, 31)])
def test_who_failed_before_the_deletion_failed_by_itself(code: int, seconds: int) -> None:
    """The kubelet hides when a deletion was asked for; a failure before it stays one."""
    pod = recorded("deleted_late")
    deleted = dt.datetime.fromisoformat(pod["metadata"]["deletionTimestamp"])
    ended = (deleted - dt.timedelta(seconds=seconds)).isoformat()
    end = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    end |= {"exitCode": code, "finishedAt": ended}

    finding = judge(pod)

    assert finding is not None
    assert finding.verdict is Verdict.STEP_FAILED


def test_a_sidecar_that_runs_on_does_not_hold_the_step() -> None:
    """The step's container decides, also while another one of its pod runs."""
    pod = recorded("exit1")
    pod["status"]["phase"] = "Running"
    pod["status"]["containerStatuses"].append({"name": "proxy", "state": {"running": {}}})

    finding = judge(pod)

    assert finding is not None
    assert finding.exit_code == 1


@pytest.mark.parametrize(
    ("reason", "verdict", "second"),
    [
        (None, Verdict.POD_DELETED, 45),
        ("EvictionByEvictionAPI", Verdict.DRAINED, 45),
        ("DeletionByTaintManager", Verdict.NODE_LOST, 33),
    ],
)
def test_a_silent_kubelet_is_given_up_after_the_grace_period(
    reason: str | None, verdict: Verdict, second: int
) -> None:
    """A deleted pod whose node says nothing is given up, and named by what was done to it."""
    pod = recorded("killed9")
    pod["status"] |= {"phase": "Running"}
    pod["status"]["containerStatuses"][0]["state"] = {"running": {}}
    pod["metadata"]["deletionTimestamp"] = "2026-11-22T10:00:30Z"
    if reason is not None:
        target = {"type": "DisruptionTarget", "status": "True", "reason": reason}
        pod["status"]["conditions"].append(target)

    wait = wait_of(pod, Budgets())

    assert judge(pod) is None
    assert wait is not None
    assert wait.finding.verdict is verdict
    assert "may live on there" in wait.finding.sentence
    assert wait.until == dt.datetime(2026, 11, 22, 10, 0, second, tzinfo=dt.UTC)


@pytest.mark.parametrize("name", sorted(ENDED))
def test_every_end_can_be_recorded(name: str) -> None:
    """The ledger takes each of them, with its times, its node and what it asked for."""
    pod = recorded(name)

    record = record_of(plan_of().context, pod, judge(pod))

    assert record.verdict == ENDED[name][0].value
    assert record.node.startswith("stationmaster-worker")
    assert record.asked_memory_bytes == 64 << 20
    assert record.created_at is not None
    assert record.finished_at is not None
