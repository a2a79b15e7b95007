"""Raise a step's memory limit where it runs, before the kernel kills it.

Kubernetes resizes a container in place from 1.35 on (`pods/resize`; KEP 1287). Who asks for it is
the step: its pod stops being ready when memory gets short (`stationmaster.step.memorysignal`).
Where the node has no room, or memory grows faster than the limit, the step is killed, and its next
attempt is a bigger one, as without any of this.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.life.apierrors import ClusterError
from stationmaster.airflow.life.findings import Verdict
from stationmaster.airflow.life.podfacts import (
    bytes_of,
    condition,
    human_bytes,
    memory_limit,
    moment,
    step_name,
    step_state,
    who,
)
from stationmaster.step.protocol import MEMORY_PORT_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stationmaster.airflow.life.budgets import Budgets
    from stationmaster.airflow.life.platform import Platform

__all__ = ["MEMORY_PORT", "Growing", "let_grow"]

MEMORY_PORT: Final = 17171

CONFIRM_SECONDS: Final = 1.2
"""A step that ends stops answering as well, up to a second before its kubelet tells of the end."""

log = logging.getLogger(__name__)


def let_grow(container: dict[str, Any]) -> None:
    """Add to a step's container, as API JSON, what lets its memory grow where it runs.

    A container with a probe of its own keeps that, and does not grow.
    """
    if "readinessProbe" in container:
        return
    container["readinessProbe"] = {
        "tcpSocket": {"port": MEMORY_PORT},
        "periodSeconds": 1,
        "failureThreshold": 1,
    }
    container["resizePolicy"] = [{"resourceName": "memory", "restartPolicy": "NotRequired"}]
    variable = {"name": MEMORY_PORT_VARIABLE, "value": str(MEMORY_PORT)}
    container["env"] = [*(container.get("env") or []), variable]


class Growing:
    """Watch one attempt's pod for the wish for memory, and grant it within the budgets."""

    def __init__(self, platform: Platform, budgets: Budgets) -> None:
        self._platform = platform
        self._budgets = budgets
        self._least: int | None = None
        self._asked = self._granted = ""
        self._asked_seen = 0.0
        self._refusal_told = False

    async def look(self, pod: Mapping[str, Any]) -> float | None:
        """Raise the limit if the pod asks for it; whatever fails leaves it as it is.

        Returns the seconds after which to look again, None: when the pod has changed.
        """
        limit = memory_limit(pod)
        if limit is None or "running" not in (step_state(pod).get("state") or {}):
            return None
        self._least = self._least or limit
        self._tell_refusal(pod)
        asked_at = _short_since(pod)
        if asked_at is None or asked_at == self._granted or not _settled(pod, limit):
            return None
        wanted = self._budgets.more_memory(limit)
        if wanted is None or wanted > self._most():
            return None
        if (left := self._unconfirmed(asked_at)) > 0:
            return left
        self._granted = asked_at
        await self._raise(pod, limit, wanted)
        return None

    def _unconfirmed(self, asked_at: str) -> float:
        """Return for how long a wish must still stand, seconds."""
        now = time.monotonic()
        if asked_at != self._asked:
            self._asked, self._asked_seen = asked_at, now
        return self._asked_seen + CONFIRM_SECONDS - now

    def _most(self) -> float:
        enlargements = self._budgets.again.get(Verdict.OUT_OF_MEMORY, 0)
        return (self._least or 0) * self._budgets.memory_factor**enlargements

    async def _raise(self, pod: Mapping[str, Any], limit: int, wanted: int) -> None:
        metadata = pod["metadata"]
        container = {
            "name": step_name(pod),
            "resources": {kind: {"memory": str(wanted)} for kind in ("requests", "limits")},
        }
        patch = {"metadata": {"uid": metadata["uid"]}, "spec": {"containers": [container]}}
        try:
            await self._platform.cluster.resize_pod(metadata["namespace"], metadata["name"], patch)
        except ClusterError as error:
            log.warning("Pod %s does not grow: %s", metadata["name"], error)
            self._platform.say(f"{who(pod)} gets short of memory and cannot grow: {error}")
            return
        self._platform.say(
            f"{who(pod)} gets short of its {human_bytes(limit)}: it is given "
            f"{human_bytes(wanted)} where it runs."
        )

    def _tell_refusal(self, pod: Mapping[str, Any]) -> None:
        pending = condition(pod, "PodResizePending")
        if pending is None or pending.get("status") != "True" or self._refusal_told:
            return
        self._refusal_told = True
        why = pending.get("message") or pending.get("reason") or "no reason given"
        node = pod["spec"].get("nodeName")
        self._platform.say(f"{who(pod)} does not grow on {node}: {why}")


def _short_since(pod: Mapping[str, Any]) -> str | None:
    """Return when the step's memory got short, None while it is not.

    Until the step's runner answers for the first time the pod is not ready either, since before
    its container started.
    """
    ready = condition(pod, "Ready")
    started = moment(step_state(pod)["state"]["running"].get("startedAt"))
    if ready is None or ready.get("status") != "False" or started is None:
        return None
    text = str(ready.get("lastTransitionTime") or "")
    since = moment(text)
    return text if since is not None and since > started else None


def _settled(pod: Mapping[str, Any], limit: int) -> bool:
    """Tell whether the container has the limit that was asked for last."""
    actual = ((step_state(pod).get("resources") or {}).get("limits") or {}).get("memory")
    return actual is None or bytes_of(actual) == limit
