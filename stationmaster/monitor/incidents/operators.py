"""People, and what each may do to incidents."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from enum import StrEnum

from stationmaster.step.errors import MisconfiguredError

__all__ = ["Action", "NotAllowedError", "Operator", "Role", "UnknownIncidentError", "login_name"]


class Role(StrEnum):
    """Tell what somebody may do."""

    VIEWER = "viewer"
    """Read."""
    OPERATOR = "operator"
    """Read, and act."""


class Action(StrEnum):
    """Name what people do; each is written into `operator_action`, refused ones too."""

    ACKNOWLEDGE = "acknowledge"
    SILENCE = "silence"
    UNSILENCE = "unsilence"
    COMMENT = "comment"
    JUDGE = "judge"
    CLOSE = "close"
    RETRY = "retry"
    """Send again what was given up."""
    TEST = "test"
    """Send a try through a channel."""
    LOG_OUT = "log-out"
    """End all of somebody's sessions."""


@dataclass(frozen=True, kw_only=True)
class Operator:
    """Name somebody who acts.

    Args:
        name: As his login names him.
        role: What he may do.
        via: Where he does it: cli, dashboard, airflow.
    """

    name: str
    role: Role
    via: str


def login_name() -> str:
    """Return who types here, as the machine knows him; in a container that may be a number only."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


class NotAllowedError(MisconfiguredError):
    """Raised when somebody's role does not allow what he asks for; it has been written down."""


class UnknownIncidentError(MisconfiguredError):
    """Raised when there is no incident, silence or notification of that number."""
