"""Compare what a check of payloads found with what oasdiff says has changed.

A change is named by operation, path and kind. Of oasdiff's changelog those count that a payload can
show: what came, went, became optional or nullable, has another type, format or limit, a new value
of an enumeration, a new kind of object. What it says of requests, headers, other answers, texts for
people, or of promises that only became stricter, no payload can show.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from stationmaster.step.payloads.findings import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stationmaster.step.payloads.findings import Finding

__all__ = ["Place", "Score", "places_found", "seen_by_oracle"]

_KINDS: Final[Mapping[str, str]] = {
    "response-required-property-removed": "gone",
    "response-optional-property-removed": "gone",
    "response-optional-property-added": "new",
    "response-required-property-added": "new",
    "response-property-became-optional": "optional",
    "response-property-became-nullable": "nullable",
    "response-body-became-nullable": "nullable",
    "response-property-type-changed": "type",
    "response-property-type-generalized": "type",
    "response-body-type-changed": "type",
    "response-body-type-generalized": "type",
    "response-property-list-of-types-widened": "type",
    "response-property-enum-value-added": "value",
    "response-property-became-not-enum": "value",
    "response-property-max-length-increased": "type",
    "response-property-max-length-unset": "type",
    "response-property-min-decreased": "type",
    "response-property-max-increased": "type",
    "response-property-one-of-added": "choice",
    "response-property-any-of-added": "choice",
    "response-body-one-of-added": "choice",
    "response-body-any-of-added": "choice",
}
_OF_CHANGE: Final[Mapping[Change, str]] = {
    Change.REMOVED: "gone",
    Change.RENAMED: "gone",
    Change.ADDED: "new",
    Change.OPTIONAL: "optional",
    Change.NULLABLE: "nullable",
    Change.TYPE: "type",
    Change.DATE_FORMAT: "type",
    Change.FORMAT: "type",
    Change.UNIT_OR_SCALE: "type",
    Change.ENUM_VALUE: "value",
    Change.VARIANT: "choice",
}
_QUOTED: Final = re.compile(r"`([^`]*)`")
_CHOICE: Final = re.compile(r"/?(?:oneOf|anyOf|allOf)\[[^\]]*\]")


class Place(NamedTuple):
    """Name one change: where, and what kind."""

    path: str
    """Names joined by `/`; a list's items and a map's values are not told apart from it."""
    kind: str


@dataclass
class Score:
    """Count what was found, what was missed, and what nobody else knows of."""

    right: int = 0
    missed: list[tuple[str, Place]] = field(default_factory=list)
    wrong: list[tuple[str, Place]] = field(default_factory=list)

    def add(self, operation: str, found: set[Place], truth: set[Place]) -> None:
        """Count one operation's changes."""
        choices = {place.path for place in truth if place.kind == "choice"}
        for place in truth:
            if place in found or (place.kind == "choice" and _below(place.path, found)):
                self.right += 1
            else:
                self.missed.append((operation, place))
        for place in found - truth:
            if not any(_within(place.path, choice) for choice in choices):
                self.wrong.append((operation, place))

    @property
    def precision(self) -> float:
        """Return the share of findings that oasdiff knows of."""
        return self.right / max(1, self.right + len(self.wrong))

    @property
    def recall(self) -> float:
        """Return the share of oasdiff's visible changes that were found."""
        return self.right / max(1, self.right + len(self.missed))


def _below(path: str, found: Iterable[Place]) -> bool:
    return any(_within(place.path, path) for place in found)


def _within(path: str, above: str) -> bool:
    return not above or path == above or path.startswith(f"{above}/")


def places_found(findings: Iterable[Finding]) -> set[Place]:
    """Return findings as places; a rename is one field gone and one new."""
    places = set()
    for finding in findings:
        places.add(Place(_bare(finding.path), _OF_CHANGE[finding.change]))
        if finding.new_name:
            places.add(Place(_bare(finding.new_name), "new"))
    return places


def seen_by_oracle(changes: Iterable[Mapping[str, Any]]) -> dict[str, set[Place]]:
    """Return the changes of answers of status 200 that payloads can show, by operation."""
    found: dict[str, set[Place]] = {}
    for change in changes:
        kind = _KINDS.get(change["id"])
        quoted = _QUOTED.findall(change["text"])
        if kind is None or "200" not in quoted:
            continue
        operation = f"{change['operation']} {change['path']}"
        path = _path_of(change, quoted)
        found.setdefault(operation, set()).add(Place(path, kind))
    return found


def _path_of(change: Mapping[str, Any], quoted: list[str]) -> str:
    if "-body-" in change["id"]:
        return ""
    return _bare(_CHOICE.sub("", quoted[0]))


def _bare(path: str) -> str:
    parts = re.split(r"[./]", path.removeprefix("$").replace("[]", "").replace("*", ""))
    return "/".join(part for part in parts if part and part != "items")
