"""From an attempt's pod to its row in the ledger."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from stationmaster.airflow.arguments import LABEL_DOMAIN
from stationmaster.airflow.life.findings import Verdict
from stationmaster.airflow.life.names import (
    NAME_LABEL,
    TEAM_LABEL,
    TRACEPARENT_ANNOTATION,
)
from stationmaster.airflow.life.plan import step_container
from stationmaster.airflow.life.podfacts import (
    condition,
    image_digest,
    memory_limit,
    memory_limit_in_force,
    millicores_of,
    moment,
    step_name,
    step_state,
)
from stationmaster.airflow.life.sizefacts import size_facts_of
from stationmaster.airflow.life.verdicts import judge
from stationmaster.ledger.records import AttemptRecord
from stationmaster.step.protocol import CONTEXT_VARIABLE, StepContext

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stationmaster.airflow.life.findings import Finding

__all__ = ["record_of", "record_of_pod"]


def record_of(
    context: StepContext,
    pod: Mapping[str, Any] | None,
    finding: Finding | None,
    *,
    queued_at: dt.datetime | None = None,
) -> AttemptRecord:
    """Return what is known of an attempt.

    Args:
        context: What the attempt was told.
        pod: Its latest state, trimmed or whole; None where it never came to be.
        finding: Why it ended; None while it goes on.
        queued_at: When it was decided to start it.
    """
    known: dict[str, Any] = {"queued_at": queued_at}
    if pod is not None:
        known |= _of_pod(pod)
    if finding is not None:
        known |= {
            "verdict": finding.verdict.value,
            "exit_code": finding.exit_code,
            "sentence": finding.sentence,
            "hint": finding.hint,
            "evidence": finding.evidence,
        }
        if pod is not None and known.get("finished_at") is None:
            known["finished_at"] = dt.datetime.now(dt.UTC)
        if finding.verdict is Verdict.OUT_OF_MEMORY and pod is not None:
            known["proved_too_small_bytes"] = memory_limit_in_force(pod, finding.result)
    result = finding.result if finding is not None else None
    return AttemptRecord.of(context, result=result, **known)


def record_of_pod(pod: Mapping[str, Any], otherwise: Finding | None = None) -> AttemptRecord | None:
    """Return the record of a pod that nobody lives any more, from what it was told.

    Args:
        pod: Its whole API JSON; None is returned where neither its context nor its labels
            tell whose it is.
        otherwise: What is found where the pod says nothing by itself; that it was deleted by
            default.
    """
    told = next(
        (
            each.get("value")
            for each in step_container(dict(pod)).get("env") or ()
            if each["name"] == CONTEXT_VARIABLE
        ),
        None,
    )
    context = _told_context(told) or _context_of_labels(pod)
    if context is None:
        return None
    # The pod was told its own span's trace context; the record holds the task's.
    task = (pod["metadata"].get("annotations") or {}).get(TRACEPARENT_ANNOTATION)
    context = context.model_copy(update={"traceparent": task or context.traceparent})
    found = judge(pod, gone=otherwise is None) or otherwise
    return record_of(context, pod, found)


def _told_context(told: object) -> StepContext | None:
    try:
        return StepContext.model_validate_json(str(told or ""))
    except ValidationError:
        return None


def _context_of_labels(pod: Mapping[str, Any]) -> StepContext | None:
    """Return who an attempt is by its pod's labels, where its context is of another protocol.

    Labels hold names shortened; the annotations of the same names hold them whole.
    """
    metadata = pod["metadata"]
    told = {
        name.removeprefix(LABEL_DOMAIN).replace("-", "_"): value
        for source in ("labels", "annotations")
        for name, value in (metadata.get(source) or {}).items()
        if name.startswith(LABEL_DOMAIN)
    }
    shard = {"index": told.pop("shard", 0), "count": told.pop("shards", 1)}
    job = (metadata.get("labels") or {}).get(NAME_LABEL) or step_name(pod)
    try_number = told.pop("try", 1)
    told.setdefault("run_id", told.get("run", ""))
    try:
        return StepContext.model_validate(
            {**told, "job": job, "shard": shard, "try_number": try_number}
        )
    except ValidationError:
        return None


def _of_pod(pod: Mapping[str, Any]) -> dict[str, Any]:
    metadata, status = pod["metadata"], step_state(pod)
    state = status.get("state") or {}
    ended = state.get("terminated") or {}
    running = ended or state.get("running") or {}
    scheduled = condition(pod, "PodScheduled") or {}
    container: dict[str, Any] = next(
        (each for each in pod["spec"].get("containers") or () if each["name"] == step_name(pod)),
        {},
    )
    requests = (container.get("resources") or {}).get("requests") or {}
    return {
        "namespace": metadata.get("namespace", ""),
        "pod_name": metadata["name"],
        "pod_uid": metadata.get("uid", ""),
        "node": pod["spec"].get("nodeName") or "",
        "image": status.get("imageID") or container.get("image") or "",
        "image_digest": image_digest(pod),
        "team": (metadata.get("labels") or {}).get(TEAM_LABEL, ""),
        **size_facts_of(pod).model_dump(),
        "created_at": moment(metadata.get("creationTimestamp")),
        "scheduled_at": moment(scheduled.get("lastTransitionTime"))
        if scheduled.get("status") == "True"
        else None,
        # 1970 stands for a container that never started (StartError) in some runtimes.
        "started_at": _real(moment(running.get("startedAt"))),
        "finished_at": _real(moment(ended.get("finishedAt"))),
        "asked_cpu_millicores": millicores_of(requests.get("cpu")),
        "asked_memory_bytes": memory_limit(pod),
    }


def _real(moment_or_none: dt.datetime | None) -> dt.datetime | None:
    epoch = dt.datetime.fromtimestamp(0, dt.UTC)
    return None if moment_or_none == epoch else moment_or_none
