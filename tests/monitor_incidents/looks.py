"""Looks into a store, as the watcher takes them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from stationmaster.monitor.incidents.leasing import take_lease
from tests.monitor_incidents.situations import LATE, LINEAGE, MINUTE, NOW, a_look

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stationmaster.monitor.checks.check import Check
    from stationmaster.monitor.checks.finding import Finding
    from stationmaster.monitor.incidents.events import Event
    from stationmaster.monitor.incidents.store import IncidentStore

__all__ = ["hold_lease", "look_into"]


def hold_lease(store: IncidentStore, holder: str = "one", now: dt.datetime = NOW) -> str:
    """Take the lease for a day; return who has it."""
    length = dt.timedelta(days=1)
    return take_lease(store.engine, holder, now=now, length=length, about={}).holder


def look_into(
    store: IncidentStore,
    *findings: Finding,
    minute: float = 0,
    checks: Sequence[Check] = (LATE,),
    unknown: Sequence[str] = (),
    holder: str = "one",
) -> list[Event]:
    """Take a look some minutes after `NOW`; return what happened."""
    hold_lease(store, holder)
    look = a_look(*findings, at=NOW + minute * MINUTE, checks=checks, unknown=unknown)
    known = {each.name: each for each in checks}
    _, events = store.take_look(look, LINEAGE, known, holder=holder, now=NOW)
    return events
