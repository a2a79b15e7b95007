"""Make a payload contract of what the source published itself: JSON Schema, or OpenAPI 3.

Source: https://json-schema.org/draft/2020-12 and https://spec.openapis.org/oas/v3.1.0; of 3.0 the
word `nullable`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.payloads.fields import ANYTHING, KINDS, Field
from stationmaster.step.payloads.formats import KNOWN
from stationmaster.step.payloads.masking import is_personal
from stationmaster.step.payloads.unions import narrowed, united

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Importer", "imported", "response_schema"]

_FORMATS: Final = KNOWN | {"date-time"}
_KIND_OF: Final = {str: "string", bool: "boolean", int: "integer", float: "number"}
_SHAPING: Final = frozenset(
    {"$ref", "type", "properties", "items", "allOf", "oneOf", "anyOf", "enum", "const", "nullable"}
)


def imported(document: Mapping[str, Any], schema: Mapping[str, Any] | None = None) -> Field:
    """Return what a schema promises.

    Args:
        document: Where `$ref`s lead.
        schema: The schema within it; the document itself where it is left out.

    Raises:
        MisconfiguredError: A `$ref` leads nowhere, or out of the document.
    """
    return Importer(document).field(document if schema is None else schema)


def response_schema(
    document: Mapping[str, Any], method: str, path: str, status: str = "200"
) -> Mapping[str, Any]:
    """Return the JSON schema of an OpenAPI operation's answer.

    Raises:
        MisconfiguredError: There is no such operation, answer or JSON schema.
    """
    importer = Importer(document)
    operation = document.get("paths", {}).get(path, {}).get(method.lower())
    answer = importer.resolved((operation or {}).get("responses", {}).get(status, {}))
    content = answer.get("content", {})
    kind = next((name for name in content if "json" in name), None)
    if kind is None or "schema" not in content[kind]:
        raise MisconfiguredError(
            where=f"{method.upper()} {path}, status {status}",
            expected="an operation whose answer has a JSON schema",
            got="no such operation" if operation is None else "no JSON schema",
            hint="Look for the operation in `paths` of the OpenAPI document.",
        )
    return dict(content[kind]["schema"])


class Importer:
    """Make fields of the schemas of one document; what several places share is made once.

    Args:
        document: Where `$ref`s lead.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._made: dict[str, Field] = {}
        self._open: set[str] = set()

    def resolved(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        """Follow `$ref` to what it names.

        Raises:
            MisconfiguredError: It leads nowhere, or out of the document.
        """
        while "$ref" in part:
            part = self._target(str(part["$ref"]))
        return part

    def field(self, schema: Mapping[str, Any] | bool) -> Field:  # noqa: FBT001 (true is a schema)
        """Return what a schema promises; one that contains itself is anything the second time."""
        if isinstance(schema, bool) or not schema:
            return ANYTHING
        if "$ref" not in schema:
            return self._field(schema)
        name = str(schema["$ref"])
        if name in self._open:
            return ANYTHING
        if name not in self._made:
            self._open.add(name)
            self._made[name] = self.field(self._target(name))
            self._open.discard(name)
        made = self._made[name]
        return replace(made, nullable=True) if schema.get("nullable") else made

    def _target(self, name: str) -> Mapping[str, Any]:
        found: Any = self._document
        try:
            if not name.startswith("#"):
                raise KeyError(name)  # noqa: TRY301 (one way out for all that leads nowhere)
            for step in name.removeprefix("#").strip("/").split("/"):
                key = unquote(step).replace("~1", "/").replace("~0", "~")
                found = (
                    found[int(key)] if isinstance(found, list) else (found[key] if key else found)
                )
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise MisconfiguredError(
                where=f"$ref {name}",
                expected="the place of a schema in the same document",
                got="nothing there",
                hint="Bundle the description into one file first.",
            ) from error
        return dict(found)

    def _field(self, schema: Mapping[str, Any]) -> Field:
        field = self._plain(schema)
        for part in schema.get("allOf", ()):
            field = narrowed(field, self.field(part))
        for word in ("oneOf", "anyOf"):
            choices = [part for part in schema.get(word, ()) if _shapes(part)]
            if choices:
                null = any(
                    isinstance(part, dict) and part.get("type") == "null" for part in choices
                )
                fields = [self.field(part) for part in choices if part.get("type") != "null"]
                tag = schema.get("discriminator", {}).get("propertyName", "")
                chosen = united(fields, tag=tag) if fields else Field()
                field = narrowed(field, replace(chosen, nullable=chosen.nullable or null))
        if schema.get("nullable"):
            field = replace(field, nullable=True)
        return _requiring(field, set(self._required(schema)))

    def _required(self, schema: Mapping[str, Any]) -> Iterator[str]:
        """Yield names that a schema requires, also those that a part of it only names."""
        yield from schema.get("required", ())
        for part in schema.get("allOf", ()):
            yield from self._required(self.resolved(part))

    def _plain(self, schema: Mapping[str, Any]) -> Field:
        kinds, nullable = _kinds(schema)
        properties = {
            name: self._part(name, part, required=name in schema.get("required", ()))
            for name, part in schema.get("properties", {}).items()
        }
        others = schema.get("additionalProperties", True)
        additional = self.field(others) if isinstance(others, dict) else None
        values = schema.get("enum", [schema["const"]] if "const" in schema else [])
        form = str(schema.get("format", ""))
        composed = any(word in schema for word in ("allOf", "oneOf", "anyOf"))
        return Field(
            kinds=kinds,
            nullable=nullable or None in values or (not kinds and not composed),
            description=_one_line(schema.get("description", "")),
            formats=(form,) if form in _FORMATS else (),
            values=tuple(value for value in values if isinstance(value, str | int | float)),
            minimum=schema.get("minimum"),
            maximum=schema.get("maximum"),
            min_length=schema.get("minLength"),
            max_length=schema.get("maxLength"),
            pattern=str(schema.get("pattern", "")),
            properties=properties,
            free=kinds == {"object"} and not properties and additional is None and not composed,
            additional=additional,
            items=self.field(schema["items"]) if "items" in schema else None,
        )

    def _part(self, name: str, schema: Mapping[str, Any], *, required: bool) -> Field:
        field = self.field(schema)
        personal = bool(field.kinds) and not field.kinds & {"object", "array", "boolean"}
        return replace(
            field, required=required, personal=field.personal or (personal and is_personal(name))
        )


def _requiring(field: Field, names: set[str]) -> Field:
    late = [name for name in names & field.properties.keys() if not field.properties[name].required]
    if not late and not field.variants:
        return field
    properties = {
        name: replace(part, required=part.required or name in names)
        for name, part in field.properties.items()
    }
    variants = {name: _requiring(part, names) for name, part in field.variants.items()}
    return replace(field, properties=properties, variants=variants)


def _kinds(schema: Mapping[str, Any]) -> tuple[frozenset[str], bool]:
    told = schema.get("type", ())
    names = {told} if isinstance(told, str) else set(told)
    if not names and ("properties" in schema or "additionalProperties" in schema):
        names = {"object"}
    if not names and "items" in schema:
        names = {"array"}
    if not names and ("enum" in schema or "const" in schema):
        values: Sequence[object] = schema.get("enum", [schema.get("const")])
        names = {_KIND_OF.get(type(value), "null") for value in values}
    return frozenset(names & set(KINDS)), "null" in names


def _shapes(part: Mapping[str, Any] | bool) -> bool:  # noqa: FBT001 (true is a schema)
    """Tell whether a choice says what a value looks like, not only which fields go together."""
    return isinstance(part, dict) and not _SHAPING.isdisjoint(part)


def _one_line(text: object) -> str:
    words = " ".join(str(text).split())
    return words if len(words) <= 200 else f"{words[:199]}…"  # noqa: PLR2004 (a long line)
