"""The memory that the container may use, as its cgroup says."""

from __future__ import annotations

from pathlib import Path
from typing import Final

__all__ = ["memory_limit_bytes"]

CGROUP_FOLDER: Final = Path("/sys/fs/cgroup")
PLACES: Final = ("memory.max", "memory/memory.limit_in_bytes")
"""Of cgroup v2 and v1
(https://docs.kernel.org/admin-guide/cgroup-v2.html, …/cgroup-v1/memory.html)."""

NO_LIMIT_BYTES: Final = 1 << 50
"""v1 says "no limit" by a number close to 2^63; v2 by the word `max`."""


def memory_limit_bytes(folder: Path = CGROUP_FOLDER) -> int | None:
    """Return the limit in bytes; None where there is none, or none that can be read."""
    for place in PLACES:
        try:
            text = (folder / place).read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if not text.isdigit():
            return None
        limit = int(text)
        return limit if limit < NO_LIMIT_BYTES else None
    return None
