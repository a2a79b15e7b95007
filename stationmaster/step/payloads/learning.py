"""Draft a contract from sample payloads, promising only what the samples show plainly."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from stationmaster.step.payloads.fields import ANYTHING, Field, Typical
from stationmaster.step.payloads.formats import BLANK, format_of, is_date, widened
from stationmaster.step.payloads.masking import is_personal, is_word
from stationmaster.step.payloads.observing import MOST_SCALE, Group, Observed
from stationmaster.step.payloads.place import NO_SIZE
from stationmaster.step.payloads.presence import sure_share
from stationmaster.step.payloads.shifts import quantile

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Mapping

__all__ = ["Learner", "confidence"]

_ENUM_TEXTS: Final = 50
_ENUM_VALUES: Final = 20
_ENUM_TIMES: Final = 5
_ENUM_SHARE: Final = 0.01
_ENUM_EACH: Final = 10
_TYPICAL_NUMBERS: Final = 20
_SCALED_NUMBERS: Final = 100
_WIDEST_SCALE: Final = 4
_EVIDENCE: Final[Mapping[str, int]] = {
    "uuid": 3,
    "uri": 10,
    "uri-template": 10,
    "ipv4": 10,
    "base64": 30,
}
"""How many values make a format a promise; dates need three, figures as text thirty."""
_DATES_EVIDENCE: Final = 3
_FIGURES_EVIDENCE: Final = 30
_FIGURES: Final = frozenset({"decimal", "decimal-comma", "number-text"})
_TAGGED: Final = 5
_MAP_KEYS: Final = 3
_MAP_RARE_KEYS: Final = 20
_MAP_PRESENCE: Final = 0.1
_MAP_SHARE: Final = 0.8
_KEY_FORMATS: Final = frozenset({"digits", "uuid", "date", "email", "uri", "ipv4", "decimal"})
_IDENTIFIERS: Final = ("id", "number", "ref", "key", "code", "version", "seq", "offset")
"""Ends of names whose numbers only name something: they may grow without end."""
_LOW: Final = 30
_HIGH: Final = 300


def confidence(seen: int) -> str:
    """Return how well a promise rests on so many values: low, medium or high."""
    if seen < _LOW:
        return "low"
    return "medium" if seen < _HIGH else "high"


class Learner:
    """Look at samples, then draft what they keep; the same samples give the same draft."""

    def __init__(self) -> None:
        self._observed = Observed()

    @property
    def records(self) -> int:
        """Return how many samples were looked at."""
        return self._observed.seen

    def add(self, value: object) -> None:
        """Look at one sample."""
        self._observed.add(value)

    def field(self) -> Field:
        """Return what all samples keep."""
        return _drafted(self._observed, "")


def _drafted(seen: Observed, name: str) -> Field:
    kinds = set(seen.kinds) - {"null"}
    if not kinds or seen.too_deep:
        return replace(ANYTHING, seen=seen.seen)
    if "number" in kinds:
        kinds.discard("integer")
    field = Field(
        kinds=frozenset(kinds),
        nullable=seen.kinds["null"] > 0,
        seen=seen.seen,
        encodings=tuple(sorted(seen.encodings)),
        items=_drafted(seen.items, name) if seen.items is not None and seen.items.seen else None,
    )
    if "string" in kinds:
        field = _with_texts(field, seen, name)
    if kinds & {"integer", "number"}:
        field = _with_numbers(field, seen, name)
    return _with_objects(field, seen) if "object" in kinds else field


def _with_texts(field: Field, seen: Observed, name: str) -> Field:
    mails = seen.formats["email"] * 2 > seen.formats.total()
    personal = mails or is_personal(name)
    if not personal and field.kinds == {"string"} and _is_enumeration(seen):
        return replace(field, values=tuple(sorted(seen.texts)))
    formats = widened(seen.formats)
    count = seen.formats.total() - seen.formats[BLANK]
    strict = all(one == BLANK or count >= _needed(one) for one in formats)
    return replace(field, personal=personal, formats=formats if strict else ())


def _needed(form: str) -> float:
    if is_date((form,)):
        return _DATES_EVIDENCE
    return _FIGURES_EVIDENCE if form in _FIGURES else _EVIDENCE.get(form, float("inf"))


def _is_enumeration(seen: Observed) -> bool:
    total, values = seen.formats.total(), len(seen.texts)
    return (
        not seen.many
        and total >= _ENUM_TEXTS
        and values <= min(_ENUM_VALUES, total // _ENUM_EACH)
        # No value is rare, so one that never came is unlikely (Good and Turing); countries and
        # brands have a long tail of rare ones.
        and min(seen.texts.values()) >= max(_ENUM_TIMES, total * _ENUM_SHARE)
        and all(is_word(text) for text in seen.texts)
    )


def _with_numbers(field: Field, seen: Observed, name: str) -> Field:
    field = replace(field, big=seen.is_big, personal=field.personal or is_personal(name))
    floats = seen.kinds["number"]
    if floats >= _SCALED_NUMBERS and seen.scale <= min(_WIDEST_SCALE, MOST_SCALE):
        field = replace(field, scale=seen.scale)
    if name.lower().endswith(_IDENTIFIERS) or _sized(seen.sizes) < _TYPICAL_NUMBERS:
        return field
    low, median, high = (_short(quantile(seen.sizes, share)) for share in (0.05, 0.5, 0.95))
    return replace(field, typical=Typical(low, median, high))


def _sized(sizes: Counter[int]) -> int:
    return sizes.total() - sizes[NO_SIZE]


def _short(number: float) -> float:
    return float(f"{number:.4g}")


def _with_objects(field: Field, seen: Observed) -> Field:
    tag = _tag(seen)
    if tag:
        variants = {value: _of_group(group) for (_, value), group in sorted(seen.groups.items())}
        return replace(field, tag=tag, variants=variants)
    group = next(iter(seen.groups.values())) if len(seen.groups) == 1 else seen.join_groups()
    drafted = _of_group(group)
    return replace(
        field,
        properties=drafted.properties,
        additional=drafted.additional,
        free=drafted.free,
    )


def _tag(seen: Observed) -> str:
    """Return the field that tells kinds of object apart: whose value decides what else is there."""
    names = {name for name, _ in seen.groups}
    few = any(group.objects < _TAGGED or group.is_map for group in seen.groups.values())
    if len(names) != 1 or len(seen.groups) < 2 or few:  # noqa: PLR2004 (one kind is none)
        return ""
    if not all(is_word(value) for _, value in seen.groups):
        return ""
    groups = list(seen.groups.values())
    fields = {name for group in groups for name in group.fields}
    shares = {name: {group.counts[name] / group.objects for group in groups} for name in fields}
    partial = [name for name, share in shares.items() if share != {1.0}]
    told = [name for name in partial if shares[name] == {0.0, 1.0}]
    return next(iter(names)) if told and len(told) * 2 >= len(partial) else ""


def _of_group(group: Group) -> Field:
    objects = frozenset({"object"})
    if not group.fields:
        return Field(kinds=objects, free=True, seen=group.objects)
    if _is_map(group):
        group.collapse()
        return Field(kinds=objects, additional=_drafted(group.fields["*"], "*"), seen=group.objects)
    properties = {
        name: _placed(_drafted(one, name), group.counts[name], group.objects)
        for name, one in group.fields.items()
    }
    return Field(kinds=objects, properties=properties, seen=group.objects)


def _placed(field: Field, count: int, objects: int) -> Field:
    if count == objects:
        return field
    return field.optional(sure_share(count, objects))


def _is_map(group: Group) -> bool:
    """Tell whether keys are data: they look like it, or there are many and each is rare."""
    if group.is_map:
        return True
    keys = len(group.fields)
    kinds = {frozenset(set(one.kinds) - {"null"}) for one in group.fields.values()} - {frozenset()}
    if len(kinds) > 1 or keys < _MAP_KEYS:
        return False
    look = sum(format_of(name) in _KEY_FORMATS for name in group.fields)
    rare = group.counts.total() / (keys * group.objects) < _MAP_PRESENCE
    return look >= _MAP_SHARE * keys or (keys >= _MAP_RARE_KEYS and rare)
