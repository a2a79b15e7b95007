"""The shape an upstream's records were promised to have, and what to say when it changes.

A shape is written as the record looks:

    TICKETS: Shape = {
        "ticket_id": Kind.TEXT,
        "customer": {"email": Kind.TEXT_OR_NULL, "name": Kind.TEXT},
        "lines": [{"quantity": Kind.WHOLE, "description": Kind.UNREAD}],
    }

Each field has to be there; one that may be empty is null, not left out.
"""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeAlias

from stationmaster.step.errors import ContractBrokenError

__all__ = ["Census", "Kind", "Problem", "Shape"]


class Kind(StrEnum):
    """What a field holds."""

    TEXT = "text"
    TEXT_OR_NULL = "text or null"
    WHOLE = "a whole number"
    FLAG = "true or false"
    UNREAD = "anything"
    """Known to be there, not read."""


Shape: TypeAlias = Mapping[str, "Kind | Shape | Sequence[Shape]"]

_MAX_NAMED: Final = 3
_MAX_WHOLE: Final = 2**63
_SIMILAR: Final = 0.6
_SHOWN: Final = 30


@dataclass(frozen=True, order=True)
class Problem:
    """Name one field that is not as promised, and what stood there."""

    path: str
    expected: str
    got: str = ""
    """What kind of value came; empty when the field is gone."""
    example: str = field(default="", compare=False)

    @property
    def rule(self) -> str:
        """Return the rule that a record with this problem breaks."""
        return "wrong_type" if self.got else "missing_field"

    @property
    def sentence(self) -> str:
        """Return the problem in words."""
        return f"`{self.path}` {self.what_came}, expected {self.expected}"

    @property
    def what_came(self) -> str:
        """Return what stands where the field was promised."""
        if not self.got:
            return "is gone"
        return f"is {self.got} ({self.example})" if self.example else f"is {self.got}"


@dataclass
class Census:
    """Count what is wrong in a set of records of one shape."""

    shape: Shape
    records: int = 0
    problems: Counter[Problem] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)

    def add(self, record: Mapping[str, object], *, times: int = 1) -> list[Problem]:
        """Count a record, or as many records of the same fields; return its problems."""
        self.records += times
        problems: list[Problem] = []
        unknown: set[str] = set()
        _look_into(record, self.shape, "", problems, unknown)
        self.problems.update(dict.fromkeys(problems, times))
        self.unknown.update(dict.fromkeys(unknown, times))
        return problems

    def error(self, where: str, *, hint: str) -> ContractBrokenError:
        """Return the error that names each changed field, how often, and what it may be now."""
        named = self.problems.most_common(_MAX_NAMED)
        more = len(self.problems) - len(named)
        expected = ", ".join(f"`{problem.path}` ({problem.expected})" for problem, _ in named)
        got = "; ".join(self._finding(problem, count) for problem, count in named)
        if more > 0:
            got += f"; and {more} more fields"
        return ContractBrokenError(where, expected=expected, got=got, hint=hint)

    def _finding(self, problem: Problem, count: int) -> str:
        share = f"{count:,} of {self.records:,} records"
        if problem.got:
            return f"`{problem.path}` {problem.what_came} in {share}"
        guess = self._new_name(problem)
        if not guess:
            return f"`{problem.path}` is gone from {share}"
        seen = f"{self.unknown[guess]:,} of {self.records:,}"
        alike = _bare(guess) == _bare(problem.path)
        likeness = "looks the same" if alike else "may be it"
        return f"`{problem.path}` is gone from {share}, `{guess}` is new in {seen} and {likeness}"

    def _new_name(self, problem: Problem) -> str:
        """Guess which new field beside the one that is gone took its place."""
        parent = problem.path.rpartition(".")[0]
        beside = [path for path in self.unknown if path.rpartition(".")[0] == parent]
        scores = {path: _likeness(path, problem.path) for path in beside}
        best = max(beside, key=lambda path: scores[path], default="")
        if best and (scores[best] >= _SIMILAR or len(beside) == 1):
            return best
        return ""


def _bare(path: str) -> str:
    return "".join(letter for letter in path.lower() if letter.isalnum())


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(a=_bare(one), b=_bare(other)).ratio()


def _look_into(
    value: Mapping[str, object],
    shape: Shape,
    path: str,
    problems: list[Problem],
    unknown: set[str],
) -> None:
    for name, part in shape.items():
        here = f"{path}{name}"
        if name not in value:
            problems.append(Problem(here, _promise(part)))
        elif isinstance(part, Kind):
            if not _is_kind(value[name], part):
                problems.append(_wrong(here, part, value[name]))
        else:
            _look_below(value[name], part, here, problems, unknown)
    if len(value) > len(shape) or problems:
        unknown.update(f"{path}{name}" for name in value.keys() - shape.keys())


def _look_below(
    value: object,
    part: Shape | Sequence[Shape],
    here: str,
    problems: list[Problem],
    unknown: set[str],
) -> None:
    if isinstance(part, Mapping) and isinstance(value, Mapping):
        _look_into(value, part, f"{here}.", problems, unknown)
    elif not isinstance(part, Mapping) and isinstance(value, list):
        for item in value:
            if isinstance(item, Mapping):
                _look_into(item, part[0], f"{here}[].", problems, unknown)
            else:
                problems.append(Problem(f"{here}[]", "an object", _word(item), _shown(item)))
    else:
        problems.append(_wrong(here, part, value))


def _wrong(here: str, part: Kind | Shape | Sequence[Shape], value: object) -> Problem:
    return Problem(here, _promise(part), _word(value), _shown(value))


def _promise(part: Kind | Shape | Sequence[Shape]) -> str:
    if isinstance(part, Kind):
        return part.value
    return "an object" if isinstance(part, Mapping) else "a list"


def _is_kind(value: object, kind: Kind) -> bool:
    if kind is Kind.UNREAD:
        return True
    if kind is Kind.WHOLE:
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _MAX_WHOLE
    if kind is Kind.FLAG:
        return isinstance(value, bool)
    return isinstance(value, str) or (value is None and kind is Kind.TEXT_OR_NULL)


def _word(value: object) -> str:
    """Say what kind of value this is."""
    if isinstance(value, bool):
        return "true or false"
    words: dict[type, str] = {int: "a whole number", float: "a number", str: "text", list: "a list"}
    return "null" if value is None else words.get(type(value), "an object")


def _shown(value: object) -> str:
    return json.dumps(value)[:_SHOWN] if isinstance(value, str | int | float) else ""
