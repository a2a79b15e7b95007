"""One place of a contract while payloads stream by: look at each value, count what differs."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from stationmaster.step.payloads.encodings import DAMAGE, encodings_of
from stationmaster.step.payloads.fields import LARGEST_INT64, kind_of
from stationmaster.step.payloads.findings import Change, described, format_change
from stationmaster.step.payloads.fitting import best_variant, faults, within_limits
from stationmaster.step.payloads.formats import covers, format_of, told_apart
from stationmaster.step.payloads.masking import masked, masked_key
from stationmaster.step.payloads.tally import Difference, Sighting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stationmaster.step.payloads.fields import Field, Scalar
    from stationmaster.step.payloads.tally import Home, Tally

__all__ = ["BUCKETS_AN_OCTAVE", "NO_SIZE", "Place", "beyond_scale", "bucket_of"]

BUCKETS_AN_OCTAVE: Final = 4
NO_SIZE: Final = -100_000
"""Class of zeros, which have every size."""
_MOST_UNKNOWN: Final = 200
_MOST_STRANGE: Final = 20
_MOST_PAIRED: Final = 16
_ODD: Final = frozenset("&%\\")


class Place:
    """Hold a field, where it is, and what was counted of it.

    Args:
        field: What was promised.
        path: Where: `$.a.b[].c`.
        tally: Where differences are counted.
        home: The object that it lies in; the tally itself for a payload.
        when: Of which kind of object, where several kinds may stand here.
    """

    def __init__(self, field: Field, path: str, tally: Tally, home: Home, when: str = "") -> None:
        self.field = field
        self.path = path
        self.when = when
        self.tally = tally
        self.home = home
        self.values = frozenset(field.values)
        self.kinds = field.kinds | {"integer"} if "number" in field.kinds else field.kinds
        self.required = frozenset(name for name, part in field.properties.items() if part.required)
        self.visits = 0
        self.objects = 0
        self.records = 0
        self.fields: dict[str, Place] = {}
        self.variants: dict[str, Place] = {}
        self.sizes: Counter[int] = Counter()
        self.beyond_scale = 0
        self.sightings: dict[str, Sighting] = {}
        """Numbers of unusual size or digits: many of them are a shift (`shifts.py`)."""
        self.unknown: dict[str, Counter[str]] = {}
        """New fields, and as what they were seen."""
        self.alike: dict[tuple[str, str], list[int]] = {}
        """Of a known field that is missing and a new one: how often both so, how often alike."""
        self.inside: dict[str, Place] = {}
        """Places of an array's items and of a map's values, by path."""
        self.came = Sighting()
        """Records that have an object here."""
        self._strange: set[object] = set()
        self._last = 0

    @property
    def name(self) -> str:
        """Return the name of the field."""
        return self.path.replace("[]", "").replace(".*", "").rpartition(".")[2]

    def look(self, value: object) -> None:
        """Look at one value."""
        self.visits += 1
        field = self.field
        if value is None:
            if not field.nullable and field.kinds:
                self._note(Change.NULLABLE, "null", None, described(field, null=False))
            return
        if not field.kinds:
            return
        kind = kind_of(value)
        if kind not in self.kinds:
            self._note(Change.TYPE, kind, value)
        elif kind in _LOOKS:
            _LOOKS[kind](self, value)

    def child(self, name: str) -> Place:
        """Return the place of a promised field of this object."""
        known = self.fields.get(name)
        if known is None:
            known = Place(
                self.field.properties[name], f"{self.path}.{name}", self.tally, self, self.when
            )
            self.fields[name] = known
        return known

    def addition(self, name: str) -> Difference:
        """Return the difference that a new field of this object is."""
        path = f"{self.path}.{masked_key(name)}"
        return Difference(path, self.when, Change.ADDED, "nothing", "")

    def absence(self, name: str) -> Difference:
        """Return the difference that a promised field is when it is missing."""
        place = self.child(name)
        said = described(place.field)
        return Difference(place.path, place.when, Change.REMOVED, said, "nothing")

    def _note(self, change: Change, got: str, example: object, expected: str | None = None) -> None:
        said = described(self.field) if expected is None else expected
        shown = ""
        if example is not None:
            shown = masked(
                example,
                self.name,
                personal=self.field.personal,
                shown=change in {Change.ENUM_VALUE, Change.VARIANT},
            )
        self.tally.note(Difference(self.path, self.when, change, said, got), self.home, shown)

    def _text(self, value: str) -> None:
        field = self.field
        if field.values:
            if value not in self.values:
                self._strange_value(value)
        elif field.formats:
            found = format_of(value)
            if not covers(field.formats, found):
                named = told_apart(field.formats, found)
                change = format_change(field.formats, named)
                self._note(change, f"text ({named})" if named else "plain text", value)
        if not within_limits(field, value):
            longest = field.max_length
            longer = longest is not None and len(value) > longest
            self._note(Change.FORMAT, "longer text" if longer else "shorter text", value)
        if not value.isascii() or not _ODD.isdisjoint(value):
            usual = field.encodings
            for name in encodings_of(value):
                if name not in usual and (name in DAMAGE or field.seen):
                    self._note(Change.ENCODING, f"text with {name}", value, "plain text")

    def _strange_value(self, value: Scalar) -> None:
        if len(self._strange) < _MOST_STRANGE:
            self._strange.add(value)
        shown = masked(value, self.name, personal=self.field.personal, shown=True)
        self._note(Change.ENUM_VALUE, shown if value in self._strange else "another", value)

    def _number(self, value: float) -> None:
        field = self.field
        if field.values and value not in self.values:
            self._strange_value(value)
        if not within_limits(field, value):
            low = field.minimum is not None and value < field.minimum
            self._note(Change.UNIT_OR_SCALE, "smaller" if low else "greater", value)
        if isinstance(value, int):
            if not -LARGEST_INT64 <= value <= LARGEST_INT64 and not field.big:
                self._note(Change.TYPE, "an integer of more than 64 bits", value)
        elif field.scale is not None and beyond_scale(value, field.scale):
            self.beyond_scale += 1
            self._sight("digits", value)
        if field.typical is not None:
            self.sizes[bucket_of(value)] += 1
            if abs(value) > field.typical.high:
                self._sight("greater", value)
            elif 0 < abs(value) < field.typical.low:
                self._sight("smaller", value)

    def _sight(self, what: str, value: float) -> None:
        self.tally.sight(self.sightings.setdefault(what, Sighting()), value)

    def _array(self, value: list[object]) -> None:
        if self.field.items is not None:
            inside = self._below(self.field.items, f"{self.path}[]")
            for item in value:
                inside.look(item)

    def _object(self, value: dict[str, object]) -> None:
        field = self.field
        if field.variants:
            self._kind_of_object(value)
            return
        if self._last != self.tally.record:
            self._last = self.tally.record
            self.records += 1
            self.tally.sight(self.came)
        self.objects += 1
        if field.free:
            return
        fields, unknown = self.fields, []
        for name, part in value.items():
            place = fields.get(name)
            if place is None:
                if name not in field.properties:
                    unknown.append(name)
                    continue
                place = self.child(name)
            place.look(part)
        if not self.required <= value.keys():
            for name in self.required - value.keys():
                self.tally.note(self.absence(name), self)
        if unknown:
            self._unknown(value, unknown)

    def _unknown(self, value: Mapping[str, object], names: list[str]) -> None:
        additional = self.field.additional
        if additional is not None:
            inside = self._below(additional, f"{self.path}.*")
            for name in names:
                inside.look(value[name])
            return
        missing = [name for name in self.field.properties if name not in value]
        for name in names:
            if name not in self.unknown and len(self.unknown) >= _MOST_UNKNOWN:
                continue
            self.unknown.setdefault(name, Counter())[_seen_as(value[name])] += 1
            self.tally.note(self.addition(name), self, masked(value[name], name))
            for gone in missing[:_MOST_PAIRED]:
                pair = self.alike.setdefault((gone, name), [0, 0])
                pair[0] += 1
                pair[1] += not faults(self.field.properties[gone], value[name])

    def _kind_of_object(self, value: dict[str, object]) -> None:
        field = self.field
        told = value.get(field.tag) if field.tag else None
        name = str(told) if field.tag else best_variant(field, value)
        if name not in field.variants:
            known = f"one of {', '.join(sorted(field.variants))}"
            if told is None:
                self._note(Change.VARIANT, f"an object without `{field.tag}`", value, known)
            else:
                self._note(Change.VARIANT, f"`{field.tag}` {masked(told, shown=True)}", told, known)
            return
        place = self.variants.get(name)
        if place is None:
            when = ", ".join(filter(None, (self.when, f"{field.tag or 'kind'}={name}")))
            place = Place(field.variants[name], self.path, self.tally, self.home, when)
            self.variants[name] = place
        place.visits += 1
        place._object(value)

    def _below(self, field: Field, path: str) -> Place:
        inside = self.inside.get(path)
        if inside is None:
            inside = self.inside[path] = Place(field, path, self.tally, self.home, self.when)
        return inside


_LOOKS: Final[Mapping[str, Callable[[Place, Any], None]]] = {
    "string": Place._text,  # noqa: SLF001 (this module's own class)
    "integer": Place._number,  # noqa: SLF001 (as above)
    "number": Place._number,  # noqa: SLF001 (as above)
    "array": Place._array,  # noqa: SLF001 (as above)
    "object": Place._object,  # noqa: SLF001 (as above)
}


def bucket_of(value: float) -> int:
    """Return the size of a number as a class: four to each doubling; 0 and infinity apart."""
    size = abs(value)
    if size in {0, math.inf}:
        return NO_SIZE
    return math.floor(math.log2(size) * BUCKETS_AN_OCTAVE)


def beyond_scale(value: float, scale: int) -> bool:
    """Tell whether a number has more digits behind the point."""
    return math.isfinite(value) and round(value, scale) != value


def _named(kind: str, value: object) -> str:
    if isinstance(value, str) and (found := format_of(value)):
        return f"{kind} ({found})"
    return kind


def _seen_as(value: object) -> str:
    return "null" if value is None else _named(kind_of(value), value)
