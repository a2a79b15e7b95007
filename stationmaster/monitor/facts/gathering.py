"""Make the facts of a look from the settings; what is dear to read is kept between looks."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self

from stationmaster.monitor.alerts.deadlines import in_time
from stationmaster.monitor.facts.alerting import AlertingLook
from stationmaster.monitor.facts.deliveries import Deliveries
from stationmaster.monitor.facts.facts import Facts
from stationmaster.monitor.facts.figures import FigureFacts
from stationmaster.monitor.facts.histories import KeptHistories
from stationmaster.monitor.facts.infrastructure import Infrastructure
from stationmaster.monitor.facts.ledger import LedgerFacts
from stationmaster.monitor.facts.ledgerreading import LedgerReading
from stationmaster.monitor.facts.missing import FactsNotHereError, FactsUnavailableError
from stationmaster.monitor.facts.places import Places
from stationmaster.monitor.facts.published import PublishedFacts
from stationmaster.monitor.lineagemaking import jobs_of, lineage_of
from stationmaster.monitor.monitoringreading import KeptMonitoring
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from stationmaster.monitor.lineage import Lineage
    from stationmaster.step.settings import Settings

__all__ = ["Gathering"]

RAN_OF_LATE: Final = dt.timedelta(days=2)
LINEAGE_SECONDS: Final = 5.0
"""The ledger has answered the checks by then, or hangs: whoever tells people does not wait."""


class Gathering:
    """Gather facts, look after look; one for a process that watches.

        with Gathering(Settings()) as gathering:
            look = look_at(gathering.facts(now), EVERY_CHECK)

    Nothing is read before a check asks for it.

    Args:
        settings: Where everything is.
        expectations: Reads the file of expectations; one of its own by default.
        more: Gathers further parts of a look's facts by name, given its moment.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        expectations: KeptMonitoring | None = None,
        more: Callable[[dt.datetime], Mapping[str, Callable[[], Any]]] | None = None,
    ) -> None:
        self._settings = settings
        self._more = more
        self._expectations = expectations or KeptMonitoring(settings)
        self._ledger: LedgerReading | None = None
        self._kept: KeptHistories | None = None
        self._infrastructure = Infrastructure(settings)

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close what it opened."""
        self.close()

    def close(self) -> None:
        """Close the connections to the ledger and to what it runs on."""
        self._infrastructure.close()
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    def facts(self, now: dt.datetime) -> Facts:
        """Return the facts of a moment, gathered when they are asked for."""
        parts: dict[str, Callable[[], Any]] = dict(self._infrastructure.parts(now))
        parts |= self._more(now) if self._more else {}
        facts = Facts(now=now, parts=parts)
        parts |= {
            "monitoring": self._expectations.read,
            "expectations": self._expectations_look,
            "ledger": partial(self._ledger_facts, facts),
            "published": lambda: PublishedFacts(
                (),
                Places(self._settings),
                made=[each.publications for each in facts.ledger.histories],
            ),
            "figures": lambda: FigureFacts((), made=[each.said for each in facts.ledger.histories]),
            "deliveries": self._deliveries,
            "alerting": lambda: AlertingLook(self._settings, facts.monitoring, now),
            "lineage": partial(self._lineage, facts),
        }
        return facts

    def _expectations_look(self) -> KeptMonitoring:
        with suppress(MisconfiguredError):  # it knows why
            self._expectations.read()
        return self._expectations

    def _ledger_facts(self, facts: Facts) -> LedgerFacts:
        if self._ledger is None:
            self._ledger = LedgerReading(self._settings.ledger_location)
            self._kept = KeptHistories(self._ledger.version)
        self._ledger.refresh()
        watched = facts.monitoring.pipelines
        return LedgerFacts(facts.now, self._ledger, watched=watched, kept=self._kept)

    def _deliveries(self) -> Deliveries:
        places = Places(self._settings)
        return Deliveries(
            self._settings.zone,
            root=self._settings.landing_location,
            landing=places.holds,
            complete_through=places.complete_through,
        )

    def _lineage(self, facts: Facts) -> Lineage:
        """Return the graph; what stands on a database that is away, or hangs, is known without."""
        try:
            attempts = in_time(
                lambda: facts.ledger.every_attempt, LINEAGE_SECONDS, name="ledger-for-lineage"
            )
        except (FactsNotHereError, FactsUnavailableError, TimeoutError):
            attempts = ()
        return lineage_of(
            jobs_of(self._settings), attempts, facts.monitoring, since=facts.now - RAN_OF_LATE
        )
