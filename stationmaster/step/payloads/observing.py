"""What was seen at one place of sample payloads: counts, from which a promise can be drafted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from stationmaster.step.payloads.encodings import encodings_of
from stationmaster.step.payloads.fields import LARGEST_INT64, kind_of
from stationmaster.step.payloads.formats import format_of
from stationmaster.step.payloads.place import beyond_scale, bucket_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MOST_SCALE", "Group", "Observed"]

MOST_SCALE: Final = 9
"""More digits behind the point than any unit has: a measured number."""
_TAGS: Final = (
    "type",
    "kind",
    "event",
    "event_type",
    "eventType",
    "action",
    "object",
    "__typename",
    "@type",
    "resourceType",
    "topic",
)
"""Fields that name the kind of an object, in the order tried."""
_MOST_DISTINCT: Final = 64
_MOST_GROUPS: Final = 50
_MOST_KEYS: Final = 400
_DEEPEST: Final = 60


@dataclass(slots=True)
class Group:
    """Hold the objects of one place that have the same tag."""

    objects: int = 0
    fields: dict[str, Observed] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    is_map: bool = False
    """Whether there were too many keys to hold them apart: `fields` has one entry then."""

    def add(self, name: str, value: object, depth: int) -> None:
        """Count one field of an object."""
        if name not in self.fields and len(self.fields) >= _MOST_KEYS:
            self.collapse()
        name = "*" if self.is_map else name
        self.counts[name] += 1
        known = self.fields.get(name)
        if known is None:
            known = self.fields[name] = Observed()
        known.add(value, depth)

    def collapse(self) -> None:
        """Treat all keys as one from now on."""
        if self.is_map:
            return
        together = Observed()
        for one in self.fields.values():
            together.merge(one)
        self.is_map = True
        self.fields = {"*": together}
        self.counts = Counter({"*": self.counts.total()})

    def merge(self, other: Group) -> None:
        """Add what another group has counted."""
        self.objects += other.objects
        if self.is_map or other.is_map or len(self.fields.keys() | other.fields) > _MOST_KEYS:
            self.collapse()
            other.collapse()
        for name, one in other.fields.items():
            self.counts[name] += other.counts[name]
            self.fields.setdefault(name, Observed()).merge(one)


@dataclass(slots=True)
class Observed:
    """Count what stood at one place."""

    kinds: Counter[str] = field(default_factory=Counter)
    formats: Counter[str] = field(default_factory=Counter)
    encodings: set[str] = field(default_factory=set)
    texts: Counter[str] = field(default_factory=Counter)
    """How often each text came; empty and `many` where there were too many."""
    many: bool = False
    is_big: bool = False
    scale: int = 0
    sizes: Counter[int] = field(default_factory=Counter)
    groups: dict[tuple[str, str], Group] = field(default_factory=dict)
    """Objects by name and value of their tag; both empty where they have none."""
    is_joined: bool = False
    """Whether objects are no longer held apart by tag."""
    items: Observed | None = None
    too_deep: bool = False

    @property
    def seen(self) -> int:
        """Return how many values there were, null included."""
        return self.kinds.total()

    def add(self, value: object, depth: int = 0) -> None:
        """Count one value and what lies in it."""
        kind = "null" if value is None else kind_of(value)
        self.kinds[kind] += 1
        if isinstance(value, str):
            self._text(value)
        elif isinstance(value, dict | list) and depth >= _DEEPEST:
            self.too_deep = True
        elif isinstance(value, dict):
            self._object(value, depth + 1)
        elif isinstance(value, list):
            if self.items is None:
                self.items = Observed()
            for item in value:
                self.items.add(item, depth + 1)
        elif not isinstance(value, bool) and isinstance(value, int | float):
            self._number(value)

    def _text(self, value: str) -> None:
        self.formats[format_of(value)] += 1
        self.encodings.update(encodings_of(value))
        if not self.many:
            self.texts[value] += 1
            if len(self.texts) > _MOST_DISTINCT:
                self._forget_texts()

    def _forget_texts(self) -> None:
        self.many = True
        self.texts.clear()

    def _number(self, value: float) -> None:
        self.sizes[bucket_of(value)] += 1
        if isinstance(value, int):
            self.is_big |= not -LARGEST_INT64 <= value <= LARGEST_INT64
        else:
            while self.scale < MOST_SCALE and beyond_scale(value, self.scale):
                self.scale += 1

    def _object(self, value: Mapping[str, object], depth: int) -> None:
        group = self._group(value)
        group.objects += 1
        for name, part in value.items():
            group.add(name, part, depth)

    def _group(self, value: Mapping[str, object]) -> Group:
        key = next(((name, str(value[name])) for name in _TAGS if _tags(value.get(name))), ("", ""))
        if key not in self.groups and len(self.groups) >= _MOST_GROUPS:
            self.join_groups()
        if self.is_joined:
            key = ("", "")
        return self.groups.setdefault(key, Group())

    def join_groups(self) -> Group:
        """Treat all objects as one kind, and return it."""
        together = Group()
        for group in self.groups.values():
            together.merge(group)
        self.groups = {("", ""): together}
        self.is_joined = True
        return together

    def merge(self, other: Observed) -> None:
        """Add what another place has counted."""
        self.kinds.update(other.kinds)
        self.formats.update(other.formats)
        self.encodings |= other.encodings
        self.texts.update(other.texts)
        if self.many or other.many or len(self.texts) > _MOST_DISTINCT:
            self._forget_texts()
        self.is_big |= other.is_big
        self.too_deep |= other.too_deep
        self.scale = max(self.scale, other.scale)
        self.sizes.update(other.sizes)
        for key, group in other.groups.items():
            self.groups.setdefault(key, Group()).merge(group)
        if self.is_joined or other.is_joined or len(self.groups) > _MOST_GROUPS:
            self.join_groups()
        if other.items is not None:
            if self.items is None:
                self.items = Observed()
            self.items.merge(other.items)


def _tags(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 60  # noqa: PLR2004 (longer ones name nothing)
