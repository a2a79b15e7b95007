"""Why an attempt ended: one verdict of a closed list, told in words with its evidence."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from stationmaster.step.protocol import StepResult

__all__ = ["INFRASTRUCTURE", "Finding", "Verdict"]


class Verdict(StrEnum):
    """Name why an attempt ended; the ledger keeps these values."""

    SUCCEEDED = "succeeded"
    STEP_FAILED = "step_failed"
    """The step's own failure: any exit code without a meaning of its own."""
    CONTRACT_BROKEN = "contract_broken"
    """Exit code 65."""
    UPSTREAM_UNAVAILABLE = "upstream_unavailable"
    """Exit code 69."""
    TEMPORARY = "temporary"
    """Exit code 75."""
    CONFIG_ERROR = "config_error"
    """Exit code 78, or a pod that cannot start as it is described."""
    OUT_OF_MEMORY = "out_of_memory"
    """The kernel killed a process of the container for its memory limit, seen by the kubelet."""
    EVICTED = "evicted"
    """The node was short of memory, disk or processes, or refused the pod."""
    PREEMPTED = "preempted"
    """A pod of a higher priority took the place."""
    NODE_LOST = "node_lost"
    """The node stopped answering or is gone; the container may live on there."""
    DRAINED = "drained"
    """The node was emptied on purpose: drain, upgrade, scale-down, shutdown."""
    POD_DELETED = "pod_deleted"
    """Somebody else deleted the pod."""
    START_FAILED = "start_failed"
    """The node could not start the container, and nothing says that the description is wrong."""
    IMAGE_UNAVAILABLE = "image_unavailable"
    """The image cannot be pulled, or its name cannot be one."""
    UNSCHEDULABLE = "unschedulable"
    """No node took the pod for as long as its budget waits."""
    TIMED_OUT = "timed_out"
    """The step's time was over, or the pod's activeDeadlineSeconds."""
    KILLED_BY_USER = "killed_by_user"
    """Airflow took the task away: cleared, marked, deleted."""
    STOPPED = "stopped"
    """We stopped it since another shard of the step had failed for good."""
    UNKNOWN = "unknown"
    """Nobody saw it end: its pod was gone before anybody looked. Any other verdict replaces it."""


INFRASTRUCTURE: Final = frozenset(
    {
        Verdict.EVICTED,
        Verdict.PREEMPTED,
        Verdict.NODE_LOST,
        Verdict.DRAINED,
        Verdict.POD_DELETED,
        Verdict.START_FAILED,
    }
)
"""Not the step's fault: the next attempt starts inside the same try."""


class Finding(BaseModel):
    """Say why an attempt ended.

    `sentence` names what and where, `hint` what to do next; `evidence` is what the API said,
    shortened, as it goes into the ledger.
    """

    model_config = ConfigDict(frozen=True)

    verdict: Verdict
    exit_code: int | None = None
    sentence: str
    hint: str = ""
    evidence: dict[str, JsonValue] = Field(default_factory=dict)
    result: StepResult | None = None
