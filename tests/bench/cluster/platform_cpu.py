"""CPU seconds that the platform's containers have used, read from their control groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.cluster.nodes import container_process, on_node

if TYPE_CHECKING:
    from tests.cluster.place import Place

__all__ = ["COMPONENTS", "PlatformCpu"]

COMPONENTS = ("scheduler", "triggerer", "api-server", "dag-processor", "postgres")
NANOSECONDS = 1e9
READ = (
    "g=$(sed -n 's/^[0-9]*:[^:]*cpuacct[^:]*://p' /proc/{pid}/cgroup);"
    ' if [ -n "$g" ]; then cat /sys/fs/cgroup/cpu,cpuacct$g/cpuacct.usage'
    " 2>/dev/null || cat /sys/fs/cgroup/cpuacct$g/cpuacct.usage;"
    " else g=$(sed -n 's/^0:://p' /proc/{pid}/cgroup);"
    " awk '/usage_usec/ {{print $2 \"000\"}}' /sys/fs/cgroup$g/cpu.stat; fi"
)
"""Version 1 counts nanoseconds in a file of its own, version 2 microseconds in cpu.stat."""


@dataclass(frozen=True)
class _Container:
    component: str
    node: str
    pid: int


class PlatformCpu:
    """Read what each part of the platform has used so far; children that ended are included."""

    def __init__(self, place: Place) -> None:
        self._containers = [
            _of(component, pod) for component in COMPONENTS for pod in place.component(component)
        ]

    def read(self) -> dict[str, float]:
        """Return CPU seconds by part, over all its replicas."""
        used = dict.fromkeys(COMPONENTS, 0.0)
        for each in self._containers:
            text = on_node(each.node, "sh", "-c", READ.format(pid=each.pid))
            used[each.component] += int(text.split()[0]) / NANOSECONDS
        return used

    @staticmethod
    def between(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
        """Return what was used in between, and the sum."""
        used = {name: round(after[name] - before[name], 2) for name in before}
        return {**used, "sum": round(sum(used.values()), 2)}


def _of(component: str, pod: dict[str, Any]) -> _Container:
    process = container_process(pod, component)
    return _Container(component, process.node, process.pid)
