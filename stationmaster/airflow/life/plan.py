"""All that is needed to live one try of a step, as one JSON document; and how the try ended."""

from __future__ import annotations

import copy
import json
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from stationmaster.airflow.life.budgets import Budgets
from stationmaster.airflow.life.findings import Finding, Verdict
from stationmaster.airflow.life.names import (
    DEFAULT_CONTAINER_ANNOTATION,
    FINALIZER,
    SPENT_ANNOTATION,
    TRACEPARENT_ANNOTATION,
    labels_of,
    pod_name,
)
from stationmaster.airflow.life.podfacts import memory_limit
from stationmaster.airflow.life.sizefacts import SizeFacts, size_facts_of, write_size_facts
from stationmaster.airflow.life.tracecontext import TRACEPARENT_VARIABLE, traceparent_inside
from stationmaster.step.protocol import CONTEXT_VARIABLE, Shard, StepContext, StepResult

__all__ = ["PodRef", "StepEnd", "StepPlan", "context_of", "pod_of", "resized", "step_container"]

DEFAULT_NAMESPACE: Final = "stationmaster-steps"


class PodRef(BaseModel):
    """Name one pod for all time."""

    model_config = ConfigDict(frozen=True)

    name: str
    uid: str
    namespace: str = DEFAULT_NAMESPACE


class StepPlan(BaseModel):
    """Hold what a try of a step is: its first pod, and from which the others derive."""

    model_config = ConfigDict(frozen=True)

    context: StepContext = Field(description="Of shard 0, attempt 1; the others derive from it.")
    shards: int = Field(default=1, ge=1)
    shards_at_once: int | None = Field(
        default=None, ge=1, description="How many of them have a pod at a time; None: all."
    )
    pod: dict[str, Any] = Field(description="API JSON of shard 0, attempt 1, with its namespace.")
    started_at: datetime = Field(description="The try's start (UTC); survives a restart.")
    queued_at: datetime | None = Field(default=None, description="When Airflow queued the try.")
    timeout_seconds: float | None = Field(default=None, description="Counted from started_at.")
    budgets: Budgets = Field(default_factory=Budgets)
    skip_exit_codes: tuple[int, ...] = ()
    grows: bool = Field(
        default=False, description="Its pods ask for memory where they run, and are given it."
    )
    keep_pods: bool = Field(
        default=False, description="Leave finished pods to the reaper instead of deleting them."
    )

    @property
    def namespace(self) -> str:
        """Return the namespace that the step's pods live in."""
        return str(self.pod["metadata"].get("namespace") or DEFAULT_NAMESPACE)


class StepEnd(BaseModel):
    """Say how a try ended: for the whole step, with every shard's result.

    `finding` is that of the shard that decided; None when all succeeded.
    """

    model_config = ConfigDict(frozen=True)

    verdict: Verdict
    results: tuple[StepResult, ...] = ()
    finding: Finding | None = None
    attempts: int = 1
    pods: tuple[PodRef, ...] = Field(default=(), description="What `release` lets go.")

    @property
    def done(self) -> bool:
        """Tell whether the step did its work."""
        return self.verdict is Verdict.SUCCEEDED


def context_of(plan: StepPlan, shard: int, attempt: int) -> StepContext:
    """Return what the given attempt of the given shard is told."""
    part = Shard(index=shard, count=plan.shards)
    return plan.context.model_copy(update={"shard": part, "attempt": attempt})


def pod_of(
    plan: StepPlan,
    shard: int,
    attempt: int,
    memory_bytes: int | None = None,
    spent: dict[Verdict, int] | None = None,
) -> dict[str, Any]:
    """Return the pod of one attempt as the API wants it.

    Args:
        plan: The try.
        shard: From 0.
        attempt: From 1.
        memory_bytes: Limit and request of the step's container; the plan's own by default.
        spent: Attempts used before, by verdict, kept in an annotation for whoever comes next.
    """
    context = context_of(plan, shard, attempt)
    pod = copy.deepcopy(plan.pod)
    metadata = pod["metadata"]
    metadata["name"] = pod_name(context)
    metadata["namespace"] = plan.namespace
    metadata["labels"] = {**metadata.get("labels", {}), **labels_of(context)}
    others = [each for each in metadata.get("finalizers", []) if each != FINALIZER]
    metadata["finalizers"] = [*others, FINALIZER]
    annotations = dict(metadata.get("annotations") or {})
    if context.traceparent:
        # The task's own; what runs in the pod is told the attempt's `run` span instead.
        annotations[TRACEPARENT_ANNOTATION] = context.traceparent
        context = context.model_copy(update={"traceparent": traceparent_inside(context)})
    if spent:
        annotations[SPENT_ANNOTATION] = json.dumps({str(k): v for k, v in spent.items()})
    container = step_container(pod)
    annotations[DEFAULT_CONTAINER_ANNOTATION] = container["name"]
    metadata["annotations"] = annotations
    for variable in container.setdefault("env", []):
        if variable["name"] == CONTEXT_VARIABLE:
            variable["value"] = context.model_dump_json()
    if context.traceparent and not any(
        each["name"] == TRACEPARENT_VARIABLE for each in container["env"]
    ):
        container["env"].append({"name": TRACEPARENT_VARIABLE, "value": context.traceparent})
    if memory_bytes is not None:
        facts = size_facts_of(plan.pod).model_copy(
            update={"enlarged_from_bytes": memory_limit(pod)}
        )
        _give_memory(container, memory_bytes)
        write_size_facts(pod, facts)
    return pod


def resized(
    plan: StepPlan, memory_bytes: int, cpu_millicores: int | None, facts: SizeFacts
) -> StepPlan:
    """Return the plan of the same step with another size.

    Args:
        plan: The step as its author declared it.
        memory_bytes: Limit and request of its container.
        cpu_millicores: Request of its container; None: as declared.
        facts: What is written onto its pods about the size.
    """
    pod = copy.deepcopy(plan.pod)
    container = step_container(pod)
    _give_memory(container, memory_bytes)
    if cpu_millicores is not None:
        container["resources"]["requests"]["cpu"] = f"{cpu_millicores}m"
    write_size_facts(pod, facts)
    return plan.model_copy(update={"pod": pod})


def step_container(pod: dict[str, Any]) -> dict[str, Any]:
    """Return the spec of the container that is the step; the others stand beside it."""
    containers: list[dict[str, Any]] = pod["spec"]["containers"]
    for container in containers:
        if any(each["name"] == CONTEXT_VARIABLE for each in container.get("env") or ()):
            return container
    return containers[0]


def _give_memory(container: dict[str, Any], memory_bytes: int) -> None:
    resources = container.setdefault("resources", {})
    for kind in ("requests", "limits"):
        resources[kind] = {**(resources.get(kind) or {}), "memory": str(memory_bytes)}
