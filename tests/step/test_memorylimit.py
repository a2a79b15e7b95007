"""A container's memory limit is read from either kind of cgroup."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stationmaster.step.memorylimit import memory_limit_bytes

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("place", "text", "expected"),
    [
        ("memory.max", "268435456\n", 268435456),
        ("memory.max", "max\n", None),
        ("memory/memory.limit_in_bytes", "268435456\n", 268435456),
        ("memory/memory.limit_in_bytes", "9223372036854771712\n", None),
    ],
)
def test_both_cgroups_are_read(tmp_path: Path, place: str, text: str, expected: int | None) -> None:
    """The limit is the number of v2 or v1; each one's way to say "none" is understood."""
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="ascii")
    assert memory_limit_bytes(tmp_path) == expected


def test_no_cgroup_is_no_limit(tmp_path: Path) -> None:
    """A machine without cgroups has no limit to name."""
    assert memory_limit_bytes(tmp_path) is None
