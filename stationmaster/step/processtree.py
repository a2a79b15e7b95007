"""Ask the kernel what a tree of processes uses right now."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

__all__ = ["TreeUse", "leave_out", "own_memory_bytes", "process_age_seconds", "tree_use"]

_PROC: Final = Path("/proc")
_KIB: Final = 1024
_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")
_LEFT_OUT: Final[set[int]] = set()
"""Processes beside the step that are not its own work."""


@dataclass(frozen=True)
class TreeUse:
    """Hold what a process and all its descendants use at one moment."""

    processes: int
    memory_bytes: int
    """Anonymous and shared memory; pages of files (page cache, libraries) are not in it."""
    cpu_seconds: float
    """User and system time, children that ended and were waited for included."""


def tree_use(pid: int) -> TreeUse:
    """Return what a process and its descendants use; what ends meanwhile counts nothing."""
    pids = _descendants(pid)
    memory = 0
    cpu = 0.0
    for one in pids:
        # A process may end between being listed and being read.
        with contextlib.suppress(OSError, psutil.Error, ValueError):
            memory += _memory(one, alone=len(pids) == 1)
            cpu += _cpu_seconds(one)
    return TreeUse(processes=len(pids), memory_bytes=memory, cpu_seconds=cpu)


def own_memory_bytes() -> int | None:
    """Return this process's anonymous memory, read the cheapest way; None where it is not told.

    Shared memory is not in it: the kernel counts that with the pages of files here
    (docs.kernel.org/filesystems/proc.html, statm). A tenth of what `tree_use` costs.
    """
    try:
        descriptor = os.open("/proc/self/statm", os.O_RDONLY)
    except OSError:
        return None
    try:
        _, resident, of_files, *_ = os.read(descriptor, 128).split()
    finally:
        os.close(descriptor)
    return (int(resident) - int(of_files)) * _PAGE_BYTES


def leave_out(pid: int) -> None:
    """Count neither this process nor what it starts: it carries the step's log."""
    _LEFT_OUT.add(pid)


def process_age_seconds() -> float:
    """Return how long ago this process was started."""
    stat = _PROC / "self" / "stat"
    if not stat.exists():
        return max(0.0, time.time() - psutil.Process().create_time())
    # Field 22 counts from boot; psutil adds a boot time that is rounded to a whole second.
    ticks = int(stat.read_text(errors="replace").rpartition(")")[2].split()[19])
    started = ticks / _TICKS_A_SECOND
    return max(0.0, time.clock_gettime(time.CLOCK_BOOTTIME) - started)


def _descendants(pid: int) -> list[int]:
    """List a process and its descendants.

    Linux tells each thread's children in one small file; asking psutil instead reads all of
    /proc, which costs a hundred times as much.
    """
    if not (_PROC / str(pid) / "task" / str(pid) / "children").exists():
        with contextlib.suppress(psutil.Error):
            return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
        return [pid]
    found = [pid]
    for one in found:  # grows while it is walked
        for children in (_PROC / str(one) / "task").glob("*/children"):
            with contextlib.suppress(OSError):
                pids = {int(child) for child in children.read_text().split()}
                found.extend(sorted(pids - _LEFT_OUT))
    return found


def _memory(pid: int, *, alone: bool) -> int:
    """Return memory that only the step's processes hold, in bytes.

    In a tree, pages shared by forked processes are shared out between them (PSS), or a step
    with eight forked workers would count its data nine times. That costs the kernel a walk
    over the page tables: a process without children is read the cheap way.
    """
    if not alone:
        with contextlib.suppress(OSError):
            fields = _fields(_PROC / str(pid) / "smaps_rollup")
            if "Pss_Anon" in fields:
                return (fields["Pss_Anon"] + fields.get("Pss_Shmem", 0)) * _KIB
    if (_PROC / str(pid)).exists():
        fields = _fields(_PROC / str(pid) / "status")
        if "RssAnon" in fields:
            return (fields["RssAnon"] + fields.get("RssShmem", 0)) * _KIB
    return int(psutil.Process(pid).memory_info().rss)


def _fields(path: Path) -> dict[str, int]:
    """Read `Name:   123 kB` lines."""
    found: dict[str, int] = {}
    for line in path.read_text(errors="replace").splitlines():
        name, _, rest = line.partition(":")
        words = rest.split()
        if len(words) == 2 and words[1] == "kB":  # noqa: PLR2004 (a number and its unit)
            found[name] = int(words[0])
    return found


def _cpu_seconds(pid: int) -> float:
    if pid == os.getpid():
        return sum(os.times()[:4])
    stat = _PROC / str(pid) / "stat"
    if not stat.exists():
        return sum(psutil.Process(pid).cpu_times()[:4])
    # Fields 14 to 17 of proc(5), by one read: user, system, and the same of children waited for.
    ticks = stat.read_text(errors="replace").rpartition(")")[2].split()[11:15]
    return sum(map(int, ticks)) / _TICKS_A_SECOND
