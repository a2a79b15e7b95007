"""What is known of alerting itself: which channels take nothing, which checks cannot look."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Protocol

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from stationmaster.ledger.engine import is_missing, make_engine
from stationmaster.ledger.incidentmodels import notification
from stationmaster.monitor.alerts.outbox import Lost, Outbox
from stationmaster.monitor.facts.missing import FactsNotHereError, FactsUnavailableError
from stationmaster.monitor.incidents.reading import CheckStateRow, check_states

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stationmaster.monitor.monitoring import Monitoring
    from stationmaster.step.settings import Settings

__all__ = ["AlertingFacts", "AlertingLook", "GivenAlerting"]


class AlertingFacts(Protocol):
    """Know what became of alerts and of looks; `facts.part("alerting")`."""

    def lost_channels(self) -> Sequence[Lost]:
        """Return the channels that take nothing."""

    def check_states(self) -> Sequence[CheckStateRow]:
        """Return what came of each check's last look."""


class AlertingLook:
    """Ask the ledger.

    Args:
        settings: They say where it is.
        monitoring: It says when a channel counts as lost.
        now: The moment of the look.

    Raises:
        FactsNotHereError: No watcher has ever looked: there is nothing to know.
        FactsUnavailableError: The ledger does not answer.
    """

    def __init__(self, settings: Settings, monitoring: Monitoring, now: dt.datetime) -> None:
        after = dt.timedelta(minutes=monitoring.alerts.lost_after_minutes)
        engine = make_engine(settings.ledger_location)
        try:
            if is_missing(engine) or not sa.inspect(engine).has_table(notification.name):
                message = "no watcher has ever looked here (stationmaster watch)"
                raise FactsNotHereError(message)
            self._lost = Outbox(engine).lost(now, after=after)
            self._states = check_states(engine)
        except SQLAlchemyError as error:
            cause = " ".join(str(getattr(error, "orig", None) or error).split())
            message = f"the ledger does not say what became of alerts: {cause}"
            raise FactsUnavailableError(message) from error
        finally:
            engine.dispose()

    def lost_channels(self) -> Sequence[Lost]:
        """Return the channels that take nothing."""
        return self._lost

    def check_states(self) -> Sequence[CheckStateRow]:
        """Return what came of each check's last look."""
        return self._states


class GivenAlerting:
    """Answer what was given, for tests of checks.

    Args:
        lost: Channels that take nothing.
        states: What came of each check's last look.
    """

    def __init__(self, *, lost: Sequence[Lost] = (), states: Sequence[CheckStateRow] = ()) -> None:
        self._lost = lost
        self._states = states

    def lost_channels(self) -> Sequence[Lost]:
        """Return the channels that take nothing."""
        return self._lost

    def check_states(self) -> Sequence[CheckStateRow]:
        """Return what came of each check's last look."""
        return self._states
