"""The command `stationmaster watch` as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["watch_command"]


def watch_command(home: Path, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """Start it in a folder, looking every five seconds; what it says comes on its standard error.

    Args:
        home: Where it runs and keeps what it has.
        environment: More settings than its home.
    """
    program = Path(sys.executable).with_name("stationmaster")
    return subprocess.Popen(
        [str(program), "watch", "--every", "5s"],
        env={"STATIONMASTER_HOME": str(home), "PATH": "/usr/bin:/bin", **environment},
        cwd=home,
        stderr=subprocess.PIPE,
        text=True,
    )
