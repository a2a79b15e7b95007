"""What differs between a contract and what came, in words that are the same everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from stationmaster.step.payloads.formats import is_date

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stationmaster.step.payloads.fields import Field

__all__ = [
    "BREAKING",
    "Change",
    "Finding",
    "Severity",
    "described",
    "format_change",
    "in_order",
    "rendered",
    "shown",
]

_SHOWN_VALUES: Final = 8
_WORDS: Final = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
}


class Change(StrEnum):
    """What happened to a place."""

    REMOVED = "removed"
    RENAMED = "renamed"
    OPTIONAL = "optional"
    """It was always there and is missing in some."""
    TYPE = "type"
    NULLABLE = "nullable"
    ENUM_VALUE = "enum_value"
    UNIT_OR_SCALE = "unit_or_scale"
    DATE_FORMAT = "date_format"
    FORMAT = "format"
    """Another format of text, dates left out, or a limit of its length that no longer holds."""
    ENCODING = "encoding"
    VARIANT = "variant"
    """A kind of object that a tag names and that nobody knew."""
    ADDED = "added"
    NARROWED = "narrowed"
    """Only between contracts: less is promised to come than before, which breaks nobody."""


class Severity(StrEnum):
    """Whether a reader of the old contract fails on it."""

    BREAKING = "breaking"
    ADDING = "adding"


BREAKING: Final = frozenset(Change) - {Change.ADDED, Change.NARROWED}
"""Changes on which somebody who relies on the contract fails."""


_SAYS_NOT_WHAT_WAS: Final = (Change.REMOVED, Change.RENAMED, Change.OPTIONAL)
"""Changes whose sentence tells what became of a field, and not what it had been."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Name one place that is not as promised, how often, since when, and an example."""

    path: str
    change: Change
    expected: str
    got: str
    count: int = 0
    """Records that show it; 0 where two contracts are compared."""
    of: int = 0
    """Records that have what the place lies in."""
    first_line: int = 0
    first_time: str = ""
    """The record's own time, where its contract says which field that is."""
    example: str = ""
    """Masked: see `masking.py`."""
    when: str = ""
    """Of which kind of object, where several kinds may stand here: `type=PushEvent`."""
    new_name: str = ""
    """Path of what took its place, for a rename."""
    alike: float = 0.0
    """For a rename: share of the new field's values that keep the old one's promise."""

    @property
    def severity(self) -> Severity:
        """Return whether it breaks or only adds."""
        return Severity.BREAKING if self.change in BREAKING else Severity.ADDING

    def as_json(self) -> dict[str, object]:
        """Return the finding as a JSON object; what is empty is left out."""
        told: dict[str, object] = {
            "path": self.path,
            "change": self.change.value,
            "severity": self.severity.value,
            "expected": self.expected,
            "got": self.got,
            "count": self.count,
            "of": self.of,
            "first_seen": {
                key: value
                for key, value in (("line", self.first_line), ("time", self.first_time))
                if value
            },
            "example": self.example,
            "when": self.when,
            "new_name": self.new_name,
            "alike": round(self.alike, 3),
        }
        always = ("path", "change", "severity", "expected", "got", "count", "of")
        return {key: value for key, value in told.items() if value or key in always}

    @property
    def since(self) -> str:
        """Return since when, in words; empty where nobody knows."""
        line = f"line {self.first_line:,}" if self.first_line else ""
        return (
            f"{self.first_time} ({line})" if self.first_time and line else self.first_time or line
        )

    @property
    def sentence(self) -> str:
        """Say it in one sentence, without the number of the line."""
        where = f"`{shown(self.path)}`" + (f" (of {self.when})" if self.when else "")
        share = f" in {self.count:,} of {self.of:,} records" if self.of else ""
        if self.change is Change.REMOVED:
            return f"{where} is gone{share.replace(' in ', ' from ', 1)}"
        if self.change is Change.RENAMED:
            same = f" and looks the same in {self.alike:.0%} of them" if self.of else ""
            gone = share.replace(" in ", " from ", 1)
            such = f", such as {self.example}" if self.example else ""
            return f"{where} is gone{gone}, `{shown(self.new_name)}` is new{same}{such}"
        if self.change is Change.OPTIONAL:
            return f"{where} is missing{share or ' at times'}"
        example = f", such as {self.example}" if self.example else ""
        if self.change is Change.ADDED:
            return f"{where} is new{share}: {self.got}{example}"
        got = _WORDS.get(self.got, self.got)
        return f"{where} is {got}{share}, expected {self.expected}{example}"


def shown(path: str) -> str:
    """Return a path for people: without the sign of the payload itself, unless that is meant."""
    return path.removeprefix("$.")


def described(field: Field, *, null: bool = True) -> str:
    """Return in a few words what a field was promised to be."""
    if field.values:
        listed = ", ".join(map(str, field.values[:_SHOWN_VALUES]))
        more = len(field.values) - _SHOWN_VALUES
        text = f"one of {listed}" + (f" and {more} more" if more > 0 else "")
    else:
        text = " or ".join(sorted(field.kinds)) or "anything"
        if field.formats:
            text += f" ({' or '.join(field.formats)})"
    limits = _limits(field)
    text += f" {limits}" if limits else ""
    return f"{text} or null" if null and field.nullable and field.kinds else text


def _limits(field: Field) -> str:
    bounds: Mapping[str, object] = {
        "at least": field.minimum,
        "at most": field.maximum,
        "of length from": field.min_length,
        "of length to": field.max_length,
        "like": field.pattern or None,
    }
    return ", ".join(f"{word} {bound}" for word, bound in bounds.items() if bound is not None)


def format_change(promised: Iterable[str], found: str) -> Change:
    """Return which change another format is: of a date or of any other text."""
    return Change.DATE_FORMAT if is_date((*promised, found)) else Change.FORMAT


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with what breaks first, then what is most frequent, then by path."""
    return sorted(
        findings,
        key=lambda one: (
            one.severity is Severity.ADDING,
            -one.count,
            one.path,
            one.change,
            one.got,
            one.when,
        ),
    )


def rendered(findings: Iterable[Finding]) -> str:
    """Return findings for people: one line each, and below it since when."""
    lines = []
    for finding in in_order(findings):
        lines.append(f"{finding.severity.value:<8} {finding.change.value:<13} {finding.sentence}")
        silent = finding.change in _SAYS_NOT_WHAT_WAS
        below = [f"expected {finding.expected}"] if silent and finding.expected else []
        below += [f"first seen {finding.since}"] if finding.since else []
        if below:
            lines.append(f"{'':<22} {'; '.join(below)}")
    return "\n".join(lines)
