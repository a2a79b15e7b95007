"""Numbers as people say them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from report_morning import wording
from report_morning.morning import compared

if TYPE_CHECKING:
    from report_morning.model import Compared


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "£0"),
        (9.5, "£9.50"),
        (999.99, "£999.99"),
        (1000.4, "£1,000"),
        (2.5e9, "£2.50bn"),
        (-12, "\N{MINUS SIGN}£12.00"),
    ],
)
def test_money_has_pence_below_a_thousand(value: float, said: str) -> None:
    """Pence matter in an average order, not in a day's revenue."""
    assert wording.money(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "£0"), (950, "£950"), (1500, "£1.5k"), (40_000, "£40k"), (2e8, "£200m"), (3e9, "£3bn")],
)
def test_short_money_fits_an_axis(value: float, said: str) -> None:
    """An axis label has at most five characters."""
    assert wording.money_short(value) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (compared(110, 100), "up 10.0%"),
        (compared(90, 100), "down 10.0%"),
        (compared(100, 100), "the same as a week before"),
        (compared(5, 0), "none a week before"),
        (compared(0, 0), "none a week before either"),
        (compared(5, None), "nothing to compare with"),
    ],
)
def test_a_change_is_honest(number: Compared, said: str) -> None:
    """Against nought there is no per cent, against an unknown day no change."""
    assert wording.change(number) == said


def test_clock_names_another_day() -> None:
    """A moment of another day carries its date."""
    day = dt.date(2011, 11, 21)
    moment = dt.datetime(2011, 11, 22, 0, 5, tzinfo=dt.UTC)

    assert wording.clock(moment, day) == "00:05 on 22 November"
    assert wording.clock(moment - dt.timedelta(minutes=6), day) == "23:59"


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("email_required", "email is missing"),
        ("revenue_exclusive_minimum", "revenue is too small"),
        ("key_unique", "the same key came before"),
        ("items_cover_lines", "items cover lines"),
        ("not_csv", "lines that cannot be read"),
    ],
)
def test_rules_are_told_in_words(rule: str, said: str) -> None:
    """A manager reads what is wrong with a row, not the rule's name."""
    assert wording.rule_meaning(rule) == said
