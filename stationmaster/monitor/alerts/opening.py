"""Open what alerts need, from the settings and the file of expectations."""

from __future__ import annotations

import logging
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from stationmaster.ledger.opening import answering
from stationmaster.monitor.alerts.alertmanager import AlertmanagerChannel
from stationmaster.monitor.alerts.apprisechannel import AppriseChannel
from stationmaster.monitor.alerts.channels import FileChannel, LogChannel
from stationmaster.monitor.alerts.plan import AlertPlan
from stationmaster.monitor.alerts.routing import LOG_CHANNEL
from stationmaster.monitor.incidents.planning import TellNobody
from stationmaster.monitor.incidents.store import IncidentStore
from stationmaster.monitor.monitoringfile import find_monitoring
from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.monitor.alerts.channels import Delivers
    from stationmaster.monitor.alerts.routing import Alerting, Channel
    from stationmaster.monitor.incidents.planning import Plan
    from stationmaster.monitor.monitoring import Monitoring

__all__ = ["alert_plan", "opened_store", "plan_of", "ready_channels"]

log = logging.getLogger(__name__)

PUBLIC_URL = "STATIONMASTER_DASHBOARD_PUBLIC_URL"


def alert_plan(settings: Settings) -> AlertPlan:
    """Return who is told of what, here.

    Raises:
        MisconfiguredError: The file of expectations cannot be used.
    """
    return plan_of(find_monitoring(settings, settings.monitoring_file), settings)


def plan_of(monitoring: Monitoring, settings: Settings) -> AlertPlan:
    """Return who is told of what by a file of expectations."""
    return AlertPlan(monitoring.alerts, settings.zone, public_url=os.environ.get(PUBLIC_URL, ""))


def ready_channels(alerting: Alerting, settings: Settings) -> dict[str, Delivers]:
    """Return the channels by name; the log is always one."""
    found: dict[str, Delivers] = {LOG_CHANNEL: LogChannel()}
    for name, channel in alerting.channels.items():
        found[name] = _channel(name, channel, settings)
    return found


@contextmanager
def opened_store(settings: Settings | None = None) -> Iterator[IncidentStore]:
    """Open the incidents of the ledger that the settings name, with who is told of what.

    A file of expectations that cannot be used keeps nobody from reading incidents, nor from acting
    on one; that nobody is told of the act is logged.

    Raises:
        TemporaryError: The database does not let us in, or does not answer.
    """
    known = settings or Settings()
    plan: Plan = TellNobody()
    try:
        plan = alert_plan(known)
    except MisconfiguredError as error:
        log.warning("Nobody is told of what you do here, and routes are unknown: %s", error)
    store = IncidentStore.open(known.ledger_location, plan)
    try:
        with answering(store.name):
            yield store
    finally:
        store.close()


def _channel(name: str, channel: Channel, settings: Settings) -> Delivers:
    if channel.kind == "apprise":
        return AppriseChannel(channel, settings.secrets_folder)
    if channel.kind == "alertmanager":
        return AlertmanagerChannel(channel.url)
    if channel.kind == "file":
        own = channel.path if channel.path.name else f"{name}.jsonl"
        return FileChannel(settings.home.absolute() / own)
    return LogChannel()
