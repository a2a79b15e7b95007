"""A span for each message that leaves, linked to the trace of the run that it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from stationmaster.ledger.engine import transaction
from stationmaster.ledger.incidentmodels import finding
from stationmaster.ledger.models import attempt
from stationmaster.monitor.tracing.spans import is_tracing, span
from stationmaster.step.errors import StationmasterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from stationmaster.monitor.alerts.channels import Batch, Delivers
    from stationmaster.monitor.alerts.message import Message

__all__ = ["TracedChannel", "run_traceparents", "traced_channels"]

MOST_RUNS: Final = 20
SECONDS: Final = 2.0


class TracedChannel:
    """Deliver as a channel does, in a span.

    Args:
        name: Of the channel.
        channel: Who delivers.
        engine: Returns the ledger's, which knows the runs' traces; its database may be away.
    """

    def __init__(self, name: str, channel: Delivers, engine: Callable[[], sa.Engine]) -> None:
        self._name, self._channel, self._engine = name, channel, engine

    @property
    def groups(self) -> bool:
        """Tell what the channel tells."""
        return self._channel.groups

    def deliver(self, batch: Batch) -> None:
        """Deliver a batch.

        Raises:
            ChannelError: It was not taken.
        """
        if not is_tracing():
            self._channel.deliver(batch)
            return
        numbers = sorted({each.incident_id for each in batch.messages})
        links = run_traceparents(self._engine, numbers)
        with span(
            "stationmaster.send",
            kind="client",
            links=links,
            channel=self._name,
            incidents=",".join(map(str, numbers)),
            severity=batch.severity,
        ) as made:
            try:
                self._channel.deliver(batch)
            except Exception as error:
                made.fail(type(error).__name__)  # its text may hold an address that is secret
                raise

    def refresh(self, messages: Sequence[Message]) -> None:
        """Do what the channel does.

        Raises:
            ChannelError: It was not taken.
        """
        self._channel.refresh(messages)


def traced_channels(
    channels: Mapping[str, Delivers], engine: Callable[[], sa.Engine]
) -> Mapping[str, Delivers]:
    """Return channels whose messages are spans; as they are where none are made."""
    if not is_tracing():
        return channels
    return {name: TracedChannel(name, channel, engine) for name, channel in channels.items()}


def run_traceparents(engine: Callable[[], sa.Engine], incidents: Iterable[int]) -> list[str]:
    """Return the W3C traceparent of each run that incidents are about, as far as it is known."""
    numbers = [each for each in incidents if each > 0]
    if not numbers:
        return []
    try:
        with transaction(engine(), seconds=SECONDS) as connection:
            found = sa.select(finding.c.document).where(finding.c.incident_id.in_(numbers))
            runs = {
                _run(document) for document in connection.execute(found.limit(200)).scalars()
            } - {""}
            if not runs:
                return []
            parents = (
                sa.select(attempt.c.traceparent)
                .where(attempt.c.run_id.in_(sorted(runs)[:MOST_RUNS]))
                .where(attempt.c.traceparent.is_not(None))
                .distinct()
                .limit(MOST_RUNS)
            )
            return [str(each) for each in connection.execute(parents).scalars()]
    except (SQLAlchemyError, StationmasterError):
        return []  # the message goes without: a link is no reason to lose it


def _run(document: Any) -> str:  # noqa: ANN401 (a document of the ledger)
    return str(document.get("run_id") or "") if isinstance(document, dict) else ""
