"""How the simulated world is broken: each function breaks something, and says until when."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tests.monitor_drill.pipelines import moment
from tests.monitor_drill.plans import RunPlan, StepPlan, Table, Trip
from tests.monitor_drill.realsteps import real_step, trip_of
from tests.monitor_drill.scene import Course, Scene

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.monitor_drill.world import Change

__all__ = [
    "at_risk",
    "broken",
    "busy_day",
    "fails",
    "late_file",
    "memory_grows",
    "missing_file",
    "no_rows",
    "on",
    "quarantine_creeps",
    "retries",
    "skipped",
    "slower",
    "stuck",
    "support_late",
    "until_next_day",
    "until_run_again",
    "volume",
]

HOUR: Final = dt.timedelta(hours=1)
NEVER: Final = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


def on(step: str, day: dt.date, change: Callable[[StepPlan], StepPlan]) -> Change:
    """Return a change of one step (`pipeline/step`) on one business date."""

    def changed(plan: StepPlan, at: dt.datetime) -> StepPlan:
        del at
        mine = f"{plan.pipeline}/{plan.step}" == step and plan.day == day
        return change(plan) if mine else plan

    return changed


def late_file(scene: Scene) -> Course:
    """Let the web shop deliver at nine instead of by night."""
    came = scene.at(9)
    scene.world.deliveries["web", scene.business_date] = came
    due = scene.at(6, 5)
    return Course(begins=due, mended=came, closes_by=came + HOUR)


def missing_file(scene: Scene) -> Course:
    """Let the app deliver nothing until somebody asks, at 13:00."""
    came = scene.at(13)
    scene.world.deliveries["app", scene.business_date] = came
    return Course(begins=scene.at(6, 5), mended=came, closes_by=came + HOUR)


def support_late(scene: Scene) -> Course:
    """Let support's API be incomplete until eight."""
    came = scene.at(8)
    scene.world.deliveries["support", scene.business_date] = came
    return Course(begins=scene.at(6, 5), mended=came, closes_by=came + HOUR)


def broken(source: str, fault: str, tries: int = 1) -> Callable[[Scene], Course]:
    """Return what lets a real step break by its source until somebody clears it at 9:00."""

    def inject(scene: Scene) -> Course:
        trip = trip_of(source, fault, scene.business_date)
        cleared = scene.at(9)
        step = f"morning_analytics/extract_{source}"
        scene.world.changes.append(
            on(
                step,
                scene.business_date,
                lambda plan: replace(plan, trips=(trip,) * tries, fails=cleared),
            )
        )
        return Course(begins=scene.at(6, 1), mended=cleared, closes_by=cleared + HOUR, step=step)

    return inject


def volume(source: str, factor: float) -> Callable[[Scene], Course]:
    """Return what lets a source have so many times its records, for one day."""

    def inject(scene: Scene) -> Course:
        scene.world.book.volumes[source, scene.business_date] = factor
        return until_next_day(scene, f"morning_analytics/extract_{source}")

    return inject


def until_next_day(scene: Scene, step: str) -> Course:
    """Return a course from the end of a step of the morning to the next day, which is well."""
    return Course(
        begins=scene.at(6, 1), mended=scene.at(6, 0, 1), closes_by=scene.at(8, 0, 1), step=step
    )


def busy_day(scene: Scene) -> Course:
    """Break nothing: on Sunday 6 November 2011 the shop really had 2.4 times a Sunday's orders."""
    return replace(until_next_day(scene, ""), begins=scene.at(6, 0))


def no_rows(scene: Scene) -> Course:
    """Let a real step read files without records."""
    code, said = real_step("delivery", "empty", scene.business_date)
    assert code == 0
    step = "morning_analytics/extract_delivery"
    told = said.model_copy(update={"inputs": ()})
    scene.world.changes.append(on(step, scene.business_date, lambda plan: replace(plan, says=told)))
    return until_next_day(scene, step)


def slower(step: str, factor: float) -> Callable[[Scene], Course]:
    """Return what lets a step take so many times as long, for one day."""

    def inject(scene: Scene) -> Course:
        scene.world.changes.append(
            on(
                step,
                scene.business_date,
                lambda plan: replace(plan, seconds=plan.seconds * factor),
            )
        )
        return until_next_day(scene, step)

    return inject


