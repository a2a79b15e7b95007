"""Names of a step's pod: what fences an attempt, and what a pod is found again by."""

from __future__ import annotations

import functools
import hashlib
import re
from typing import TYPE_CHECKING, Final

from stationmaster.airflow.arguments import LABEL_DOMAIN
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from stationmaster.step.protocol import StepContext

__all__ = [
    "ATTEMPT_LABEL",
    "DEFAULT_CONTAINER_ANNOTATION",
    "ENDING_ANNOTATION",
    "FINALIZER",
    "KEPT_ANNOTATIONS",
    "LOG_LABEL",
    "MANAGED_BY_LABEL",
    "MANAGED_BY_US",
    "NAME_LABEL",
    "PLATFORM_LABEL",
    "SELECTOR",
    "SHARDS_LABEL",
    "SHARD_LABEL",
    "SIZE_ANNOTATION",
    "SPENT_ANNOTATION",
    "TEAM_LABEL",
    "TRACEPARENT_ANNOTATION",
    "TRY_ID_LABEL",
    "TRY_LABEL",
    "label_value",
    "labels_of",
    "platform_label",
    "pod_name",
]

LONGEST_NAME: Final = 63
"""Of a DNS label and of a label's value alike (RFC 1123; Kubernetes' object names guide)."""

FINALIZER: Final = f"{LABEL_DOMAIN}evidence"
"""Keeps a pod's status until its attempt is recorded, whoever deletes pod or node."""

MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
NAME_LABEL: Final = "app.kubernetes.io/name"
MANAGED_BY_US: Final = "stationmaster"
SELECTOR: Final = f"{MANAGED_BY_LABEL}={MANAGED_BY_US}"
"""Selects every step's pod."""

PLATFORM_LABEL: Final = f"{LABEL_DOMAIN}platform"
"""Says which Airflow a pod belongs to: several may share one namespace for their steps."""

TRY_ID_LABEL: Final = f"{LABEL_DOMAIN}try-id"
TRY_LABEL: Final = f"{LABEL_DOMAIN}try"
SHARD_LABEL: Final = f"{LABEL_DOMAIN}shard"
SHARDS_LABEL: Final = f"{LABEL_DOMAIN}shards"
ATTEMPT_LABEL: Final = f"{LABEL_DOMAIN}attempt"

LOG_LABEL: Final = f"{LABEL_DOMAIN}log"
"""`pod`: the platform follows the pod's log, since no runner of ours is in its image."""

SPENT_ANNOTATION: Final = f"{LABEL_DOMAIN}spent"
"""Attempts used before this one, by verdict, as JSON: budgets survive a restart in it."""

DEFAULT_CONTAINER_ANNOTATION: Final = "kubectl.kubernetes.io/default-container"
"""Names the container that is the step: kubectl's logs and exec choose it too."""

ENDING_ANNOTATION: Final = f"{LABEL_DOMAIN}ending"
"""The finding under which we delete a pod that waits in vain: whoever looks next agrees."""

TRACEPARENT_ANNOTATION: Final = f"{LABEL_DOMAIN}traceparent"

SIZE_ANNOTATION: Final = f"{LABEL_DOMAIN}size"
"""What size the attempt has and why, as `sizefacts.SizeFacts` in JSON: the ledger's row says it."""

TEAM_LABEL: Final = f"{LABEL_DOMAIN}team"
"""Who pays for the pod; set by the author of the DAG (`labels=`) or by the catalog."""

KEPT_ANNOTATIONS: Final = (
    *(DEFAULT_CONTAINER_ANNOTATION, ENDING_ANNOTATION, SIZE_ANNOTATION, SPENT_ANNOTATION),
)
"""What the watch remembers of a pod's annotations: verdicts, budgets and records need them."""


def pod_name(context: StepContext) -> str:
    """Return the name that fences an attempt: the same attempt can't be started twice.

    Made of the try's unique id, shard and attempt; the job's name before it is for people.
    """
    tail = f"-{context.try_id.replace('-', '')}-{context.shard.index}-{context.attempt}".lower()
    head = re.sub(r"[^a-z0-9]+", "-", context.job.lower())[: LONGEST_NAME - len(tail)]
    return f"{head.strip('-') or 'step'}{tail}"[:LONGEST_NAME]


def label_value(text: str) -> str:
    """Return the text as a label's value: at most 63 of [A-Za-z0-9_.-], alphanumeric at the ends.

    Long texts keep their end, where run ids differ from each other.
    """
    clean = re.sub(r"[^A-Za-z0-9_.-]+", "_", text)[-LONGEST_NAME:]
    return re.sub(r"^[^A-Za-z0-9]+|[^A-Za-z0-9]+$", "", clean)


@functools.cache
def platform_label() -> str:
    """Return this Airflow's own value of the platform's label, by STATIONMASTER_PLATFORM_ID.

    Read once a process: the settings take milliseconds, and each pod wants it.

    An id that no label can hold is shortened, and keeps a hash of the whole.
    """
    told = Settings().platform_id
    clean = label_value(told)
    if clean == told:
        return clean
    mark = hashlib.sha256(told.encode()).hexdigest()[:10]
    return label_value(f"{clean[: LONGEST_NAME - 11]}-{mark}")


def labels_of(context: StepContext) -> dict[str, str]:
    """Return the labels that an attempt's pod is found again by."""
    ours = {
        "pipeline": context.pipeline,
        "step": context.step,
        "run": context.run_id,
        "map-index": str(context.map_index) if context.map_index >= 0 else "",
        "shard": str(context.shard.index),
        "shards": str(context.shard.count),
        "try": str(context.try_number),
        "try-id": context.try_id,
        "attempt": str(context.attempt),
        "business-date": context.business_date.isoformat(),
    }
    return {
        NAME_LABEL: label_value(context.job),
        "app.kubernetes.io/part-of": label_value(context.pipeline),
        MANAGED_BY_LABEL: MANAGED_BY_US,
        PLATFORM_LABEL: platform_label(),
        **{f"{LABEL_DOMAIN}{name}": label_value(value) for name, value in ours.items() if value},
    }
