"""From a rendered step to the plan of its life; the same by launcher and by worker."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from stationmaster.airflow.life.budgets import Budgets
from stationmaster.airflow.life.growing import let_grow
from stationmaster.airflow.life.plan import StepPlan, step_container
from stationmaster.airflow.life.podfacts import bytes_of, memory_limit
from stationmaster.airflow.life.sizefacts import SizeFacts, write_size_facts
from stationmaster.airflow.podmodels import api_json
from stationmaster.airflow.pods import build_pod
from stationmaster.airflow.sizedby import input_of_a_shard, parameter_class
from stationmaster.airflow.sizes import resources_of
from stationmaster.step.protocol import CONTEXT_VARIABLE

if TYPE_CHECKING:
    import datetime as dt

    from kubernetes.client import V1Pod  # type: ignore[import-untyped]

    from stationmaster.airflow.catalog import CatalogJob
    from stationmaster.step.protocol import StepContext
    from stationmaster.step.settings import Settings

__all__ = ["KEEP_ANNOTATION", "LOG_PATH_VARIABLE", "MemoryRules", "plan_step"]

LOG_PATH_VARIABLE: Final = "STATIONMASTER_LOG_PATH"
"""Tells the runner where Airflow looks for this try's log."""

KEEP_ANNOTATION: Final = "stationmaster.io/keep"
"""Marks a pod that stays when it has ended: who sweeps knows the pod, and no plan."""

DEADLINE_MARGIN_SECONDS: Final = 60


class MemoryRules(NamedTuple):
    """Hold how a step's memory may be enlarged."""

    cap_bytes: int | None
    """What the largest node can give a step."""
    grows: bool = False
    """Also where it runs, before it is killed."""

    @classmethod
    def of(cls, settings: Settings) -> MemoryRules:
        """Return what the settings say."""
        return cls(bytes_of(settings.largest_step_memory), settings.grow_in_place)


def plan_step(  # noqa: PLR0913 (one keyword for each thing that makes a plan)
    contexts: list[StepContext],
    *,
    job: CatalogJob,
    wishes: V1Pod,
    size: str,
    namespace: str,
    started_at: dt.datetime,
    timeout_seconds: float | None,
    skip_exit_codes: tuple[int, ...],
    schedule_seconds: float | None = None,
    start_seconds: float | None = None,
    shards_at_once: int | None = None,
    memory: MemoryRules | None = None,
    keep_pods: bool = False,
    log_path: str | None = None,
    input_bytes: int | None = None,
) -> StepPlan:
    """Return the plan of one try.

    Args:
        contexts: What each shard's first attempt is told.
        job: As the catalog knows it.
        wishes: The pod that the author's arguments describe, rendered.
        size: Rendered.
        namespace: Of the pods, where the author chose none.
        started_at: When the try started (UTC).
        timeout_seconds: The execution timeout, counted from there.
        skip_exit_codes: Exit codes that mean skipped.
        schedule_seconds: How long a pod may wait for a node; the default of Budgets otherwise.
        start_seconds: How long a pod may take from there to running; likewise.
        shards_at_once: How many shards have a pod at a time; all by default.
        memory: How it may be enlarged; the default of Budgets otherwise, and not where it runs.
        keep_pods: Leave finished pods to the reaper.
        log_path: Airflow's relative path of the try's log.
        input_bytes: What all shards together read, where it is known.

    Raises:
        MisconfiguredError: There is no such size.
    """
    pod = api_json(build_pod(wishes, job, resources_of(size), contexts[0]))
    pod["metadata"]["namespace"] = pod["metadata"].get("namespace") or namespace
    if timeout_seconds and wishes.spec.active_deadline_seconds is None:
        _set_deadline(pod, timeout_seconds)
    _write_size(pod, size, contexts, job, input_bytes)
    _mark(pod, keep_pods=keep_pods, log_path=log_path)
    return StepPlan(
        context=contexts[0],
        shards=len(contexts),
        shards_at_once=shards_at_once,
        pod=pod,
        started_at=started_at,
        timeout_seconds=timeout_seconds,
        budgets=_budgets(schedule_seconds, start_seconds, memory),
        skip_exit_codes=skip_exit_codes,
        grows=_may_grow(pod, job, memory),
        keep_pods=keep_pods,
    )


def _may_grow(pod: dict[str, Any], job: CatalogJob, memory: MemoryRules | None) -> bool:
    """Tell whether the step's pods are given memory where they run; they then ask for it."""
    grows = memory is not None and memory.grows and job.file.log == "runner"
    if grows:  # only our runner says when memory gets short
        let_grow(step_container(pod))
    return grows


def _set_deadline(pod: dict[str, Any], timeout_seconds: float) -> None:
    """Have the cluster end the pod too: ours ends it in time, this is for when nobody watches."""
    own = pod["spec"].get("activeDeadlineSeconds") or 0
    longest = math.ceil(timeout_seconds) + DEADLINE_MARGIN_SECONDS
    pod["spec"]["activeDeadlineSeconds"] = max(own, longest)


def _write_size(
    pod: dict[str, Any],
    size: str,
    contexts: list[StepContext],
    job: CatalogJob,
    input_bytes: int | None,
) -> None:
    """Write onto a pod what its size goes by; no class where its author asks for other memory."""
    own = memory_limit(pod) != bytes_of(resources_of(size).memory)
    facts = SizeFacts(
        size_class="" if own else size,
        parameter_class=parameter_class(job.file, contexts[0].params),
        input_bytes=input_of_a_shard(input_bytes, len(contexts)),
    )
    write_size_facts(pod, facts)


def _mark(pod: dict[str, Any], *, keep_pods: bool, log_path: str | None) -> None:
    if keep_pods:
        pod["metadata"].setdefault("annotations", {})[KEEP_ANNOTATION] = "true"
    if log_path:
        _tell_log_path(pod, log_path.removesuffix(".log"))


def _budgets(
    schedule_seconds: float | None, start_seconds: float | None, memory: MemoryRules | None
) -> Budgets:
    chosen = {
        "schedule_seconds": schedule_seconds,
        "start_seconds": start_seconds,
        "memory_cap_bytes": memory.cap_bytes if memory else None,
    }
    return Budgets.model_validate({name: each for name, each in chosen.items() if each})


def _tell_log_path(pod: dict[str, Any], path: str) -> None:
    for container in pod["spec"]["containers"]:
        env = container.get("env") or []
        if any(each["name"] == CONTEXT_VARIABLE for each in env):
            kept = [each for each in env if each["name"] != LOG_PATH_VARIABLE]
            container["env"] = [*kept, {"name": LOG_PATH_VARIABLE, "value": path}]
