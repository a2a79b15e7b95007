"""One fault in one simulated world: what is broken when, what must be found, and what was."""

from __future__ import annotations

import datetime as dt
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.monitor_drill.expectations import write_catalog, write_expectations
from tests.monitor_drill.judging import line_of
from tests.monitor_drill.pipelines import moment
from tests.monitor_drill.status import running_status
from tests.monitor_drill.watch import DrillWatch
from tests.monitor_drill.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stationmaster.monitor.incidents.standing import StandingIncident
    from tests.monitor_drill.judging import Expected

__all__ = ["HISTORY_DAYS", "Course", "Fault", "Scene", "scene_of", "tried"]

HISTORY_DAYS: Final = 56
BEFORE: Final = dt.timedelta(minutes=30)
MINUTE: Final = dt.timedelta(minutes=1)
AFTER_MENDING: Final = dt.timedelta(minutes=5)
SELDOM: Final = dt.timedelta(minutes=30)
HOUR: Final = dt.timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Course:
    """Hold when a fault goes on.

    Args:
        begins: When it begins; the watcher looks often from then on.
        mended: From when it is mended.
        closes_by: When its incident must be closed.
        step: It can be known when this one has ended (`pipeline/step`), where that is later.
        every: How often the watcher looks until it is found.
    """

    begins: dt.datetime
    mended: dt.datetime
    closes_by: dt.datetime
    step: str = ""
    every: dt.timedelta = MINUTE

    def moments(self, is_open: Callable[[], bool]) -> Iterator[dt.datetime]:
        """Yield when the watcher looks: each minute until it is found, then ever less often.

        Args:
            is_open: Tells whether an incident is open.
        """
        yield self.begins - BEFORE
        now, pause = self.begins - min(self.every, BEFORE / 2), self.every
        while now < self.closes_by:
            yield now
            if now >= self.mended:
                pause = self._after_mending(now, is_open=is_open())
            elif is_open():
                pause = min(2 * pause, max(2 * HOUR, self.every))
            elif now >= self.begins + HOUR:
                pause = max(SELDOM, self.every)
            after = min(now + pause, self.closes_by)
            crossed = (at for at in (self.begins, self.mended) if now < at < after)
            now = min(crossed, default=after)
        yield self.closes_by

    def _after_mending(self, now: dt.datetime, *, is_open: bool) -> dt.timedelta:
        if not is_open:
            return self.closes_by - now
        near = now < self.mended + HOUR
        return max(AFTER_MENDING if near else SELDOM, self.every)

    def known_at(self, world: World) -> dt.datetime:
        """Return from when it could be known: when its step had ended, as the ledger has it."""
        ended = [
            each.finished_at
            for run in world.runs
            for each in run.attempts
            if f"{each.plan.pipeline}/{each.plan.step}" == self.step
            and self.begins - BEFORE <= each.finished_at <= self.mended
        ]
        return max(ended, default=self.begins)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Hold one fault.

    Args:
        name: As the record names it.
        expected: What must be found.
        inject: Breaks it, and says when; called before the day begins.
        day: The calendar day of it.
    """

    name: str
    expected: Expected
    inject: Callable[[Scene], Course]
    day: dt.date = dt.date(2011, 11, 15)


@dataclass
class Scene:
    """Hold a world, who watches it, and the day of the fault."""

    world: World
    watch: DrillWatch
    day: dt.date
    told: list[StandingIncident] = field(default_factory=list)
    """The incidents as they were just before the fault was mended."""

    @property
    def business_date(self) -> dt.date:
        """Return the day whose data the morning's run works on."""
        return self.day - dt.timedelta(days=1)

    def at(self, hour: int, minute: int = 0, days_later: int = 0) -> dt.datetime:
        """Return a moment of the day, business clock."""
        return moment(self.day, dt.time(hour, minute), days_later)


@contextmanager
def scene_of(
    day: dt.date,
    *,
    seed: int = 1,
    on_laptop: bool = False,
    history_days: int = HISTORY_DAYS,
) -> Iterator[Scene]:
    """Make a world with a history, and a watcher; both are gone afterwards."""
    known: dict[str, World] = {}
    with (
        tempfile.TemporaryDirectory(prefix="sm-drill-") as name,
        running_status(lambda: known["world"].complete_through()) as url,  # noqa: PLW0108 (made later)
    ):
        folder = Path(name)
        world = World(
            folder,
            seed=seed,
            first=day - dt.timedelta(days=history_days),
            runtime="process" if on_laptop else "kubernetes",
            support_api_url=url,
            monitoring_file=write_expectations(folder),
            catalog_file=write_catalog(folder),
        )
        known["world"] = world
        try:
            with DrillWatch(world, on_laptop=on_laptop) as watch:
                yield Scene(world, watch, day)
        finally:
            world.close()


def tried(fault: Fault, *, seed: int = 1) -> dict[str, Any]:
    """Inject one fault, watch, and return what was found, with what is wrong about that."""
    with scene_of(fault.day, seed=seed) as scene:
        course = fault.inject(scene)
        for now in course.moments(lambda: any(each.is_open for each in scene.watch.incidents())):
            if now >= course.mended and not scene.told:
                scene.told = scene.watch.incidents()
            scene.watch.look(now)
        known = course.known_at(scene.world)
        return {"fault": fault.name} | line_of(
            scene.watch, fault.expected, scene.told, begins=known, mended=course.mended
        )
