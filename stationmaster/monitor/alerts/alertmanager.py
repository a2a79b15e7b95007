"""Prometheus' Alertmanager: it is told of our incidents, and its own alerts become findings.

Its API: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import httpx

from stationmaster.monitor.alerts.channels import ChannelError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stationmaster.monitor.alerts.channels import Batch
    from stationmaster.monitor.alerts.message import Message

__all__ = ["OURS", "AlertmanagerChannel", "as_alert"]

OURS: Final = "stationmaster"
"""The label `source` of alerts that are our incidents."""

TIMEOUT_SECONDS: Final = 10.0

STANDS_FOR: Final = dt.timedelta(minutes=15)
"""So long an alert stands without being told again: one that nobody repeats is over."""


class AlertmanagerChannel:
    """Tell an Alertmanager which incidents are open.

    It forgets: each alert is sent again by `refresh`, and stands for a quarter of an hour. So when
    the watcher is gone its alerts go too, and the rule about a silent watcher speaks.

    Args:
        url: Where it is.
        clock: Tells the time.
    """

    groups = False

    def __init__(
        self, url: str, clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    ) -> None:
        self._url = url.rstrip("/")
        self._clock = clock

    def deliver(self, batch: Batch) -> None:
        """Send the alerts of a batch; those that are over end now."""
        self._post(batch.messages)

    def refresh(self, messages: Sequence[Message]) -> None:
        """Say again which incidents are open."""
        if messages:
            self._post(messages)

    def _post(self, messages: Sequence[Message]) -> None:
        now = self._clock()
        alerts = [as_alert(each, now) for each in messages]
        try:
            answer = httpx.post(f"{self._url}/api/v2/alerts", json=alerts, timeout=TIMEOUT_SECONDS)
            answer.raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            message = f"Alertmanager did not take it: {type(error).__name__}: {error}"
            raise ChannelError(message) from error


def as_alert(message: Message, now: dt.datetime) -> dict[str, Any]:
    """Return an incident as Alertmanager takes alerts."""
    labels = {
        "alertname": message.check,
        "source": OURS,
        "incident": message.uid,
        "severity": message.severity.value,
        "owner": message.owner,
        "layer": message.layer.value,
    }
    annotations = {
        "summary": message.what,
        "where": message.where,
        "affected": ", ".join(message.affected),
        "next_action": message.next_action,
        "runbook_url": message.runbook,
        "number": message.number,
    }
    # What ends must not end before it began, whatever the clocks of a replay say.
    begun = min(message.opened_at, now)
    return {
        "labels": labels,
        "annotations": {name: text for name, text in annotations.items() if text},
        "startsAt": begun.isoformat(),
        "endsAt": (now if message.ends else now + STANDS_FOR).isoformat(),
        "generatorURL": message.url,
    }
