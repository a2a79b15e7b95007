"""What the kernel counts for the step's container: working set, time held back, kills for memory.

Only where the container is the step's own: on a laptop, and in a container that runs other
things too, the same files tell of those as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ContainerUse"]

CGROUP_FOLDER: Final = Path("/sys/fs/cgroup")
MICROSECONDS: Final = 1e-6
NANOSECONDS: Final = 1e-9


@dataclass(frozen=True)
class ContainerUse:
    """Read the files of one cgroup, of version 2 or 1.

    Args:
        usage: All memory that the kernel counts for the container, in bytes.
        memory_stat: Its parts.
        inactive: Name in it of the page cache that the kernel gives back first.
        cpu_stat: How often and how long the container was held back.
        throttled: Name in it of that time.
        unit_seconds: Of that time.
        processes: The container's processes.
        memory_events: Counts, as `oom_kill`, the processes that were killed for memory.
    """

    usage: Path
    memory_stat: Path
    inactive: str
    cpu_stat: Path
    throttled: str
    unit_seconds: float
    processes: Path
    memory_events: Path

    @classmethod
    def in_folder(cls, folder: Path = CGROUP_FOLDER) -> Self | None:
        """Return the reader for what is mounted there, None where it is neither version.

        Sources: docs.kernel.org/admin-guide/cgroup-v2.html, …/cgroup-v1/memory.html.
        """
        if (folder / "memory.current").exists():
            return cls(
                usage=folder / "memory.current",
                memory_stat=folder / "memory.stat",
                inactive="inactive_file",
                cpu_stat=folder / "cpu.stat",
                throttled="throttled_usec",
                unit_seconds=MICROSECONDS,
                processes=folder / "cgroup.procs",
                memory_events=folder / "memory.events",
            )
        memory = folder / "memory"
        if not (memory / "memory.usage_in_bytes").exists():
            return None
        return cls(
            usage=memory / "memory.usage_in_bytes",
            memory_stat=memory / "memory.stat",
            inactive="total_inactive_file",
            cpu_stat=folder / "cpu" / "cpu.stat",
            throttled="throttled_time",
            unit_seconds=NANOSECONDS,
            processes=memory / "cgroup.procs",
            memory_events=memory / "memory.oom_control",
        )

    def is_own(self, family: Callable[[], set[int]] | None = None) -> bool:
        """Tell whether nobody but the step's processes, and those that started it, is in it."""
        found = set(_numbers(self.processes))
        return bool(found) and found <= (family or _family)()

    def working_set_bytes(self) -> int | None:
        """Return what the kubelet calls so: all memory less the inactive page cache."""
        try:
            used = int(self.usage.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None
        inactive = _field(self.memory_stat, self.inactive)
        return None if inactive is None else max(0, used - inactive)

    def throttled_seconds(self) -> float | None:
        """Return how long threads waited for the CPU limit, summed over CPUs."""
        told = _field(self.cpu_stat, self.throttled)
        return None if told is None else told * self.unit_seconds

    def oom_kills(self) -> int | None:
        """Return how many of the container's processes the kernel killed for memory so far."""
        return _field(self.memory_events, "oom_kill")


def _family() -> set[int]:
    """Return this process, who started it and whom it started: the log's carrier too."""
    process = psutil.Process()
    family = [process, *process.parents(), *process.children(recursive=True)]
    return {each.pid for each in family}


def _numbers(path: Path) -> list[int]:
    try:
        return [int(line) for line in path.read_text(encoding="ascii").split()]
    except (OSError, ValueError):
        return []


def _field(path: Path, name: str) -> int | None:
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        return None
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        if key == name and value.isdigit():
            return int(value)
    return None
