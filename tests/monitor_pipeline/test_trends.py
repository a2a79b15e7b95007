"""What is off is told once, late data is not low data, and a new level becomes normal."""

from __future__ import annotations

import datetime as dt

import pytest

from stationmaster.monitor.checks.pipeline.forecasts import (
    latency_creeping,
    memory_outgrown,
    pool_outgrown,
    quarantine_creeping,
)
from stationmaster.monitor.checks.pipeline.trends import cost_off, step_slower
from stationmaster.monitor.checks.pipeline.volumes import volume_off
from tests.monitor_pipeline.morningstory import DAY, PIPELINE, MorningStory, aside, at

BEFORE = DAY - dt.timedelta(days=1)


def story(days: int = 60, clock: str = "07:00") -> MorningStory:
    """Return mornings that went well up to the day before."""
    told = MorningStory(at(DAY, clock))
    told.mornings(BEFORE, days)
    return told


@pytest.mark.parametrize(("factor", "word"), [(0.4, "fewer"), (2.5, "more"), (0.0, "fewer")])
def test_far_fewer_or_far_more_rows_are_told_at_once(factor: float, word: str) -> None:
    """On the first day, by dataset, with what was expected and what came."""
    told = story()
    told.morning(DAY, factor=factor)

    *found, cause = told.found_by(volume_off)

    assert [each.subject.name for each in found] == ["web_orders", "app_orders"]
    assert all(f"{word} than on such a day" in each.what for each in found)
    assert str(cause.subject) == f"pipeline:{PIPELINE}"
    assert f"2 datasets of {PIPELINE} have far {word} rows" in cause.what
    assert {each.business_date for each in found} == {DAY}
    assert found[0].affected == ("management",)


def test_one_source_that_is_off_is_no_trouble_of_the_whole_pipeline() -> None:
    """Only what does not come of each other, and is off together, has one cause above it."""
    told = story()
    told.morning(DAY, skip=("extract_web",))
    told.extract("web", DAY, rows=told.orders(DAY) * 3)

    (found,) = told.found_by(volume_off)

    assert str(found.subject) == "dataset:web_orders"


def test_a_low_day_of_the_week_is_not_low() -> None:
    """Sunday has half of Monday's orders, and always had."""
    told = MorningStory(at(BEFORE, "07:00"))
    told.mornings(BEFORE, 60)

    assert told.found_by(volume_off) == []


def test_what_has_not_come_yet_is_late_and_not_low() -> None:
    """A day that is not published has no volume to be off."""
    told = story(clock="09:00")

    assert told.found_by(volume_off) == []


def test_a_day_that_is_written_again_every_hour_is_not_low_before_it_is_over() -> None:
    """Each hourly run writes the day so far: at noon it is not whole, and may only be too much."""
    told = MorningStory()
    for back in range(30, -1, -1):
        day = DAY - dt.timedelta(days=back)
        for hour in range(24):
            when = dt.datetime.combine(day, dt.time(hour, 50), dt.UTC)
            rows = {"web_orders": 40 * (hour + 1)}
            told.attempt("hourly", "extract", day, when, outputs=rows, run_id=f"{day}T{hour}")

    for clock in ("00:55", "06:00", "12:30", "23:40"):
        told.now = dt.datetime.combine(DAY, dt.time.fromisoformat(clock), dt.UTC)
        assert told.found_by(volume_off) == []
    told.now = dt.datetime.combine(DAY, dt.time(12, 58), dt.UTC)
    told.attempt(
        "hourly", "extract", DAY, told.now, seconds=1, outputs={"web_orders": 9_000}, run_id="x"
    )
    told.now += dt.timedelta(minutes=1)
    assert [each.subject.name for each in told.found_by(volume_off)] == ["web_orders"]


