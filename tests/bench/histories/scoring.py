"""Compare what a check of payloads found with what oasdiff says has changed.

A change is named by operation, path and kind. Of oasdiff's changelog those count that a payload can
show: what came, went, became optional or nullable, has another type, format or limit, a new value
of an enumeration, a new kind of object. What it says of requests, headers, other answers, texts for
people, or of promises that only became stricter, no payload can show. Nor does one show that a
field is new that one of several choices had before, that one is gone that one of several choices
still has, or what is inside of something of which the older description said nothing. `nullable`
beside `allOf`, which OpenAPI 3.0 left unclear, counts as null on both sides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from stationmaster.step.payloads.findings import Change

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from stationmaster.step.payloads.findings import Finding
    from tests.bench.histories.excerpts import Pair

__all__ = [
    "Place",
    "Score",
    "Told",
    "can_show",
    "names_at",
    "places_found",
    "schemas_at",
    "seen_by_oracle",
]

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
    "response-property-min-length-decreased": "type",
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
_NUMBERS: Final = frozenset({"int32", "int64", "float", "double"})
"""Formats of numbers: how many bits somebody keeps them in, which JSON does not show."""
_CHOICE: Final = re.compile(r"/?(?:oneOf|anyOf|allOf)\[[^\]]*\]")


class Place(NamedTuple):
    """Name one change: where, and what kind."""

    path: str
    """Names joined by `/`; a list's items and a map's values are not told apart from it."""
    kind: str


@dataclass
class Told:
    """Hold what oasdiff says of one operation: what payloads show, and what they may show."""

    visible: set[Place] = field(default_factory=set)
    others: set[Place] = field(default_factory=set)


@dataclass
class Score:
    """Count what was found, what was missed, and what nobody else knows of."""

    right: int = 0
    missed: list[tuple[str, Place]] = field(default_factory=list)
    wrong: list[tuple[str, Place]] = field(default_factory=list)

    def add(self, operation: str, found: set[Place], told: Told) -> None:
        """Count one operation's changes; what payloads need not show may be found or not."""
        truth = told.visible
        choices = {place.path for place in truth if place.kind == "choice"}
        for place in truth:
            if place in found or (place.kind == "choice" and _below(place.path, found)):
                self.right += 1
            else:
                self.missed.append((operation, place))
        for place in found - truth - told.others:
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


def can_show(place: Place, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Tell whether payloads can show a change, by what the two descriptions have there."""
    above, _, name = place.path.rpartition("/")
    if place.kind == "gone":
        return name not in names_at(new, above)
    if place.kind == "new":
        before = names_at(old, above)
        return bool(before) and name not in before
    if place.kind == "nullable":
        return not any(one.get("nullable") for one in _choices(schemas_at(old, place.path)))
    return True


def names_at(schema: Mapping[str, Any], path: str) -> set[str]:
    """Return the fields of the objects at a path, whichever choice they are of."""
    return {name for one in _objects(schemas_at(schema, path)) for name in one["properties"]}


def schemas_at(schema: Mapping[str, Any], path: str) -> list[Mapping[str, Any]]:
    """Return the schemas at a path of names of fields."""
    parts = [schema]
    for name in path.split("/") if path else ():
        parts = [one["properties"][name] for one in _objects(parts) if name in one["properties"]]
    return parts


def _objects(schemas: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield what has fields among schemas, their choices, lists and maps."""
    for schema in schemas:
        if "properties" in schema:
            yield schema
        below = [part for word in ("oneOf", "anyOf", "allOf") for part in schema.get(word, ())]
        below += [schema[word] for word in ("items", "additionalProperties") if word in schema]
        yield from _objects(part for part in below if isinstance(part, dict))


def places_found(findings: Iterable[Finding]) -> set[Place]:
    """Return findings as places; a rename is one field gone and one new."""
    places = set()
    for finding in findings:
        places.add(Place(_bare(finding.path), _OF_CHANGE[finding.change]))
        if finding.new_name:
            places.add(Place(_bare(finding.new_name), "new"))
    return places


def seen_by_oracle(changes: Iterable[Mapping[str, Any]], chosen: Sequence[Pair]) -> dict[int, Told]:
    """Return the changes of answers, by the operation's number."""
    found: dict[int, Told] = {}
    for change in changes:
        kind = _KINDS.get(change["id"])
        quoted = _QUOTED.findall(change["text"])
        if kind is None or not _NUMBERS.isdisjoint(quoted):
            continue
        number = int(change["path"].removeprefix("/"))
        pair = chosen[number]
        path = _names(pair.new if kind == "new" else pair.old, _path_of(change, quoted))
        place = Place(path, kind)
        told = found.setdefault(number, Told())
        (told.visible if can_show(place, pair.old, pair.new) else told.others).add(place)
    return found


def _path_of(change: Mapping[str, Any], quoted: list[str]) -> str:
    """Return where a change is; the texts of some name the new value or choice first."""
    name = change["id"]
    if "-body-" in name:
        return ""
    second = name.endswith(("enum-value-added", "one-of-added", "any-of-added"))
    return _CHOICE.sub("", quoted[1 if second else 0])


def _names(schema: Mapping[str, Any], path: str) -> str:
    """Return the names of fields of a path of oasdiff's, which has words for lists and maps."""
    parts, names = [schema], []
    for step in filter(None, path.split("/")):
        below = [one["properties"][step] for one in _own(parts) if step in one["properties"]]
        within = [one[step] for one in _choices(parts) if isinstance(one.get(step), dict)]
        if step in {"items", "additionalProperties"} and within:
            parts = within
        else:
            names.append(step)
            parts = below
    return "/".join(names)


def _own(schemas: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    return (one for one in _choices(schemas) if "properties" in one)


def _choices(schemas: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield schemas and their choices."""
    for schema in schemas:
        yield schema
        for word in ("oneOf", "anyOf", "allOf"):
            yield from _choices(schema.get(word, ()))


def _bare(path: str) -> str:
    """Return a finding's path as names of fields: lists and maps are not told apart from them."""
    names = path.removeprefix("$").replace("[]", "").replace(".*", "")
    return names.removeprefix(".").replace(".", "/")
