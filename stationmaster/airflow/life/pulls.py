"""When a pod's image was on its node, from the pod's events; pure functions.

Nothing in a pod's status says it. The kubelet's event `Pulled` does: in whole seconds, with how
long the pull took in its message (`pkg/kubelet/images/image_manager.go`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.life.podfacts import moment

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

__all__ = ["Pull", "pull_of"]

PULLED: Final = "Pulled"
OWN_CONTAINER: Final = "spec.containers{base}"
"""The container that is the step, as an event names it."""

PRESENT: Final = "already present on machine"
PULL_TIME: Final = re.compile(r"pulled image .* in (\S+)(?: \((\S+) including waiting\))?")
DURATION: Final = re.compile(r"([0-9.]+)(h|ms|m|s|µs|us|ns)")
SECONDS: Final = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "µs": 1e-6, "us": 1e-6, "ns": 1e-9}


@dataclass(frozen=True)
class Pull:
    """Say when an image was there."""

    pulled_at: dt.datetime
    was_present: bool
    """The node had it already."""
    seconds: float | None
    """How long the pull took, waiting for other pulls included; None where none was needed."""


def pull_of(events: Iterable[Mapping[str, Any]]) -> Pull | None:
    """Return the pull of the step's own image, None where no event tells of it."""
    told = [each for each in events if each.get("reason") == PULLED]
    own = [each for each in told if each["involvedObject"].get("fieldPath") == OWN_CONTAINER]
    for event in reversed(own or told):
        when = moment(event.get("lastTimestamp") or event.get("eventTime"))
        if when is not None:
            message = str(event.get("message") or "")
            return Pull(when, was_present=PRESENT in message, seconds=_seconds(message))
    return None


def _seconds(message: str) -> float | None:
    """Return the duration in the kubelet's words, as Go writes it: 1m2.5s, 824ms."""
    found = PULL_TIME.search(message)
    if found is None:
        return None
    parts = DURATION.findall(found[2] or found[1])
    return sum(float(number) * SECONDS[unit] for number, unit in parts) if parts else None
