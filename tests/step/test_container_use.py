"""What the kernel says of the step's container, by either version of its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stationmaster.step.containeruse import ContainerUse
from stationmaster.step.meter import Meter

if TYPE_CHECKING:
    from pathlib import Path

V2 = {
    "memory.current": "1000\n",
    "memory.stat": "anon 600\ninactive_file 300\nactive_file 100\n",
    "cpu.stat": "usage_usec 5\nnr_throttled 2\nthrottled_usec 2500000\n",
    "cgroup.procs": "1\n7\n",
    "memory.events": "low 0\noom 2\noom_kill 1\noom_group_kill 0\n",
}
V1 = {
    "memory/memory.usage_in_bytes": "1000\n",
    "memory/memory.stat": "inactive_file 1\ntotal_inactive_file 300\n",
    "memory/cgroup.procs": "1\n7\n",
    "memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
    "cpu/cpu.stat": "nr_periods 4\nthrottled_time 2500000000\n",
}


def cgroup(folder: Path, files: dict[str, str]) -> ContainerUse:
    """Write a cgroup's files and return their reader."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="ascii")
    found = ContainerUse.in_folder(folder)
    assert found is not None
    return found


@pytest.mark.parametrize("files", [V1, V2], ids=["v1", "v2"])
def test_both_versions_say_the_same(tmp_path: Path, files: dict[str, str]) -> None:
    """Working set is usage less inactive page cache; throttling is in seconds; kills count."""
    use = cgroup(tmp_path, files)

    assert use.working_set_bytes() == 700
    assert use.throttled_seconds() == 2.5
    assert use.oom_kills() == 1


@pytest.mark.parametrize("files", [V1, V2], ids=["v1", "v2"])
def test_a_shared_container_is_not_the_steps_own(tmp_path: Path, files: dict[str, str]) -> None:
    """One process that is no relative, and nothing is measured."""
    use = cgroup(tmp_path, files)

    assert use.is_own(lambda: {1, 7, 9})
    assert not use.is_own(lambda: {7, 9})


def test_files_that_say_nothing_measure_nothing(tmp_path: Path) -> None:
    """A kernel that leaves a value out, or another system, gives no number instead of a wrong."""
    use = cgroup(tmp_path, {**V2, "memory.stat": "anon 1\n", "cpu.stat": ""})

    assert ContainerUse.in_folder(tmp_path / "nothing") is None
    assert (use.working_set_bytes(), use.throttled_seconds()) == (None, None)
    (tmp_path / "memory.events").unlink()
    assert use.oom_kills() is None


def test_the_meter_tells_only_of_its_own_container() -> None:
    """Where processes of others are in the container, both measurements are unknown."""
    found = ContainerUse.in_folder()
    own = found is not None and found.is_own()
    with Meter() as meter:
        pass

    assert (meter.measurements().peak_working_set_bytes is not None) == own
