"""Pods as a real cluster left them, one for each end or wait that it could be brought to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

__all__ = ["recorded"]

PODS = Path(__file__).parent / "pods"


def recorded(name: str, *, before_we_deleted_it: bool = False) -> dict[str, Any]:
    """Return a pod as a real cluster left it, or as it was while it waited in vain."""
    pod: dict[str, Any] = json.loads((PODS / f"{name}.json").read_text(encoding="utf-8"))
    if before_we_deleted_it:
        for field in ("deletionTimestamp", "deletionGracePeriodSeconds"):
            pod["metadata"].pop(field, None)
    return pod
