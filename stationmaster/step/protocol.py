"""The step contract, version 1: what goes into a step's container and what comes out.

The JSON Schemas in `stationmaster/step/schemas/` are generated from these models
(`make generate`), so that a step in any language can be checked against them.
"""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, FiniteFloat, JsonValue

__all__ = [
    "CONTEXT_VARIABLE",
    "MAX_RESULT_BYTES",
    "MEMORY_PORT_VARIABLE",
    "PROTOCOL_VERSION",
    "RESULT_VARIABLE",
    "TERMINATION_LOG",
    "InputRef",
    "Measurements",
    "OutputRef",
    "ResultStatus",
    "Shard",
    "StepContext",
    "StepFailure",
    "StepResult",
]

PROTOCOL_VERSION: Final = 1
"""Version of this contract; it moves apart from the package's version."""

CONTEXT_VARIABLE: Final = "STATIONMASTER_CONTEXT"
"""Environment variable that holds the StepContext as JSON."""

RESULT_VARIABLE: Final = "STATIONMASTER_RESULT"
"""Environment variable that names the result file where it is not the termination log."""

MEMORY_PORT_VARIABLE: Final = "STATIONMASTER_MEMORY_PORT"
"""Environment variable with the port that answers while the step is not short of memory."""

TERMINATION_LOG: Final = "/dev/termination-log"
"""Where Kubernetes reads a container's last word from."""

MAX_RESULT_BYTES: Final = 4096
"""What the kubelet keeps of a termination message
(https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/)."""


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Shard(_Document):
    """Name one of the N parts that a step's work is split into."""

    index: int = Field(default=0, ge=0)
    count: int = Field(default=1, ge=1)


class StepContext(_Document):
    """Everything a step is told; secrets never travel in it."""

    protocol: Literal[1] = PROTOCOL_VERSION
    pipeline: str
    run_id: str
    step: str
    job: str
    map_index: int = -1
    shard: Shard = Shard()
    try_id: str = Field(description="Airflow's ti.id: unique per try, never used again.")
    try_number: int = Field(default=1, ge=1)
    attempt: int = Field(default=1, ge=1)
    retry_of: tuple[str, ...] = Field(
        default=(),
        description="Earlier tries that failed and that this one repeats: what one of them has "
        "published whole is this step's work, done.",
    )
    business_date: dt.date
    data_interval_start: AwareDatetime | None = None
    data_interval_end: AwareDatetime | None = None
    params: dict[str, JsonValue] = Field(default_factory=dict)
    inputs: tuple[str, ...] = Field(default=(), description="Names of the datasets to read.")
    outputs: tuple[str, ...] = Field(default=(), description="Names of the datasets to write.")
    traceparent: str | None = Field(default=None, description="W3C trace context.")


class InputRef(_Document):
    """Name what was read: a table's snapshot, or a landing folder."""

    dataset: str
    snapshot_id: int | None = None
    rows: int = 0
    bytes: int = 0


class OutputRef(_Document):
    """Name what was published: one partition of one dataset, or one file set."""

    dataset: str
    business_date: dt.date
    snapshot_id: int | None = None
    uri: str | None = Field(default=None, description="Set for file outputs.")
    rows: int = 0
    bytes: int = 0
    quarantined_rows: int = 0
    quarantined_by_rule: dict[str, int] = Field(default_factory=dict)
    already_published: bool = Field(
        default=False, description="This try had published before; its acknowledgement was lost."
    )
    staged: bool = Field(
        default=False, description="Not published yet: the shard that comes last does it for all."
    )


class Measurements(_Document):
    """What the attempt used, as the step itself saw it."""

    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory_bytes: int = Field(
        default=0, description="Peak resident memory of the process tree, page cache not counted."
    )
    peak_working_set_bytes: int | None = Field(
        default=None,
        description="Peak of the container's memory with the page cache in use; as the kernel "
        "counts it towards the limit. Null where it is not the step's own.",
    )
    throttled_seconds: float | None = Field(
        default=None, description="How long the step's threads waited for their CPU limit."
    )
    memory_limit_bytes: int | None = Field(
        default=None,
        description="What the kernel allowed the container when it was last asked. Null where the "
        "container is not the step's own, or has no limit.",
    )
    oom_kills: int | None = Field(
        default=None,
        description="How many processes of the container the kernel killed for memory. Null where "
        "the container is not the step's own.",
    )
    rows_read: int = 0
    rows_written: int = 0
    bytes_read: int = 0
    bytes_written: int = 0


class StepFailure(_Document):
    """Say why a step failed, for people and for the verdict."""

    kind: str = Field(description="Name of the error's class.")
    where: str = ""
    expected: str = ""
    got: str = ""
    hint: str = ""
    message: str = ""


class ResultStatus(StrEnum):
    """Where a step stands in its own view."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


class StepResult(_Document):
    """What a step says of itself; rewritten as it goes, so a killed step leaves its last word."""

    protocol: Literal[1] = PROTOCOL_VERSION
    status: ResultStatus
    phase: str = Field(default="", description="What the step was doing last.")
    inputs: tuple[InputRef, ...] = ()
    outputs: tuple[OutputRef, ...] = ()
    measurements: Measurements = Measurements()
    error: StepFailure | None = None
    figures: dict[str, FiniteFloat] = Field(
        default_factory=dict,
        description="Numbers that people rely on, by `dataset/figure`; of another day than the "
        "step's own by `dataset/figure@2011-11-21`.",
    )
    part_figures: dict[str, FiniteFloat] = Field(
        default_factory=dict,
        description="The same of this shard's part only: the shards' add up, unless one of them "
        "says the whole in `figures`.",
    )
    notes: tuple[str, ...] = Field(default=(), description="Short sentences for the task's log.")
    truncated: tuple[str, ...] = Field(
        default=(), description="Fields that were shortened or left out to fit 4,096 bytes."
    )
    full_result_uri: str | None = Field(
        default=None, description="Where the whole document is when this one was truncated."
    )