def test_one_fault_is_one_finding_for_as_long_as_it_lasts_and_then_the_new_normal() -> None:
    """Halved from one day on: the same key each day, since the first; after a week it is normal."""
    told = story()
    keys = set()
    for ahead in range(12):
        day = DAY + dt.timedelta(days=ahead)
        told.morning(day, factor=0.4)
        told.now = at(day, "07:00")
        found = told.found_by(volume_off)
        keys |= {str(each.key) for each in found}
        if ahead == 4:
            assert "So it is since Mon 21 Nov" in found[0].what

    assert keys == {
        "volume-off dataset:web_orders 2011-11-21",
        "volume-off dataset:app_orders 2011-11-21",
        f"volume-off pipeline:{PIPELINE} 2011-11-21",
    }
    assert told.found_by(volume_off) == []


def test_the_day_after_is_normal_again_and_the_finding_is_gone() -> None:
    """A single low day is no finding any more once the next one is as it should be."""
    told = story()
    told.morning(DAY, factor=0.4)
    told.morning(DAY + dt.timedelta(days=1))
    told.now = at(DAY + dt.timedelta(days=1), "07:00")

    assert told.found_by(volume_off) == []


def test_a_holiday_is_not_off() -> None:
    """The calendar knows it."""
    told = story()
    told.morning(DAY, factor=0.2)
    told.monitoring = told.monitoring.model_validate(
        {**told.monitoring.model_dump(), "calendar": [{"date": DAY, "why": "a strike"}]}
    )

    assert told.found_by(volume_off) == []


def test_a_step_that_takes_three_times_as_long_is_told() -> None:
    """Four minutes became twelve; a faster one is nobody's trouble."""
    told = story()
    told.attempt(PIPELINE, "extract_web", DAY, at(DAY, "06:00"), seconds=740)
    told.attempt(PIPELINE, "extract_app", DAY, at(DAY, "06:00"), seconds=60)

    (found,) = told.found_by(step_slower)

    assert found.step == "extract_web"
    assert "took 12 min" in found.what
    assert "usually takes 4 min" in found.what


def test_a_step_of_seconds_may_take_some_more() -> None:
    """Three times two seconds is six seconds: nobody waits for that."""
    told = MorningStory()
    for back in range(40, 0, -1):
        day = DAY - dt.timedelta(days=back)
        told.attempt(PIPELINE, "quick", day, at(day, "06:00"), seconds=2.0)
    told.attempt(PIPELINE, "quick", DAY, at(DAY, "06:00"), seconds=20.0)

    assert told.found_by(step_slower) == []


def test_a_share_set_aside_that_grows_day_by_day_is_foretold() -> None:
    """Three in a hundred, growing by five per cent a day."""
    told = MorningStory(at(DAY, "07:00"))
    for back in range(40, -1, -1):
        day = DAY - dt.timedelta(days=back)
        share = 0.03 * 1.05 ** max(0, 12 - back)
        aside(told, day, round(1000 * share + day.toordinal() % 3))

    (found,) = told.found_by(quarantine_creeping)

    assert found.foretold
    assert found.step == "extract_web"


def grown(told: MorningStory, days: int, growth: float, **fields: float) -> None:
    """Let web's extract have grown for so many days by so much a day."""
    for back in range(days, -1, -1):
        day = DAY - dt.timedelta(days=back)
        times = (1 + growth) ** (days - back) * (1 + (day.toordinal() % 5) / 100)
        told.attempt(
            PIPELINE,
            "extract_web",
            day,
            at(day, "06:00"),
            seconds=fields.get("seconds", 60.0) * (times if "seconds" in fields else 1),
            asked_memory_bytes=2**30,
            peak_memory_bytes=int(fields.get("peak", 2**28) * (times if "peak" in fields else 1)),
            node_pool="steps",
        )


def test_memory_that_grows_is_told_days_before_it_runs_out() -> None:
    """Nine per cent a day: when, from when to when, and which size to give it."""
    told = MorningStory(at(DAY, "07:00"))
    grown(told, 20, 0.05, peak=300 * 2**20)

    (found,) = told.found_by(memory_outgrown)

    assert "out of memory in" in found.what
    assert "Recommended:" in found.next_action
    assert found.foretold
    days = found.evidence["days_earliest"], found.evidence["days_latest"]
    assert isinstance(days[0], float)
    assert 0 < days[0] <= 8


