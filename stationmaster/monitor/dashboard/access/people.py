"""Who somebody is, and what he may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stationmaster.monitor.incidents.operators import Operator, Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["NotLoggedInError", "Person", "role_of"]


class NotLoggedInError(Exception):
    """Nobody is logged in, or the session is over."""


@dataclass(frozen=True)
class Person:
    """Hold who is logged in.

    Args:
        name: As the login tells it; what is written down of an action.
        role: What he may do.
        via: Which login told it.
    """

    name: str
    role: Role
    via: str

    @property
    def may_act(self) -> bool:
        """Return whether he may do more than read."""
        return self.role is Role.OPERATOR

    @property
    def operator(self) -> Operator:
        """Return him as incidents know people."""
        return Operator(name=self.name, role=self.role, via=f"dashboard ({self.via})")


def role_of(
    groups: Iterable[str], *, viewers: Sequence[str], operators: Sequence[str]
) -> Role | None:
    """Return the role that somebody's groups give him; None: he may not look.

    Args:
        groups: His groups.
        viewers: Groups that may look; `*`: everybody who can log in.
        operators: Groups that may act.
    """
    mine = set(groups)
    if mine & set(operators):
        return Role.OPERATOR
    if "*" in viewers or mine & set(viewers):
        return Role.VIEWER
    return None
