"""How well a value fits a promise, without saying what is wrong: to choose between promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stationmaster.step.payloads.fields import kind_of
from stationmaster.step.payloads.formats import covers, format_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stationmaster.step.payloads.fields import Field

__all__ = ["best_variant", "faults", "is_allowed_kind", "within_limits"]


def is_allowed_kind(kinds: frozenset[str], kind: str) -> bool:
    """Tell whether a kind of value is among those promised; whole numbers are numbers, too."""
    return not kinds or kind in kinds or (kind == "integer" and "number" in kinds)


def faults(field: Field, value: object) -> int:
    """Return how many promises of a field a value breaks, unknown fields included."""
    if value is None:
        return 0 if field.nullable or not field.kinds else 1
    kind = kind_of(value)
    if not is_allowed_kind(field.kinds, kind):
        return 1
    if isinstance(value, dict):
        return _of_object(field, value)
    if isinstance(value, list):
        inner = field.items
        return sum(faults(inner, item) for item in value) if inner else 0
    return 0 if _keeps(field, value) else 1


def _keeps(field: Field, value: object) -> bool:
    if field.values:
        return value in field.values
    if isinstance(value, str) and field.formats and not covers(field.formats, format_of(value)):
        return False
    return within_limits(field, value)


def within_limits(field: Field, value: object) -> bool:
    """Tell whether a number or the length of a text is within the limits."""
    if isinstance(value, str):
        size = len(value)
        return (field.min_length or 0) <= size and (
            field.max_length is None or size <= field.max_length
        )
    if isinstance(value, int | float):
        return (field.minimum is None or value >= field.minimum) and (
            field.maximum is None or value <= field.maximum
        )
    return True


def best_variant(field: Field, value: Mapping[str, object]) -> str:
    """Return which of the variants without a tag an object fits best, the first of equals.

    Which fields it has counts before what is in them: a change far down makes no other kind of it.
    """
    variants = field.variants

    def misfit(name: str) -> tuple[int, int]:
        return _own(variants[name], value), _of_fields(variants[name], value)

    return min(variants, key=misfit)


def _own(field: Field, value: Mapping[str, object]) -> int:
    """Return how many fields are unknown, or missing though promised."""
    if field.free:
        return 0
    unknown = 0 if field.additional else len(value.keys() - field.properties.keys())
    missing = field.properties.keys() - value.keys()
    return unknown + sum(field.properties[name].required for name in missing)


def _of_object(field: Field, value: Mapping[str, object]) -> int:
    if not field.variants:
        return _of_fields(field, value)
    if not field.tag:
        return min(_of_fields(variant, value) for variant in field.variants.values())
    variant = field.variants.get(str(value.get(field.tag)))
    return _of_fields(variant, value) if variant else 1


def _of_fields(field: Field, value: Mapping[str, object]) -> int:
    if field.free:
        return 0
    found = 0
    for name, part in value.items():
        promised = field.properties.get(name, field.additional)
        found += faults(promised, part) if promised else 1
    missing = field.properties.keys() - value.keys()
    return found + sum(field.properties[name].required for name in missing)
