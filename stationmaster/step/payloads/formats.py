"""Formats of texts in payloads: which one a text has, and which ones a contract's word covers.

Names are those of JSON Schema where it has one
(https://json-schema.org/understanding-json-schema/reference/string#format); ours say which
variant of a date it is, since a reader of one breaks on another.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["BLANK", "DATES", "KNOWN", "covers", "format_of", "is_date", "told_apart", "widened"]

_DAY: Final = r"(?:19|20|21)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])"
_CLOCK: Final = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d|:60)?"
_SLASHED: Final = r"(?P<one>[0-3]?\d)[/.](?P<two>[0-3]?\d)[/.](?:19|20|21)\d\d"

_PATTERNS: Final[tuple[tuple[str, re.Pattern[str]], ...]] = tuple(
    (name, re.compile(pattern))
    for name, pattern in (
        ("date", _DAY),
        ("date-time-utc", rf"{_DAY}T{_CLOCK}Z"),
        ("date-time-utc-fraction", rf"{_DAY}T{_CLOCK}\.\d+Z"),
        ("date-time-offset", rf"{_DAY}T{_CLOCK}[+-]\d\d:?\d\d"),
        ("date-time-offset-fraction", rf"{_DAY}T{_CLOCK}\.\d+[+-]\d\d:?\d\d"),
        ("date-time-local", rf"{_DAY}T{_CLOCK}"),
        ("date-time-local-fraction", rf"{_DAY}T{_CLOCK}\.\d+"),
        ("date-time-spaced", rf"{_DAY} {_CLOCK}(?:\.\d+)?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?"),
        ("date-slashed", _SLASHED),
        ("date-time-slashed", rf"{_SLASHED},? {_CLOCK}(?: ?[AaPp][Mm])?"),
        (
            "http-date",
            r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d? [A-Z][a-z]{2} \d{4} [\d:]{5,8} .{3,5}",
        ),
        ("time", r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?"),
        ("uuid", r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"),
        ("email", r"[^\s@<>\"]+@[^\s@<>\"]+\.[^\s@<>\"]+"),
        ("uri", r"[A-Za-z][A-Za-z0-9+.-]*:[^\s{}<>]+"),
        ("uri-template", r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>]+"),
        ("ipv4", r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)"),
        ("digits", r"\d+"),
        ("decimal", r"[+-]?\d+\.\d+"),
        ("decimal-comma", r"[+-]?\d+,\d{1,4}"),
        ("signed-digits", r"[+-]\d+"),
    )
)
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4}){4,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")

_ZONED: Final = (
    "date-time-utc",
    "date-time-utc-fraction",
    "date-time-offset",
    "date-time-offset-fraction",
)
_COVERED: Final[Mapping[str, tuple[str, ...]]] = {
    "date-time": _ZONED,
    "uri-template": ("uri",),
    "date-slashed": ("date-slashed-day-first", "date-slashed-month-first"),
    "date-time-slashed": ("date-time-slashed-day-first", "date-time-slashed-month-first"),
    "date-slashed-day-first": ("date-slashed",),
    "date-slashed-month-first": ("date-slashed",),
    "date-time-slashed-day-first": ("date-time-slashed",),
    "date-time-slashed-month-first": ("date-time-slashed",),
    "number-text": ("digits", "signed-digits", "decimal"),
}
"""What a contract's word allows beside itself; 1/2/2011 may be either."""

DATES: Final = frozenset(
    {name for name, _ in _PATTERNS if name.startswith(("date", "time", "http"))}
    | set(_COVERED) - {"number-text"}
)
"""Formats of dates and times."""

BLANK: Final = "blank"
"""Nothing, or only spaces."""

KNOWN: Final = DATES | {name for name, _ in _PATTERNS} | {"base64", "number-text", BLANK}
"""All names that `format_of` and contracts use; others are words for people."""

_LONGEST: Final = 400
_MONTHS: Final = 12


def format_of(text: str) -> str:
    """Return the format of a text: empty for plain text, `blank` where there is none."""
    return "" if len(text) > _LONGEST else _format_of(text)


@lru_cache(maxsize=65_536)
def _format_of(text: str) -> str:
    if not text or text.isspace():
        return BLANK
    for name, pattern in _PATTERNS:
        if match := pattern.fullmatch(text):
            return _side(name, match) if name.endswith("slashed") else name
    return "base64" if _is_base64(text) else ""


def _side(name: str, match: re.Match[str]) -> str:
    """Say which number is the day, where one of them can be nothing else."""
    if int(match["one"]) > _MONTHS:
        return f"{name}-day-first"
    return f"{name}-month-first" if int(match["two"]) > _MONTHS else name


def _is_base64(text: str) -> bool:
    kinds = (str.isupper, str.islower, str.isdigit)
    mixed = all(any(kind(letter) for letter in text) for kind in kinds)
    return mixed and _BASE64.fullmatch(text) is not None


@lru_cache(maxsize=4096)
def covers(promised: tuple[str, ...], found: str) -> bool:
    """Tell whether a text of one format keeps a promise of formats."""
    return any(found == name or found in _COVERED.get(name, ()) for name in promised)


def is_date(names: Iterable[str]) -> bool:
    """Tell whether one of the formats is of a date or a time."""
    return any(name in DATES for name in names)


def told_apart(promised: Iterable[str], found: str) -> str:
    """Return a format's name for people: which number is the day matters where it did before."""
    if any("slashed" in name for name in promised):
        return found
    return found.removesuffix("-day-first").removesuffix("-month-first")


def widened(names: Iterable[str]) -> tuple[str, ...]:
    """Return the formats that were seen as a promise: sorted, settled, empty where texts are plain.

    Slashed dates of one field have one order, so those that could be either follow the others.
    """
    found = set(names)
    if "" in found or found <= {BLANK}:
        return ()
    for stem in ("date-slashed", "date-time-slashed"):
        sides = {f"{stem}-day-first", f"{stem}-month-first"}
        if found & sides:
            found.discard(stem)
    figures = found & set(_COVERED["number-text"])
    if len(figures) > 1 and figures == found - {BLANK}:
        found = (found - figures) | {"number-text"}
    return tuple(sorted(found))