def leaking(days: int) -> MorningStory:
    """Return a story in which merging took the same for weeks, and of late a tenth more a day."""
    told = MorningStory(at(DAY, "07:00"))
    for back in range(39, -1, -1):
        day = DAY - dt.timedelta(days=back)
        times = 1.1 ** max(0, days - back) * (1 + (day.toordinal() % 5) / 100)
        told.attempt(
            PIPELINE,
            "merge_customers",
            day,
            at(day, "06:00"),
            asked_memory_bytes=2**30,
            peak_memory_bytes=int(times * 600 * 2**20),
        )
    return told


def test_memory_that_runs_out_within_days_is_told_on_the_first_day_that_shows_it() -> None:
    """A second day to make sure of it might be the one on which the step breaks."""
    assert leaking(4).found_by(memory_outgrown) == []
    (found,) = leaking(5).found_by(memory_outgrown)

    assert "out of memory in 1 to" in found.what


def test_what_does_not_grow_or_does_not_run_any_more_is_not_foretold() -> None:
    """Steady memory and durations have no forecast; nor has what was taken away a week ago."""
    told = MorningStory(at(DAY, "07:00"))
    grown(told, 40, 0.0, peak=300 * 2**20)
    gone = MorningStory(at(DAY + dt.timedelta(days=7), "07:00"))
    grown(gone, 20, 0.05, peak=300 * 2**20)

    for check in (memory_outgrown, latency_creeping, quarantine_creeping, pool_outgrown):
        assert told.found_by(check) == []
        assert gone.found_by(check) == []


def test_a_step_that_creeps_slower_is_foretold() -> None:
    """Five minutes, three per cent more each day: heading for twice what it was."""
    told = MorningStory(at(DAY, "07:00"))
    grown(told, 20, 0.0, seconds=300)
    creeping = MorningStory(at(DAY, "07:00"))
    grown(creeping, 24, 0.03, seconds=300)

    assert told.found_by(latency_creeping) == []
    (found,) = creeping.found_by(latency_creeping)
    assert found.foretold
    assert "twice what it was" in found.what


def test_a_pool_that_what_runs_at_once_outgrows_is_foretold() -> None:
    """Each day a little more of it runs at the same time, and the pool's cap is near."""
    told = MorningStory(at(DAY, "07:00"))
    for back in range(30, -1, -1):
        day = DAY - dt.timedelta(days=back)
        memory = int(9 * 2**30 * 1.02 ** (30 - back))
        told.attempt(
            PIPELINE, "extract_web", day, at(day, "06:00"), asked_memory_bytes=memory,
            node_pool="steps",
        )  # fmt: skip

    (found,) = told.found_by(pool_outgrown)

    assert str(found.subject) == "pool:steps"
    assert "steps wait for nodes" in found.what


def test_a_day_that_costs_far_more_is_told_and_catching_up_is_not_dear() -> None:
    """Three times as dear for one day's run; ten days in one are ten times as dear, rightly."""
    told = story(clock="12:00")
    told.morning(DAY)
    today = DAY + dt.timedelta(days=1)
    for back in range(1, 50):
        told.cost(PIPELINE, today - dt.timedelta(days=back), 5.0 + back % 3 / 10)
    assert told.found_by(cost_off) == []

    told.cost(PIPELINE, DAY, 16.0)
    (found,) = told.found_by(cost_off)
    assert "cost 16.00 USD" in found.what
    assert found.got == "16.00 USD"


def test_a_budget_is_held() -> None:
    """What costs more than its budget is told without any past."""
    told = story(clock="12:00", days=3)
    told.monitoring = told.monitoring.model_validate(
        {"pipelines": {PIPELINE: {"budget_usd_a_day": 2.0, "owner": "analytics"}}}
    )
    told.cost(PIPELINE, DAY, 2.5)

    (found,) = told.found_by(cost_off)

    assert found.expected == "a budget of 2.00 USD"
    assert found.owner == "analytics"
