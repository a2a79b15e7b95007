"""What the requests of one dashboard share."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stationmaster.monitor.dashboard.links import Links
from stationmaster.monitor.dashboard.reading.expectations import Expectations
from stationmaster.monitor.dashboard.runbooks import Runbooks
from stationmaster.monitor.incidents.planning import TellNobody

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi.templating import Jinja2Templates
    from starlette.requests import Request

    from stationmaster.monitor.dashboard.access.doors import Door
    from stationmaster.monitor.dashboard.access.forms import Forms
    from stationmaster.monitor.dashboard.access.oidc import OidcLogin
    from stationmaster.monitor.dashboard.access.sessions import Sessions
    from stationmaster.monitor.dashboard.live import Live
    from stationmaster.monitor.dashboard.reading.source import Source
    from stationmaster.monitor.dashboard.settings import DashboardSettings
    from stationmaster.monitor.incidents.planning import Plan

__all__ = ["Dashboard", "dashboard_of"]


@dataclass
class Dashboard:
    """Hold one dashboard.

    Args:
        settings: How it is reached.
        source: The ledger.
        door: How people prove who they are.
        sessions: Who is logged in.
        forms: Which forms are ours.
        live: Tells open pages what changed.
        templates: The pages.
        expectations: What people expect.
        oidc: The company's login, where it is in use.
        links: To Airflow.
        runbooks: A page a check.
        sample: What is shown is made up: a sentence that says so.
        plan: Who is told of what people do.
        reread: Takes up the file of expectations where it is another one.
    """

    settings: DashboardSettings
    source: Source
    door: Door
    sessions: Sessions
    forms: Forms
    live: Live
    templates: Jinja2Templates
    expectations: Expectations = field(default_factory=Expectations)
    oidc: OidcLogin | None = None
    links: Links = field(default_factory=Links)
    runbooks: Runbooks = field(default_factory=Runbooks)
    sample: str = ""
    plan: Plan = field(default_factory=TellNobody)
    reread: Callable[[Dashboard], None] | None = None

    @property
    def silent_after(self) -> dt.timedelta:
        """Return when a watcher that has not looked is called silent."""
        return dt.timedelta(seconds=self.settings.silent_after_seconds)


def dashboard_of(request: Request) -> Dashboard:
    """Return the dashboard that a request came to."""
    found: Dashboard = request.app.state.dashboard
    if found.reread is not None:
        found.reread(found)
    return found
