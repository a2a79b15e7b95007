"""Ten quiet days: much happens that is nobody's concern, and no alert may come of it.

In ten days a deploy restarts the scheduler, a node is replaced, a step is tried again, spot nodes
are reclaimed, days are caught up; among them are a weekend, and, by the seed, a change of the
clock, a bank holiday, or a time of ever more orders.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from tests.monitor_drill.pipelines import LONDON, moment
from tests.monitor_drill.plans import RunPlan
from tests.monitor_drill.scene import scene_of
from tests.monitor_drill.simcluster import Replacement
from tests.monitor_drill.world import Away

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.monitor_drill.scene import Scene

__all__ = ["PERIODS", "quiet_days"]

PERIODS: Final = {
    "clock goes back": dt.date(2011, 10, 25),
    "clock goes forward": dt.date(2011, 3, 22),
    "Easter and bank holidays": dt.date(2011, 4, 20),
    "spring bank holiday": dt.date(2011, 5, 24),
    "Christmas, the shop is closed": dt.date(2010, 12, 27),
    "autumn": dt.date(2011, 9, 13),
    "summer, on a laptop": dt.date(2011, 7, 12),
}
"""The first day of each; its holidays are in the product's own calendar."""

OFTEN: Final = ((dt.time(2, 25), dt.time(3, 40)), (dt.time(5, 55), dt.time(6, 50)))
"""When most happens: the night's and the morning's run."""

DAY: Final = dt.timedelta(days=1)


def quiet_days(period: str, *, seed: int = 1, days: int = 10, minutes: int = 15) -> dict[str, Any]:
    """Watch quiet days; return one line of the record.

    Args:
        period: Of PERIODS.
        seed: Of the natural spread.
        days: How many.
        minutes: Between two looks while much happens; otherwise six times as long.
    """
    first = PERIODS[period]
    looks = 0
    with scene_of(first, seed=seed, on_laptop="laptop" in period) as scene:
        _life(scene)
        scene.world.play(moment(first, dt.time()))
        for now in _moments(first, days, minutes):
            scene.watch.look(now)
            looks += 1
        found = scene.watch.incidents()
        return {
            "quiet": period,
            "days": days,
            "first": str(first),
            "seed": seed,
            "looks": looks,
            "messages": len(scene.watch.messages),
            "incidents": len(found),
            "wrong": [f"{each.opened_at:%m-%d %H:%M} {each.cause}: {each.title}" for each in found],
        }


def _life(scene: Scene) -> None:
    """Let happen what happens where nothing is wrong."""
    day, world = scene.day, scene.world
    deploy = moment(day + 1 * DAY, dt.time(6, 1))
    world.scheduler_away.append(Away(deploy, deploy + dt.timedelta(seconds=40)))
    deploy = moment(day + 3 * DAY, dt.time(14, 9, 50))
    world.scheduler_away.append(Away(deploy, deploy + dt.timedelta(seconds=40)))
    scene.watch.replacements = (
        Replacement("ip-10-0-2-40", "ip-10-0-2-77", moment(day + 2 * DAY, dt.time(6, 2))),
        Replacement("ip-10-0-3-88", "ip-10-0-3-12", moment(day + 6 * DAY, dt.time(11, 30))),
    )
    again = moment(day + 4 * DAY, dt.time(10))
    world.extra_runs += [
        RunPlan(
            pipeline="morning_analytics",
            run_id=f"backfill__{old}",
            day=old,
            at=again + dt.timedelta(minutes=4 * number),
            kind="backfill",
        )
        for number, old in enumerate(day - n * DAY for n in (20, 19, 18))
    ]


def _moments(first: dt.date, days: int, minutes: int) -> Iterator[dt.datetime]:
    now, until = moment(first, dt.time()), moment(first, dt.time(), days)
    while now < until:
        yield now
        clock = now.astimezone(LONDON).time()
        often = any(begin <= clock < end for begin, end in OFTEN)
        now += dt.timedelta(minutes=minutes if often else 6 * minutes)
