"""Put promises together: what keeps one of several, and what keeps all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

from stationmaster.step.payloads.fields import Field

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["narrowed", "united"]

_T = TypeVar("_T")

_MOST_VARIANTS: Final = 100


def united(fields: Sequence[Field], tag: str = "") -> Field:
    """Return what a value may be that keeps one of several promises.

    Args:
        fields: The promises.
        tag: The field that tells which kind of object one is, where it is known.
    """
    if len(fields) == 1:
        return fields[0]
    kinds = frozenset().union(*(field.kinds for field in fields))
    anything = any(not field.kinds for field in fields)
    objects = _apart([field for field in fields if "object" in field.kinds])
    texts = [field for field in fields if field.kinds & {"string", "integer", "number"}]
    arrays = [field.items for field in fields if "array" in field.kinds]
    one = objects[0] if len(objects) == 1 else Field()
    variants, found_tag = _variants(objects, tag) if len(objects) > 1 else (one.variants, one.tag)
    closed = bool(texts) and all(field.values for field in texts)
    formats = all(field.formats for field in texts)
    return Field(
        kinds=frozenset() if anything else kinds,
        nullable=any(field.nullable for field in fields),
        description=next((field.description for field in fields if field.description), ""),
        personal=any(field.personal for field in fields),
        formats=_together(field.formats for field in texts) if formats else (),
        values=_together(field.values for field in texts) if closed else (),
        properties=one.properties,
        free=one.free,
        additional=one.additional,
        items=united([item for item in arrays if item]) if arrays and all(arrays) else None,
        tag=found_tag,
        variants=variants,
    )


def _apart(objects: Sequence[Field]) -> list[Field]:
    """Return kinds of object one by one, also those of choices within the choice."""
    flat: list[Field] = []
    for field in objects:
        parts = field.variants.values() if field.variants and not field.tag else [field]
        flat += [part for part in parts if part not in flat]
    return flat


def _variants(objects: Sequence[Field], tag: str) -> tuple[Mapping[str, Field], str]:
    """Return kinds of object by the value of their tag; numbered where there is no tag."""
    for name in [tag] if tag else _constants(objects[0]):
        told = [field.properties[name].values for field in objects if name in field.properties]
        alone = [values[0] for values in told if len(values) == 1]
        if len(alone) == len(objects) == len(set(alone)):
            return {str(key): field for key, field in zip(alone, objects, strict=True)}, name
    return {str(place): field for place, field in enumerate(objects[:_MOST_VARIANTS], 1)}, ""


def _constants(field: Field) -> list[str]:
    return [
        name for name, part in field.properties.items() if part.required and len(part.values) == 1
    ]


def narrowed(one: Field, other: Field) -> Field:
    """Return what a value may be that keeps both promises."""
    if one == Field() or (not one.kinds and not one.properties and not one.description):
        return other
    if not other.kinds and not other.properties and not other.variants:
        return one
    variants, tag = one.variants or other.variants, one.tag or other.tag
    base = (
        replace(one, variants={}, tag="") if one.variants else replace(other, variants={}, tag="")
    )
    if variants and base.properties:
        variants = {name: _both(base, variant) for name, variant in variants.items()}
    merged = _both(one, other)
    return replace(merged, variants=variants, tag=tag)


def _both(one: Field, other: Field) -> Field:
    properties = dict(one.properties)
    for name, part in other.properties.items():
        known = properties.get(name)
        both = narrowed(known, part) if known else part
        properties[name] = replace(both, required=part.required or bool(known and known.required))
    return Field(
        kinds=(one.kinds & other.kinds) or one.kinds or other.kinds,
        nullable=_may_be_null(one) and _may_be_null(other),
        description=one.description or other.description,
        personal=one.personal or other.personal,
        formats=one.formats or other.formats,
        values=one.values or other.values,
        minimum=one.minimum if other.minimum is None else other.minimum,
        maximum=one.maximum if other.maximum is None else other.maximum,
        min_length=one.min_length if other.min_length is None else other.min_length,
        max_length=one.max_length if other.max_length is None else other.max_length,
        pattern=one.pattern or other.pattern,
        properties=properties,
        free=one.free and other.free and not properties,
        additional=one.additional or other.additional,
        items=one.items or other.items,
    )


def _may_be_null(field: Field) -> bool:
    return field.nullable or not field.kinds


def _together(several: Iterable[tuple[_T, ...]]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(value for values in several for value in values))
