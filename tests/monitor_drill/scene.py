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
    from collections.abc import Callable, Iterable, Iterator

    from stationmaster.monitor.incidents.standing import StandingIncident
    from tests.monitor_drill.judging import Expected

__all__ = ["HISTORY_DAYS", "Course", "Fault", "Scene", "scene_of", "tried"]

HISTORY_DAYS: Final = 56
BEFORE: Final = dt.timedelta(minutes=30)
SELDOM: Final = dt.timedelta(minutes=30)
HOUR: Final = dt.timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Course:
    """Hold when a fault goes on.

    Args:
        begins: From when it can be known.
        mended: From when it is mended.
        closes_by: When its incident must be closed.
        every: How often the watcher looks at first; later on half an hour apart, or as told.
    """

    begins: dt.datetime
    mended: dt.datetime
    closes_by: dt.datetime
    every: dt.timedelta = dt.timedelta(minutes=5)

    def moments(self) -> Iterator[dt.datetime]:
        """Yield when the watcher looks: often near what is broken and mended, else now and then.

        A watcher of one's own looks every minute; a drill has no time for that, and what is not
        found by fewer looks is not found in time.
        """
        seldom = max(self.every, SELDOM)
        now = self.begins - BEFORE
        while now < self.closes_by:
            yield now
            near = any(
                at <= now < at + max(HOUR, 2 * self.every) for at in (self.begins, self.mended)
            )
            after = min(now + (self.every if near else seldom), self.closes_by)
            crossed = (at for at in (self.begins, self.mended) if now < at < after)
            now = min(crossed, default=after)
        yield self.closes_by


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Hold one fault.

    Args:
        name: As the record names it.
        expected: What must be found.
        inject: Breaks it, and says when; called before the day begins.
        day: The calendar day of it.
        stays_open: It is not mended in the drill.
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
    holidays: Iterable[dt.date] = (),
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
            monitoring_file=write_expectations(folder, holidays),
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
        for now in course.moments():
            if now >= course.mended and not scene.told:
                scene.told = scene.watch.incidents()
            scene.watch.look(now)
        return {"fault": fault.name} | line_of(
            scene.watch, fault.expected, scene.told, begins=course.begins, mended=course.mended
        )
