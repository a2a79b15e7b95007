"""How the simulated world's numbers, report and money are made wrong, while every step is green."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tests.monitor_drill.breaking import on, until_next_day, until_run_again
from tests.monitor_drill.scene import Course

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.monitor_drill.plans import StepPlan
    from tests.monitor_drill.scene import Scene

__all__ = ["dearer", "figure", "money", "report"]

MINUTE: Final = dt.timedelta(minutes=1)
REPORT: Final = "morning_analytics/report_morning"


def report(**fields: bool) -> Callable[[Scene], Course]:
    """Return what lets the report be published wrongly, until the day is run again at nine."""

    def inject(scene: Scene) -> Course:
        return until_run_again(scene, lambda plan: replace(plan, **fields))  # type: ignore[arg-type]

    return inject


def money(factor: float) -> Callable[[Scene], Course]:
    """Return what lets every amount of a day be so many times what it is, everywhere."""

    def inject(scene: Scene) -> Course:
        scene.world.book.volumes["pounds", scene.business_date] = factor
        return until_next_day(scene, REPORT)

    return inject


def figure(step: str, name: str, factor: float) -> Callable[[Scene], Course]:
    """Return what lets a step say so many times a figure, for one day."""

    def inject(scene: Scene) -> Course:
        def changed(plan: StepPlan) -> StepPlan:
            assert name in plan.figures, sorted(plan.figures)
            return replace(plan, figures={**plan.figures, name: plan.figures[name] * factor})

        scene.world.changes.append(on(step, scene.business_date, changed))
        return until_next_day(scene, step)

    return inject


def dearer(scene: Scene) -> Course:
    """Let close_books need twice the cores: the same work for twice the money."""
    first = scene.business_date

    def more(plan: StepPlan, at: dt.datetime) -> StepPlan:
        del at
        mine = plan.step == "close_books" and plan.day == first
        return replace(plan, cores=plan.cores * 2) if mine else plan

    scene.world.changes.append(more)
    return Course(
        begins=scene.at(0, 0, 1),
        mended=scene.at(23, 55, 1),
        closes_by=scene.at(3, 0, 2),
        every=20 * MINUTE,
    )
