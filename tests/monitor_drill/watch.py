"""The real watcher on a simulated clock, with its outbox and a file as its channel."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self

from stationmaster.monitor.alerts.opening import alert_plan, ready_channels
from stationmaster.monitor.alerts.outbox import Outbox
from stationmaster.monitor.alerts.sending import Sender
from stationmaster.monitor.checks.every import EVERY_CHECK
from stationmaster.monitor.checks.looking import Outcome
from stationmaster.monitor.facts.gathering import Gathering
from stationmaster.monitor.facts.missing import FactsNotHereError
from stationmaster.monitor.incidents.reading import events_of, findings_of, incidents
from stationmaster.monitor.incidents.store import IncidentStore
from stationmaster.monitor.watching.away import Away
from stationmaster.monitor.watching.watcher import Watcher
from tests.monitor_drill.simairflow import SimulatedAirflow
from tests.monitor_drill.simcluster import Replacement, SimulatedCluster
from tests.monitor_drill.simstores import WellParts, WellStores

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping

    from stationmaster.monitor.checks.check import Check
    from stationmaster.monitor.checks.looking import Look
    from stationmaster.monitor.incidents.standing import StandingFinding, StandingIncident
    from tests.monitor_drill.world import World

__all__ = ["DrillWatch"]

PATIENCE_SECONDS: Final = 300.0
"""Of one look: a drill shares its machine."""


class DrillWatch:
    """Look at a world.

    Args:
        world: What is looked at.
        checks: By which checks.
        on_laptop: There is no cluster.
        parts: Further parts of the facts, or other ones than the simulated, given the moment.
    """

    def __init__(
        self,
        world: World,
        *,
        checks: Iterable[Check] = EVERY_CHECK,
        on_laptop: bool = False,
        parts: Callable[[dt.datetime], Mapping[str, Callable[[], Any]]] | None = None,
    ) -> None:
        self.world = world
        self.replacements: tuple[Replacement, ...] = ()
        self.airflow_fields: dict[str, Any] = {}
        self.may_be_blind = False
        self._on_laptop = on_laptop
        self._parts = parts
        settings = world.settings
        self.gathering = Gathering(settings, more=self._more)
        plan = alert_plan(settings)
        channels = ready_channels(plan.alerting, settings)
        self.store = IncidentStore.open(settings.ledger_location, plan)
        self._watcher = Watcher(
            self.store,
            Sender(lambda: Outbox(self.store.engine), plan, channels),
            self.gathering.facts,
            checks,
            away=Away(settings.home / "watch-spool.json", plan, channels),
            look_seconds=PATIENCE_SECONDS,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.gathering.close()
        self.store.close()

    def look(self, now: dt.datetime) -> Look:
        """Let the world go on until a moment, and look at it.

        Raises:
            RuntimeError: A check could not look: what it would have found is not known.
        """
        self.world.play(now)
        turn = self._watcher.look(now)
        if turn.look is None:
            message = f"expected a look at {now}, got none: {turn}"
            raise RuntimeError(message)
        blind = [each for each in turn.look.checks if each.outcome is Outcome.UNKNOWN]
        if blind and not self.may_be_blind:
            message = f"at {now} {blind[0].check.name} could not look: {blind[0].why}"
            raise RuntimeError(message)
        return turn.look

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Return what reached the file, oldest first."""
        path = self.world.settings.home / "alerts.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [json.loads(line) for line in lines]

    def look_until(self, until: dt.datetime, every: dt.timedelta) -> None:
        """Look again and again up to a moment."""
        now = self.world.now
        while now < until:
            now = min(now + every, until)
            self.look(now)

    def incidents(self) -> list[StandingIncident]:
        """Return all incidents there ever were, oldest first."""
        return sorted(incidents(self.store.engine, closed=True), key=lambda each: each.opened_at)

    def findings(self, number: int) -> list[StandingFinding]:
        """Return what belongs to an incident."""
        return findings_of(self.store.engine, number)

    def events(self, number: int) -> list[str]:
        """Return what happened to an incident."""
        return [each.kind for each in events_of(self.store.engine, number)]

    def _more(self, now: dt.datetime) -> Mapping[str, Callable[[], Any]]:
        told: dict[str, Callable[[], Any]] = {
            "airflow": partial(self._airflow, now),
            "cluster": partial(self._cluster, now),
            "stores": WellStores,
            "platform": partial(WellParts, now),
            "prometheus": _not_here,
        }
        return told | dict(self._parts(now) if self._parts else {})

    def _airflow(self, now: dt.datetime) -> SimulatedAirflow:
        return SimulatedAirflow(world=self.world, now=now, **self.airflow_fields)

    def _cluster(self, now: dt.datetime) -> SimulatedCluster:
        if self._on_laptop:
            _not_here()
        return SimulatedCluster(world=self.world, now=now, replacements=self.replacements)


def _not_here() -> Any:  # noqa: ANN401 (never returns)
    message = "not in this drill"
    raise FactsNotHereError(message)
