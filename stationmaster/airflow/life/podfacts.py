"""What a pod's JSON says, in the words and units that verdicts are told in."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.life.names import (
    ATTEMPT_LABEL,
    DEFAULT_CONTAINER_ANNOTATION,
    NAME_LABEL,
    SHARD_LABEL,
    SHARDS_LABEL,
)
from stationmaster.ledger.quantities import size_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from stationmaster.step.protocol import StepResult

__all__ = [
    "bytes_of",
    "condition",
    "ended",
    "human_bytes",
    "image_digest",
    "in_words",
    "memory_limit",
    "memory_limit_in_force",
    "millicores_of",
    "moment",
    "step_name",
    "step_state",
    "terminated",
    "waiting_containers",
    "who",
]

FACTORS: Final = {
    "": 1.0,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
    "T": 1e12,
    "Ki": 2.0**10,
    "Mi": 2.0**20,
    "Gi": 2.0**30,
    "Ti": 2.0**40,
}
"""Suffixes of Kubernetes quantities (resource.Quantity); E and P make no sense for a pod."""

SAME_LIMIT: Final = 0.99
"""Of a limit: the kernel rounds it down to whole pages."""


def who(pod: Mapping[str, Any]) -> str:
    """Return what people call the attempt: the job, its shard if several, its attempt if later."""
    labels = pod["metadata"].get("labels") or {}
    words = [labels.get(NAME_LABEL) or pod["metadata"]["name"]]
    if labels.get(SHARDS_LABEL, "1") != "1":
        words.append(f"shard {int(labels.get(SHARD_LABEL, 0)) + 1} of {labels[SHARDS_LABEL]}")
    if labels.get(ATTEMPT_LABEL, "1") != "1":
        words.append(f"attempt {labels[ATTEMPT_LABEL]}")
    return words[0] if len(words) == 1 else f"{words[0]} ({', '.join(words[1:])})"


def step_name(pod: Mapping[str, Any]) -> str:
    """Return the name of the container that is the step."""
    named = (pod["metadata"].get("annotations") or {}).get(DEFAULT_CONTAINER_ANNOTATION)
    containers = pod["spec"].get("containers") or [{"name": "base"}]
    return str(named or containers[0]["name"])


def step_state(pod: Mapping[str, Any]) -> dict[str, Any]:
    """Return the step's container's status, empty while the kubelet has not told any."""
    name = step_name(pod)
    statuses = pod["status"].get("containerStatuses") or ()
    return next((dict(each) for each in statuses if each["name"] == name), {})


def terminated(status: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return how a container ended, None while it has not."""
    ended_state: dict[str, Any] | None = (status.get("state") or {}).get("terminated")
    return ended_state


def ended(pod: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return how the step's container ended, None while it has not."""
    return terminated(step_state(pod))


def image_digest(pod: Mapping[str, Any]) -> str:
    """Return the digest of what the step's container ran, "" while no node has said it."""
    found = re.search(r"sha256:[0-9a-f]{64}", str(step_state(pod).get("imageID") or ""))
    return found[0] if found else ""


def waiting_containers(pod: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each container that waits, with its whole status: init containers first."""
    for kind in ("initContainerStatuses", "containerStatuses"):
        for status in pod["status"].get(kind) or ():
            if "waiting" in (status.get("state") or {}):
                yield status["name"], status


def condition(pod: Mapping[str, Any], kind: str) -> dict[str, Any] | None:
    """Return the pod's condition of that type."""
    conditions = pod["status"].get("conditions") or ()
    return next((dict(each) for each in conditions if each["type"] == kind), None)


def moment(text: object) -> dt.datetime | None:
    """Return an API timestamp (RFC 3339) as a time, None for none."""
    return dt.datetime.fromisoformat(str(text)) if text else None


def memory_limit(pod: Mapping[str, Any]) -> int | None:
    """Return the bytes of memory that the step's container may use, None without a limit."""
    name = step_name(pod)
    for container in pod["spec"].get("containers") or ():
        if container["name"] == name:
            limit = ((container.get("resources") or {}).get("limits") or {}).get("memory")
            return bytes_of(limit)
    return None


def memory_limit_in_force(pod: Mapping[str, Any], result: StepResult | None) -> int | None:
    """Return the limit that the step's container really had at its last word, bytes.

    A limit that was raised where the pod runs (`pods/resize`) stands in its spec at once, and in
    the kernel when the kubelet comes to it: what was killed in between was killed at the old one.
    """
    limit = memory_limit(pod)
    measured = result.measurements.memory_limit_bytes if result is not None else None
    if limit is None or measured is None or measured >= SAME_LIMIT * limit:
        return limit
    return measured


def bytes_of(quantity: object) -> int | None:
    """Return a Kubernetes quantity as a whole number: 1Gi is 1073741824; None for none."""
    found = re.fullmatch(r"([0-9.]+(?:[eE][+-]?[0-9]+)?)([A-Za-z]*)", str(quantity or ""))
    if not found or found[2] not in FACTORS:
        return None
    return int(float(found[1]) * FACTORS[found[2]])


def millicores_of(quantity: object) -> int | None:
    """Return a quantity of CPU in thousandths of a core: 1 is 1000, 250m is 250."""
    text = str(quantity or "")
    if text.endswith("m") and text[:-1].isdigit():
        return int(text[:-1])
    try:
        return round(float(text) * 1000)
    except ValueError:
        return None


def human_bytes(number: int | None) -> str:
    """Return bytes in a unit that people read: 4 GiB, 512 MiB."""
    return "an unknown amount" if number is None else size_text(number)


def in_words(seconds: float) -> str:
    """Return a duration as people say it."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.0f} s"
