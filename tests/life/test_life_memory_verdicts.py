"""Out of memory is a verdict with evidence: the kubelet's, the kernel's count, or a last word."""

from __future__ import annotations

import json

import pytest

from stationmaster.airflow.life.budgets import Budgets
from stationmaster.airflow.life.enlarging import enlarged_bytes
from stationmaster.airflow.life.findings import Verdict
from stationmaster.airflow.life.verdicts import judge
from tests.life.recorded_pods import recorded


@pytest.mark.parametrize(
    ("peak", "verdict"),
    [(46 << 20, Verdict.OUT_OF_MEMORY), (20 << 20, Verdict.STEP_FAILED)],
)
def test_137_is_memory_only_with_evidence(peak: int, verdict: Verdict) -> None:
    """The kubelet missed the kernel's kill: the step's last word near its limit tells, no less."""
    pod = recorded("killed9")
    word = {
        "protocol": 1,
        "status": "running",
        "phase": "merging",
        "measurements": {"peak_memory_bytes": peak},
    }
    pod["status"]["containerStatuses"][0]["state"]["terminated"]["message"] = json.dumps(word)

    finding = judge(pod)

    assert finding is not None
    assert finding.verdict is verdict


@pytest.mark.parametrize(
    ("kills", "verdict"), [(1, Verdict.OUT_OF_MEMORY), (0, Verdict.STEP_FAILED)]
)
def test_a_child_that_the_kernel_killed_is_memory(kills: int, verdict: Verdict) -> None:
    """The step outlived its child and failed by itself: the kernel's own count tells why."""
    pod = recorded("exit1")
    word = {
        "protocol": 1,
        "status": "failed",
        "error": {"kind": "CalledProcessError", "message": "died with <Signals.SIGKILL: 9>"},
        "measurements": {"oom_kills": kills},
    }
    pod["status"]["containerStatuses"][0]["state"]["terminated"]["message"] = json.dumps(word)

    finding = judge(pod)

    assert finding is not None
    assert finding.verdict is verdict


@pytest.mark.parametrize(
    ("limit", "verdict"), [(64 << 20, Verdict.OUT_OF_MEMORY), (None, Verdict.STEP_FAILED)]
)
def test_a_limit_counts_when_the_kernel_has_it(limit: int | None, verdict: Verdict) -> None:
    """Killed before a raised limit was in force, the step ran out of the old one."""
    pod = recorded("killed9")
    pod["spec"]["containers"][0]["resources"]["limits"]["memory"] = "128Mi"
    word = {
        "protocol": 1,
        "status": "running",
        "measurements": {"peak_memory_bytes": 60 << 20, "memory_limit_bytes": limit},
    }
    pod["status"]["containerStatuses"][0]["state"]["terminated"]["message"] = json.dumps(word)

    finding = judge(pod)

    assert finding is not None
    assert finding.verdict is verdict
    assert enlarged_bytes(finding, pod, Budgets()) == (128 if limit else 256) << 20