def memory_grows(scene: Scene) -> Course:
    """Let merge_customers need 10 % more each day, until somebody mends it after a week."""
    first, mended = scene.business_date, scene.business_date + dt.timedelta(days=7)

    def grown(plan: StepPlan, at: dt.datetime) -> StepPlan:
        del at
        if plan.step != "merge_customers" or not first <= plan.day < mended:
            return plan
        factor = 1.1 ** ((plan.day - first).days + 1)
        return replace(plan, memory_bytes=min(plan.memory_bytes * factor, plan.asked_bytes))

    scene.world.changes.append(grown)
    return Course(
        begins=scene.at(6),
        mended=moment(mended, dt.time(6), 1),
        closes_by=moment(mended, dt.time(12), 6),
        every=8 * HOUR,
    )


def quarantine_creeps(scene: Scene) -> Course:
    """Let a third more of the visits be set aside each day, for ten days."""
    first, mended = scene.business_date, scene.business_date + dt.timedelta(days=10)

    def more(plan: StepPlan, at: dt.datetime) -> StepPlan:
        del at
        if plan.step != "extract_web" or not first <= plan.day < mended:
            return plan
        share = 0.004 * 1.35 ** ((plan.day - first).days + 1)
        rows = plan.tables["web_sessions"].rows
        aside = round(rows * share)
        return replace(plan, tables={**plan.tables, "web_sessions": Table(rows - aside, aside)})

    scene.world.changes.append(more)
    return Course(
        begins=scene.at(6),
        mended=moment(mended, dt.time(6), 1),
        closes_by=moment(mended, dt.time(12), 6),
        every=8 * HOUR,
    )


def fails(step: str, trip: Trip, tries: int = 4) -> Callable[[Scene], Course]:
    """Return what lets a step fail by each of its tries, until somebody clears it at 9:30."""

    def inject(scene: Scene) -> Course:
        cleared = scene.at(9, 30)
        scene.world.changes.append(
            on(
                step,
                scene.business_date,
                lambda plan: replace(plan, trips=(trip,) * tries, fails=cleared),
            )
        )
        return Course(begins=scene.at(6, 2), mended=cleared, closes_by=cleared + HOUR, step=step)

    return inject


def retries(scene: Scene) -> Course:
    """Let a step fail once a day, each day, by its own fault: it always goes well in the end."""
    trip = Trip(verdict="step_failed", seconds=60, sentence="KeyError: 'customer'")
    first = scene.business_date
    mended = first + dt.timedelta(days=6)

    def again(plan: StepPlan, at: dt.datetime) -> StepPlan:
        del at
        mine = plan.step == "load_payments" and first <= plan.day < mended
        return replace(plan, trips=(trip,)) if mine else plan

    scene.world.changes.append(again)
    return Course(
        begins=moment(first + dt.timedelta(days=3), dt.time(2, 30), 1),
        mended=moment(mended, dt.time(2, 30), 1),
        closes_by=moment(mended, dt.time(12), 4),
        every=HOUR,
    )


def stuck(scene: Scene) -> Course:
    """Let a step hang until somebody kills it at nine."""
    ends = scene.at(9)
    step = "nightly_finance/load_payments"
    scene.world.changes.append(
        on(step, scene.business_date, lambda plan: replace(plan, stuck_until=ends))
    )
    return Course(begins=scene.at(2, 32), mended=ends, closes_by=scene.at(5, 0, 1))


def skipped(scene: Scene) -> Course:
    """Let Airflow leave the report out, until somebody runs the day again at nine."""
    return until_run_again(
        scene, lambda plan: replace(plan, skipped=True), "morning_analytics/merge_customers"
    )


def until_run_again(
    scene: Scene,
    change: Callable[[StepPlan], StepPlan],
    step: str = "morning_analytics/report_morning",
) -> Course:
    """Change the morning's report step, and run the day again at nine, unchanged."""
    again = scene.at(9)

    def changed(plan: StepPlan, at: dt.datetime) -> StepPlan:
        mine = plan.step == "report_morning" and plan.day == scene.business_date and at < again
        return change(plan) if mine else plan

    scene.world.changes.append(changed)
    run = RunPlan(
        pipeline="morning_analytics",
        run_id=f"manual__{again.isoformat()}",
        day=scene.business_date,
        at=again,
        kind="manual",
    )
    scene.world.extra_runs.append(run)
    return Course(begins=scene.at(6, 4), mended=again, closes_by=again + HOUR, step=step)


def at_risk(scene: Scene) -> Course:
    """Let the merge be tried again so often that the report cannot be up by 06:35."""
    trip = Trip(verdict="temporary", exit_code=75, seconds=330, sentence="No lock on the table")
    step = "morning_analytics/merge_customers"
    scene.world.changes.append(
        on(
            step,
            scene.business_date,
            lambda plan: replace(plan, trips=(trip,) * 3),
        )
    )
    return Course(
        begins=scene.at(6, 10),
        mended=scene.at(6, 31),
        closes_by=scene.at(8),
        step=step,
    )
