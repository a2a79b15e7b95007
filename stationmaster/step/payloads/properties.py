"""A field as a property of an ODCS document, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from stationmaster.step.payloads.fields import KINDS, Field, Typical

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["as_property", "field_of", "properties_of"]

_ANY_KEY: Final = "*"
_LIMITS: Final = {
    "minimum": "minimum",
    "maximum": "maximum",
    "min_length": "minLength",
    "max_length": "maxLength",
}


def as_property(name: str, field: Field, within: int = 0, **more: object) -> dict[str, Any]:
    """Return a field as a property.

    Args:
        name: Its name; empty for an array's items.
        field: The field.
        within: On how many values the object around it rests; what is the same is not repeated.
        more: Custom properties of where it stands.
    """
    kinds = sorted(field.kinds)
    written: dict[str, Any] = {"name": name} if name else {}
    if len(kinds) == 1:
        written["logicalType"] = kinds[0]
    written["required"] = bool(field.kinds) and not field.nullable
    if field.description:
        written["description"] = field.description
    if field.personal:
        written["classification"] = "personal"
    custom = _custom(field, within) | more
    options = _options(field)
    if len(kinds) == 1 and kinds[0] in {"string", "integer", "number"}:
        if options:
            written["logicalTypeOptions"] = options
    else:
        # The standard allows options only beside a type, and other ones for other types.
        custom |= {"limits": options} if options else {}
    below = _below(field)
    if below:
        written["properties"] = below
    if field.items is not None:
        written["items"] = as_property("", field.items, field.seen)
    if field.values:
        rule = {"metric": "invalidValues", "arguments": {"validValues": list(field.values)}}
        written["quality"] = [rule | {"mustBe": 0}]
    if custom:
        written["customProperties"] = [
            {"property": key, "value": value} for key, value in custom.items()
        ]
    return written


def _options(field: Field) -> dict[str, Any]:
    options: dict[str, Any] = {
        word: value for name, word in _LIMITS.items() if (value := getattr(field, name)) is not None
    }
    if field.pattern:
        options["pattern"] = field.pattern
    if len(field.formats) == 1 and field.kinds == {"string"}:
        options["format"] = field.formats[0]
    return options


def _custom(field: Field, within: int) -> dict[str, Any]:
    typical = field.typical
    told: dict[str, Any] = {
        "kinds": sorted(field.kinds) if len(field.kinds) > 1 else None,
        "optional": None if field.required else True,
        "formats": None
        if not field.formats or (len(field.formats) == 1 and field.kinds == {"string"})
        else list(field.formats),
        "free": field.free or None,
        "map": True if field.additional is not None else None,
        "tag": field.tag or None,
        "presence": field.presence,
        "seen": None if field.seen == within else field.seen,
        "bigIntegers": field.big or None,
        "scale": field.scale,
        "typical": None if typical is None else [typical.low, typical.median, typical.high],
        "encodings": list(field.encodings) or None,
    }
    return {key: value for key, value in told.items() if value is not None}


def _below(field: Field) -> list[dict[str, Any]]:
    listed = [as_property(name, part, field.seen) for name, part in field.properties.items()]
    if field.additional is not None:
        listed.append(as_property(_ANY_KEY, field.additional, field.seen, anyKey=True))
    for name, variant in field.variants.items():
        listed.append(
            as_property(f"{field.tag or 'kind'}={name}", variant, field.seen, variant=name)
        )
    return listed


def field_of(written: Mapping[str, Any], within: int = 0) -> Field:
    """Return the field that a property describes; `within` as it was written.

    Raises:
        KeyError: A word is missing.
        ValueError: A kind is none.
    """
    told = _told(written)
    options = {**written.get("logicalTypeOptions", {}), **told.get("limits", {})}
    alone = [written["logicalType"]] if "logicalType" in written else []
    kinds = frozenset(told.get("kinds", alone))
    if not kinds <= set(KINDS):
        message = f"{written.get('name', 'items')}: {', '.join(sorted(kinds))} is no type of JSON"
        raise ValueError(message)
    formats = told.get("formats") or ([options["format"]] if "format" in options else [])
    seen = int(told.get("seen", within))
    properties, additional, variants = properties_of(written.get("properties", ()), seen)
    typical = told.get("typical")
    return Field(
        kinds=kinds,
        nullable=not written.get("required", False),
        required=not told.get("optional", False),
        presence=told.get("presence"),
        seen=seen,
        description=str(written.get("description", "")),
        personal=written.get("classification") == "personal",
        formats=tuple(formats),
        encodings=tuple(told.get("encodings", ())),
        values=_values(written.get("quality", ())),
        pattern=str(options.get("pattern", "")),
        big=bool(told.get("bigIntegers", False)),
        scale=told.get("scale"),
        typical=Typical(*map(float, typical)) if typical else None,
        properties=properties,
        free=bool(told.get("free", False)),
        additional=additional,
        items=field_of(written["items"], seen) if "items" in written else None,
        tag=str(told.get("tag", "")),
        variants=variants,
        **{name: options.get(word) for name, word in _LIMITS.items()},
    )


def properties_of(
    listed: Sequence[Mapping[str, Any]], within: int = 0
) -> tuple[dict[str, Field], Field | None, dict[str, Field]]:
    """Return fields by name, what any other key holds, and kinds of object by tag."""
    fields: dict[str, Field] = {}
    variants: dict[str, Field] = {}
    additional: Field | None = None
    for written in listed:
        told = _told(written)
        if "variant" in told:
            variants[str(told["variant"])] = field_of(written, within)
        elif told.get("anyKey"):
            additional = field_of(written, within)
        else:
            fields[str(written["name"])] = field_of(written, within)
    return fields, additional, variants


def _told(written: Mapping[str, Any]) -> dict[str, Any]:
    return {one["property"]: one["value"] for one in written.get("customProperties", ())}


def _values(rules: Sequence[Mapping[str, Any]]) -> tuple[Any, ...]:
    for rule in rules:
        if rule.get("metric") == "invalidValues" and rule.get("mustBe") == 0:
            return tuple(rule["arguments"].get("validValues", ()))
    return ()
