"""Guess which new field took the place of one that is gone."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Candidate", "likeness", "paired"]

_NAMES_ALIKE: Final = 0.6
_MOSTLY: Final = 0.8
_NEARLY_ALL: Final = 0.95
_SAME_FATE: Final = 0.9
_WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """Hold a field that is gone and a new one beside it."""

    gone: str
    new: str
    alike: float
    """Share of the new one's values that keep the old one's promise, where the old one is gone."""
    together: float
    """Share of the objects without the old one that have the new one."""
    instead: float
    """Share of the objects with the new one that lack the old one."""
    distinct: bool
    """Whether the old one's promise tells it from others: a format, an enumeration, fields."""

    @property
    def score(self) -> tuple[float, float, float]:
        """Return how good it is: by name, then by values, then by where they are."""
        return likeness(self.gone, self.new), self.alike, self.together


def likeness(one: str, other: str) -> float:
    """Return how much two names are alike, 0 to 1; case and punctuation do not count."""
    if _bare(one) == _bare(other):
        return 1.0
    words, others = _words(one), _words(other)
    shared = len(words & others) / max(len(words | others), 1)
    letters = difflib.SequenceMatcher(a=_bare(one), b=_bare(other)).ratio()
    return max(shared, letters)


def paired(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Return which new field each gone one became, each at most once.

    Names that are alike need values that mostly are; other names need values that nearly all
    are, an old field that can be told from others or that was the only one to go, and a new one
    that stands wherever the old one is missing. A new one that stands beside the old one took
    nobody's place.
    """
    all_of_them = list(candidates)
    gone = {one.gone for one in all_of_them}
    new = {one.new for one in all_of_them}
    alone = len(gone) == 1 and len(new) == 1
    chosen: list[Candidate] = []
    for one in sorted(all_of_them, key=lambda one: (one.score, one.gone, one.new), reverse=True):
        by_name = likeness(one.gone, one.new) >= _NAMES_ALIKE and one.alike >= _MOSTLY
        by_value = one.alike >= _NEARLY_ALL and one.together >= _SAME_FATE
        likely = by_name or (by_value and (one.distinct or alone))
        if likely and one.instead >= _SAME_FATE and one.gone in gone and one.new in new:
            chosen.append(one)
            gone.discard(one.gone)
            new.discard(one.new)
    return chosen


def _bare(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _words(name: str) -> set[str]:
    return {word.lower() for word in _WORDS.findall(name)}
