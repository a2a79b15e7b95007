"""Mail, Slack, Teams, PagerDuty, webhooks: whatever apprise has a URL for."""

from __future__ import annotations

import logging
import re
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import unquote

from stationmaster.monitor.alerts.channels import ChannelError
from stationmaster.monitor.alerts.fitting import details_of, fitting
from stationmaster.monitor.checks.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from stationmaster.monitor.alerts.channels import Batch
    from stationmaster.monitor.alerts.message import Message
    from stationmaster.monitor.alerts.rendering import Format
    from stationmaster.monitor.alerts.routing import Channel

__all__ = ["AppriseChannel"]

BY_INCIDENT: Final = frozenset(
    {
        *("NotifyPagerDuty", "NotifyOpsgenie", "NotifySplunk", "NotifySIGNL4", "NotifyILert"),
        *("NotifyIncidentIO", "NotifyPagerTree", "NotifyGoAlert", "NotifyFireHydrant"),
        *("NotifyXMatters", "NotifySquadcast", "NotifyBetterStack"),
    }
)
"""Classes of apprise for services that hold incidents themselves: each message is of one."""

LONGEST_REASON: Final = 300

SPLITS: Final = r"[/:@?&=]+"
"""What stands between the parts of a URL."""


class AppriseChannel:
    """Send messages by one of apprise's URLs (https://appriseit.com/services/).

    The URL is read from its secret file at each message: a changed one needs no restart. No part
    of it is ever in a message, an error or a log.

    Args:
        channel: What the file of routes says of it.
        secrets: Folder with one file a secret.
    """

    def __init__(self, channel: Channel, secrets: Path) -> None:
        self._channel = channel
        self._path = secrets / channel.secret

    @property
    def groups(self) -> bool:
        """Tell whether people read it, and not a service that holds incidents itself."""
        return type(self._service()).__name__ not in BY_INCIDENT

    def deliver(self, batch: Batch) -> None:
        """Deliver a batch.

        Raises:
            ChannelError: No URL, one that apprise does not know, or the service refused.
        """
        import apprise  # noqa: PLC0415 (takes half a second, and few commands send)

        service = self._service()
        self.identify(service, batch)
        text = fitting(batch, self._format(service), service)
        with _Reasons() as reasons:
            sender = apprise.Apprise(services=[service])
            taken = sender.notify(
                body=text.body,
                title=text.title,
                notify_type=_kind(batch),
                body_format=text.format,
                interpret_escapes=False,
            )
        if not taken:
            message = f"{service.service_name} did not take it: {reasons.in_words(self._secret())}"
            raise ChannelError(message)

    def refresh(self, messages: Sequence[Message]) -> None:
        """Do nothing: these services forget nothing."""

    def _secret(self) -> str:
        try:
            lines = self._path.read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            message = f"its secret cannot be read: {self._path.name}: {type(error).__name__}"
            raise ChannelError(message) from error
        if len(lines) != 1:
            message = f"the secret {self._path.name} must hold one URL, and holds {len(lines)}"
            raise ChannelError(message)
        return lines[0]

    def _service(self) -> Any:  # noqa: ANN401 (apprise's plugins have a hundred types)
        import apprise  # noqa: PLC0415 (as above)

        with _Reasons():
            service = apprise.Apprise.instantiate(self._secret(), suppress_exceptions=True)
        if service is None:
            message = f"the secret {self._path.name} holds no URL that apprise knows"
            raise ChannelError(message)
        return service

    def _format(self, service: Any) -> Format:  # noqa: ANN401 (as above)
        if self._channel.format != "auto":
            return self._channel.format
        likes: Format = str(getattr(service.resolve_format(), "value", "text"))  # type: ignore[assignment]
        return likes

    def identify(self, service: Any, batch: Batch) -> None:  # noqa: ANN401 (as above)
        """Let the service know the incident again, as far as it can."""
        name, first = type(service).__name__, batch.messages[0]
        one = len(batch.messages) == 1
        if name == "NotifyPagerDuty" and one:
            service.dedup, service.action = first.uid, "map"
            service.click, service.details = first.url or None, details_of(batch)
        elif name == "NotifyOpsgenie" and one:
            service.alias = service.entity = first.uid
        elif name == "NotifyJSON":
            service.headers["Idempotency-Key"] = batch.key
            service.payload_extras |= _extras(batch)
        elif hasattr(service, "smtp_host"):
            # RFC 3834: nobody's "I am on holiday" comes back.
            service.headers["Auto-Submitted"] = "auto-generated"
        if hasattr(service, "smtp_host") and one:
            service.headers["X-Stationmaster-Incident"] = first.uid
            # Mail programs show what refers to the same message as one thread.
            service.headers["References"] = f"<{first.uid}@stationmaster>"


def _extras(batch: Batch) -> dict[str, str]:
    """Return what a webhook is told besides title and text, for machines."""
    first = batch.messages[0]
    return {
        "key": batch.key,
        "incidents": " ".join(str(each.incident_id) for each in batch.messages),
        "uids": " ".join(each.uid for each in batch.messages),
        "event": first.kind.value if len(batch.messages) == 1 else "storm",
        "severity": batch.severity.value,
        "owner": first.owner,
        "url": first.url,
    }


def _kind(batch: Batch) -> str:
    if batch.ends:
        return "success"
    return "failure" if batch.severity is Severity.CRITICAL else "warning"


LISTENING: Final[ContextVar[_Reasons | None]] = ContextVar("LISTENING", default=None)
"""Which message is being sent: apprise sends in threads of its own, with our context."""


class _Reasons(logging.Handler):
    """Catch what apprise logs while it sends: it returns only that it failed."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: list[str] = []
        self._logger = logging.getLogger("apprise")

    def __enter__(self) -> Self:
        # What it logs may hold the URL's password: it goes through us, or nowhere; also what one
        # says that was given up long ago and still goes on in its thread.
        self._logger.propagate = False
        self._token = LISTENING.set(self)
        self._logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)
        LISTENING.reset(self._token)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what was logged of this message, not of another one that is sent meanwhile."""
        if LISTENING.get() is self:
            self._said.append(record.getMessage())

    def in_words(self, secret: str) -> str:
        """Return what was logged, without anything of the URL."""
        text = "; ".join(dict.fromkeys(self._said)) or "no reason given"
        parts = {*re.split(SPLITS, secret), *re.split(SPLITS, unquote(secret))}
        for part in sorted(parts, key=len, reverse=True):
            if len(part) > 3:  # noqa: PLR2004 (shorter parts are no secrets, and would blank words)
                text = text.replace(part, "…")
        return text[:LONGEST_REASON]
