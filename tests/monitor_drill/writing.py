"""How one fault of the simulated company is written down: a line of what must be found."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from tests.monitor_drill.judging import Expected
from tests.monitor_drill.scene import Course, Fault, Scene

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["fault"]

TUESDAY: Final = dt.date(2011, 11, 15)
"""An ordinary one."""


def fault(  # noqa: PLR0913 (one column each)
    name: str,
    inject: Callable[[Scene], Course],
    check: str,
    subject: str,
    *,
    layer: str = "pipeline",
    minutes: float = 5,
    says: tuple[str, ...] = (),
    does: tuple[str, ...] = (),
    beside: tuple[str, ...] = (),
    day: dt.date = TUESDAY,
) -> Fault:
    """Return a fault.

    Args:
        name: As the record names it.
        inject: Breaks it.
        check: Which check opens the incident; several by " or ".
        subject: Of the incident; * and ? as in files.
        layer: Of the incident.
        minutes: Within so many it must be told.
        says: Each must be in what or next action.
        does: Each must be in the next action.
        beside: Checks or subjects of what is off as well.
        day: The calendar day of it.
    """
    return Fault(
        name=name,
        inject=inject,
        day=day,
        expected=Expected(
            check=tuple(check.split(" or ")),
            subject=subject,
            layer=layer,
            within=dt.timedelta(minutes=minutes),
            says=says,
            does=does,
            beside=beside,
        ),
    )
