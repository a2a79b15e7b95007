"""Sizes a step can ask for: each twice the one before."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Final

from stationmaster.step.errors import MisconfiguredError

__all__ = ["RESOURCES", "Resources", "Size", "resources_of"]


class Size(StrEnum):
    """Name a step's size, from smallest to largest."""

    XS = "xs"
    S = "s"
    M = "m"
    L = "l"
    XL = "xl"


@dataclass(frozen=True)
class Resources:
    """Hold what a pod of a size asks for, as Kubernetes quantities."""

    cpu: str
    memory: str


RESOURCES: Final[dict[Size, Resources]] = {
    Size.XS: Resources(cpu="250m", memory="1Gi"),
    Size.S: Resources(cpu="500m", memory="2Gi"),
    Size.M: Resources(cpu="1", memory="4Gi"),
    Size.L: Resources(cpu="2", memory="8Gi"),
    Size.XL: Resources(cpu="4", memory="16Gi"),
}
"""CPU is a request only, so that a step uses what is idle; memory is request and limit."""


def resources_of(size: str) -> Resources:
    """Return the resources of a size.

    Raises:
        MisconfiguredError: There is no such size.
    """
    try:
        return RESOURCES[Size(size)]
    except ValueError:
        near = get_close_matches(str(size).lower(), list(Size), n=1)
        raise MisconfiguredError(
            where="size",
            expected=f"one of {', '.join(Size)}",
            got=repr(size),
            hint=f"Write {near[0]!r}." if near else "Take the smallest that the step fits in.",
        ) from None
