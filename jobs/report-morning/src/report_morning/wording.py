"""Numbers, dates and durations as a person says them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import datetime as dt

    from report_morning.model import Compared

__all__ = [
    "change",
    "clock",
    "count",
    "day_long",
    "day_short",
    "duration",
    "head",
    "listed",
    "money",
    "money_short",
    "percent",
    "pounds",
    "rule_meaning",
    "signed",
    "tail",
]

_NONE: Final = "\N{EN DASH}"
_MINUS: Final = "\N{MINUS SIGN}"
_BROKEN_RULES: Final = {
    "_required": "is missing",
    "_type": "is of the wrong type",
    "_exclusive_minimum": "is too small",
    "_minimum": "is too small",
    "_exclusive_maximum": "is too large",
    "_maximum": "is too large",
    "_multiple_of": "is no whole multiple",
    "_min_length": "is too short",
    "_max_length": "is too long",
    "_pattern": "is written another way than promised",
    "_valid_values": "is none of the known values",
    "_unique": "came before",
}
"""Endings of the rule names that contracts give (docs/datasets.md), the longer first."""
_EXTRACT_RULES: Final = {
    "key_unique": "the same key came before",
    "duplicate_key": "two different records have one number",
    "not_json": "lines that cannot be read",
    "not_csv": "lines that cannot be read",
    "missing_field": "a field is missing",
    "wrong_type": "a field is of the wrong type",
    "no_key": "records without a number",
    "bad_time": "the time cannot be read",
    "bad_amount": "the amount cannot be read",
    "wrong_day": "records of another day",
}
"""Rules that carry no column in their name: those of the extract jobs."""
_HOURS_SPOKEN_AS_HOURS: Final = 48
_WHOLE_POUNDS_FROM: Final = 1_000
_BILLION: Final = 1e9
_STEADY_PERCENT: Final = 0.05


def count(value: float) -> str:
    """Write a whole number with thousands separators."""
    return f"{value:,.0f}".replace("-", _MINUS)


def signed(value: float) -> str:
    """Write a whole number with its sign, nought without."""
    return f"+{count(value)}" if value > 0 else count(value)


def money(value: float) -> str:
    """Write pounds and pence; without pence for nought, and from 1,000 pounds on."""
    if abs(value) >= _WHOLE_POUNDS_FROM or not value:
        return pounds(value)
    return f"{_MINUS if value < 0 else ''}£{abs(value):.2f}"


def pounds(value: float) -> str:
    """Write whole pounds, for a column of amounts; from a billion on only as many as fit."""
    size = abs(value)
    text = f"£{size / _BILLION:,.2f}bn" if size >= _BILLION else f"£{size:,.0f}"
    return _MINUS + text if value < 0 else text


def money_short(value: float) -> str:
    """Write pounds in at most five characters for a chart: £31k, £1.2m."""
    for size, unit in ((_BILLION, "bn"), (1e6, "m"), (1e3, "k")):
        if abs(value) >= size:
            scaled = value / size
            return f"£{scaled:.3g}{unit}"
    return f"£{value:.0f}"


def percent(value: float | None, digits: int = 0) -> str:
    """Write a share; a dash where there is none."""
    return _NONE if value is None else f"{value:,.{digits}f}%".replace("-", _MINUS)


def change(number: Compared) -> str:
    """Write the change against the week before in words, honest where there is none."""
    if number.previous_week is None:
        return "nothing to compare with"
    if number.change_percent is None:
        return "none a week before" if number.value else "none a week before either"
    if abs(number.change_percent) < _STEADY_PERCENT:
        return "the same as a week before"
    way = "up" if number.change_percent > 0 else "down"
    return f"{way} {abs(number.change_percent):,.1f}%"


def day_long(day: dt.date) -> str:
    """Write Monday 21 November 2011."""
    return f"{day:%A} {day.day} {day:%B %Y}"


def day_short(day: dt.date) -> str:
    """Write Monday 21 November."""
    return f"{day:%A} {day.day} {day:%B}"


def clock(moment: dt.datetime, business_date: dt.date) -> str:
    """Write the time of day; with the date where it is not the business date's."""
    text = f"{moment:%H:%M}"
    if moment.date() == business_date:
        return text
    return f"{text} on {moment.day} {moment:%B}"


def duration(hours: float | None) -> str:
    """Write hours up to two days, days beyond."""
    if hours is None:
        return _NONE
    if hours < _HOURS_SPOKEN_AS_HOURS:
        return f"{hours:.0f} h"
    return f"{hours / 24:.1f} days"


def head(sentence: str) -> str:
    """Return what stands before a sentence's colon."""
    return sentence.partition(":")[0].strip().removesuffix(".")


def tail(sentence: str) -> str:
    """Return what stands behind a sentence's colon, empty without one."""
    return sentence.partition(":")[2].strip().removesuffix(".")


def listed(words: list[str]) -> str:
    """Join words as a sentence does: a, b and c."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def rule_meaning(rule: str) -> str:
    """Turn a contract rule's name into words: `email_required` -> email is missing."""
    if rule in _EXTRACT_RULES:
        return _EXTRACT_RULES[rule]
    for suffix, words in _BROKEN_RULES.items():
        if rule.endswith(suffix):
            return f"{rule.removesuffix(suffix)} {words}".replace("_", " ")
    return rule.replace("_", " ").replace(".", ": ")
