"""What single processes use: the launcher, the scheduler beside it, and the cluster's own parts."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psutil

from tests.cluster.nodes import container_process, family, on_node
from tests.cluster.place import ROOT

if TYPE_CHECKING:
    from tests.cluster.nodes import Process
    from tests.cluster.place import Place

__all__ = ["LauncherFigures", "Usage", "Use"]

LAUNCHER = "stationmaster.airflow.launcher"
MARK = "Launcher figures: "
FIGURES_PATIENCE_SECONDS = 100.0
CONTROL_PLANE = ("kube-apiserver", "etcd", "kube-scheduler", "kube-controller")
"""Commands as the kernel has them: 15 characters."""

TICKS = 100
"""Of /proc/<pid>/stat in a second; fixed in Linux' interface (USER_HZ)."""


@dataclass(frozen=True)
class Use:
    """Hold what was used so far: CPU seconds by part, and the launcher's memory now."""

    at: float
    cpu: dict[str, float]
    resident_mib: float

    def cores_since(self, before: Use) -> dict[str, float]:
        """Return CPU seconds a second by part since then."""
        seconds = self.at - before.at
        return {name: round((each - before.cpu[name]) / seconds, 3) for name, each in self.items()}

    def items(self) -> list[tuple[str, float]]:
        """Return the parts with their CPU seconds."""
        return list(self.cpu.items())


class Usage:
    """Read the use of the scheduler's processes, the control plane's, and KWOK's."""

    def __init__(self, place: Place) -> None:
        self._pod = place.component("scheduler")[0]
        self._scheduler = container_process(self._pod, "scheduler")
        launchers = [each for each in family(self._scheduler) if LAUNCHER in each.command]
        if not launchers:
            message = f"expected a launcher below {self._scheduler}, found none"
            raise RuntimeError(message)
        self._launcher = launchers[0]
        self._control_plane = next(
            str(node["metadata"]["name"])
            for node in place.get("nodes")["items"]
            if "node-role.kubernetes.io/control-plane" in node["metadata"]["labels"]
        )

    def read(self) -> Use:
        """Return what was used until now."""
        both = {"scheduler": self._scheduler, "launcher": self._launcher}
        cpu = {name: _cpu_seconds(process) for name, process in both.items()}
        cpu |= self._of_control_plane()
        cpu["kwok"] = _kwok_seconds()
        return Use(time.monotonic(), cpu, _resident_mib(self._launcher))

    def _of_control_plane(self) -> dict[str, float]:
        used = dict.fromkeys(CONTROL_PLANE, 0.0)
        for line in on_node(self._control_plane, "ps", "-eo", "cputimes,comm").splitlines()[1:]:
            seconds, command = line.split(None, 1)
            if command.strip() in used:
                used[command.strip()] += float(seconds)
        return used


class LauncherFigures:
    """Read what the launcher writes of itself into its log each half minute."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._pod = str(place.component("scheduler")[0]["metadata"]["name"])

    def last(self) -> dict[str, Any]:
        """Return the last figures, empty ones where there are none yet."""
        place = self._place
        text = place.kubectl("logs", "-n", place.namespace, self._pod, "-c", "scheduler")
        lines = [line for line in text.splitlines() if MARK in line]
        empty = {"steps": 0, "requests": {}}
        if not lines:
            return empty
        _, _, rest = lines[-1].partition(MARK)
        found: dict[str, Any] = json.JSONDecoder().raw_decode(rest)[0]
        return found

    def settled(self) -> dict[str, Any]:
        """Return the figures once the launcher has no step in hand any more."""
        until = time.monotonic() + FIGURES_PATIENCE_SECONDS
        while (figures := self.last())["steps"] and time.monotonic() < until:
            time.sleep(5)
        return figures


def _cpu_seconds(process: Process) -> float:
    """Return the CPU seconds of a process with the children that it has waited for."""
    text = on_node(process.node, "cat", f"/proc/{process.pid}/stat")
    fields = text.rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS


def _resident_mib(process: Process) -> float:
    text = on_node(process.node, "grep", "VmRSS", f"/proc/{process.pid}/status")
    return round(int(text.split()[1]) / 1024, 1)


def _kwok_seconds() -> float:
    file = ROOT / "build" / "kind" / "kwok.pid"
    if not file.is_file():
        return 0.0
    times = psutil.Process(int(file.read_text(encoding="utf-8"))).cpu_times()
    return float(times.user + times.system)
