"""Numbers are held against each other, against their past, and against what was published."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.monitor.checks.business.numbers import (
    numbers_changed,
    sources_disagree,
    total_off,
)
from stationmaster.monitor.monitoring import Monitoring
from stationmaster.monitor.testing import Story
from tests.monitor_pipeline.morningstory import DAY, PIPELINE, MorningStory, at


def two(left: float, right: float, *, lag: int = 0, **agreed: float) -> Story:
    """Return a story in which two sources say two numbers."""
    monitoring = Monitoring.model_validate(
        {
            "agreements": [
                {
                    "name": "orders in a and b",
                    "left": "a/orders",
                    "right": "b/orders",
                    "why": "They are the same.",
                    "lag_days": lag,
                    **agreed,
                }
            ]
        }
    )
    told = Story(at(DAY, "07:00"), monitoring)
    later = DAY + dt.timedelta(days=lag)
    told.now += dt.timedelta(days=lag)
    told.attempt("p", "a", DAY, at(DAY, "06:00"), figures={"a/orders": left})
    told.attempt("p", "b", later, at(later, "06:00"), figures={"b/orders": right})
    return told


@given(
    st.floats(0, 1e9),
    st.floats(0, 1e9),
    st.floats(0, 0.5),
    st.floats(0, 100),
)
@settings(max_examples=60, deadline=None)
def test_numbers_agree_within_what_is_allowed_and_not_beyond(
    left: float, right: float, relative: float, absolute: float
) -> None:
    """The larger of both allowances counts; which side is the larger does not matter."""
    allowed = max(absolute, relative * max(left, right))
    wanted = abs(left - right) > allowed

    for one, other in ((left, right), (right, left)):
        found = two(one, other, relative=relative, absolute=absolute).found_by(sources_disagree)
        assert bool(found) == wanted


def test_sources_that_disagree_are_told_with_both_numbers_and_why() -> None:
    """One reads which number came from where, and why they should be the same."""
    (found,) = two(1067, 1031, relative=0.01).found_by(sources_disagree)

    assert str(found.subject) == "figure:b/orders"
    assert found.what == (
        "orders in a and b do not agree for Mon 21 Nov: 1,067 by a/orders, 1,031 by b/orders. "
        "They are the same."
    )
    assert found.next_action.startswith("b says the smaller number")


def test_the_right_side_may_come_a_day_later() -> None:
    """With a lag, Monday's left is held against Tuesday's right."""
    assert two(100, 100, lag=1).found_by(sources_disagree) == []
    (found,) = two(100, 50, lag=1).found_by(sources_disagree)
    assert found.business_date == DAY


def test_a_side_that_is_not_there_is_late_and_does_not_disagree() -> None:
    """Only days that both sides have said are compared."""
    told = two(100, 100)
    following = DAY + dt.timedelta(days=1)
    told.attempt("p", "a", following, at(following, "06:00"), figures={"a/orders": 7.0})
    told.now = at(following, "07:00")

    assert told.found_by(sources_disagree) == []


def test_an_old_disagreement_is_no_news() -> None:
    """What nobody mended for days is not told for ever."""
    told = two(100, 50)
    told.now += dt.timedelta(days=3)

    assert told.found_by(sources_disagree) == []


def test_the_parts_of_a_split_step_add_up() -> None:
    """Two shards say their own parts; until both are done there is no number."""
    told = two(100, 100)
    following = DAY + dt.timedelta(days=1)
    told.now = at(following, "07:00")
    told.attempt("p", "a", following, at(following, "06:00"), figures={"a/orders": 90.0})
    shard: dict[str, Any] = {"shards": 2, "try_id": "t", "run_id": "r"}
    begun = at(following, "06:00")
    told.attempt("p", "b", following, begun, part_figures={"b/orders": 40.0}, shard=0, **shard)
    assert told.facts().figures.days("b/orders").get(following) is None

    told.attempt("p", "b", following, begun, part_figures={"b/orders": 50.0}, shard=1, **shard)

    assert told.facts().figures.days("b/orders")[following] == 90.0
    assert told.found_by(sources_disagree) == []


@pytest.mark.parametrize(("factor", "word"), [(0.4, "% below"), (2.2, "2.1 times")])
def test_a_total_far_from_its_history_is_told(factor: float, word: str) -> None:
    """Both ways, with what such a day has."""
    told = MorningStory(at(DAY, "07:00"))
    told.mornings(DAY - dt.timedelta(days=1), 60)
    told.report(DAY, rows=int(told.orders(DAY) * factor))

    (found,) = told.found_by(total_off)

    assert str(found.subject) == "figure:morning_report/revenue"
    assert word in found.what or "2.2 times" in found.what
    assert found.owner == "analytics"


def test_a_total_of_a_short_history_is_not_judged() -> None:
    """A week is no history: the first days of a pipeline are quiet."""
    told = MorningStory(at(DAY, "07:00"))
    told.mornings(DAY - dt.timedelta(days=1), 7)
    told.report(DAY, rows=1)

    assert told.found_by(total_off) == []


def test_a_number_that_changed_after_people_read_it_is_told_for_a_day() -> None:
    """Which it was, which it is, since when, and who has read it; the next day it is over."""
    told = MorningStory(at(DAY, "11:00"))
    told.mornings(DAY, 5)
    told.report(DAY, rows=500, clock="10:00")

    found = told.found_by(numbers_changed)

    assert {str(each.subject) for each in found} == {
        "figure:morning_report/revenue",
        "figure:morning_report/web_orders",
    }
    assert found[0].affected == ("management",)
    assert found[0].since == at(DAY, "10:02")
    told.now += dt.timedelta(days=1)
    assert told.found_by(numbers_changed) == []


def test_a_number_that_is_said_again_or_corrected_at_once_has_not_changed() -> None:
    """A task that is cleared says the same; what is corrected within minutes nobody has read."""
    told = MorningStory(at(DAY, "11:00"))
    told.mornings(DAY, 5)
    told.report(DAY, rows=told.orders(DAY), clock="10:00")
    told.report(DAY - dt.timedelta(days=1), rows=3, clock="06:20")
    told.now = at(DAY, "10:30")

    assert told.found_by(numbers_changed) == []


def test_a_figure_of_another_day_is_that_days() -> None:
    """A cumulative step says later days anew within the run of an older one."""
    told = MorningStory(at(DAY, "11:00"))
    told.mornings(DAY, 5)
    name = f"morning_report/revenue@{DAY}"
    old = DAY - dt.timedelta(days=3)
    told.attempt(PIPELINE, "report", old, at(DAY, "10:00"), figures={name: 1.0})

    (found,) = told.found_by(numbers_changed)

    assert found.business_date == DAY
    assert found.got == "1"
