"""Make payloads of a schema: each choice it leaves is taken, again and again, in turn.

Of its own on purpose: it shares no code with what is measured.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Maker"]

_PRESENT: Final = 0.75
_NULL: Final = 0.2
_HALF: Final = 0.5
_DEEPEST: Final = 14
_WORDS: Final = ("alpha", "Beta two", "gamma, three", "delta-4 x", "épsilon")
_TEXTS: Final = {
    "date-time": ("2026-01-02T03:04:05Z", "2025-11-30T23:59:59Z", "2026-03-04T05:06:07Z"),
    "date": ("2026-01-02", "2025-11-30"),
    "uri": ("https://example.com/a", "https://example.com/b/c?d=1"),
    "uri-template": ("https://example.com/a{/b}", "https://example.com/c{?d}"),
    "email": ("jane@example.com", "joe@example.org"),
    "uuid": ("9b2d4e1c-77aa-4d9e-8f00-0123456789ab", "00000000-77aa-4d9e-8f00-0123456789ab"),
    "time": ("03:04:05",),
}


class Maker:
    """Make payloads of the schemas of one document.

    Args:
        document: Where `$ref`s lead.
        seed: The same seed gives the same payloads.
    """

    def __init__(self, document: Mapping[str, Any], seed: int) -> None:
        self._document = document
        self._random = random.Random(seed)  # noqa: S311 (reproducible on purpose)
        self._turns: dict[int, int] = {}

    def payloads(self, schema: Mapping[str, Any], count: int) -> Iterator[Any]:
        """Yield payloads that keep a schema."""
        for _ in range(count):
            yield self._value(schema, 0)

    def _next(self, choices: Sequence[Any]) -> Any:  # noqa: ANN401 (JSON)
        """Return the next of the document's own choices, so that none is left out."""
        number = self._turns.get(id(choices), -1) + 1
        self._turns[id(choices)] = number
        return choices[number % len(choices)]

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in schema:
            found: Any = self._document
            for step in schema["$ref"].removeprefix("#/").split("/"):
                found = found[step.replace("~1", "/").replace("~0", "~")]
            schema = found
        return schema

    def _value(self, schema: Mapping[str, Any], depth: int) -> Any:  # noqa: ANN401 (JSON)
        schema = self._whole(schema)
        if schema.get("nullable") and (depth > _DEEPEST or self._random.random() < _NULL):
            return None
        if schema.get("enum"):
            return self._next(schema["enum"])
        for word in ("oneOf", "anyOf"):
            choices = schema.get(word, ())
            if any(set(part) - {"required"} for part in choices):
                chosen = self._next(choices)
                rest = {key: value for key, value in schema.items() if key != word}
                return self._value(self._joined(rest, self._whole(chosen)), depth)
        return self._plain(schema, depth)

    def _whole(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Follow `$ref` and put the parts of `allOf` together."""
        schema = self._resolved(schema)
        if "allOf" not in schema:
            return schema
        whole = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            whole = self._joined(whole, self._whole(part))
        return whole

    def _joined(self, one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
        joined = {**other, **one}
        first, second = one.get("properties", {}), other.get("properties", {})
        properties = {**second, **first}
        for name in first.keys() & second.keys():
            null = bool(first[name].get("nullable") and second[name].get("nullable"))
            properties[name] = {**second[name], **first[name], "nullable": null}
        if properties:
            joined["properties"] = properties
            joined["required"] = sorted({*one.get("required", ()), *other.get("required", ())})
        return joined

    def _plain(self, schema: Mapping[str, Any], depth: int) -> Any:  # noqa: ANN401 (JSON)
        kind = schema.get("type", "object" if "properties" in schema else "")
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            few = 0 if depth > _DEEPEST else self._random.choice((1, 1, 2))
            return [self._value(schema.get("items", {}), depth + 1) for _ in range(few)]
        if kind == "string":
            return self._text(schema)
        if kind == "integer":
            return self._number(schema)
        if kind == "number":
            whole = self._number(schema)
            return whole + 0.5 if whole + 0.5 <= schema.get("maximum", 10**9) else whole - 0.5
        return self._random.random() < _HALF if kind == "boolean" else "anything"

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        required = schema.get("required", ())
        made = {
            name: self._value(part, depth + 1)
            for name, part in schema.get("properties", {}).items()
            if name in required or (depth <= _DEEPEST and self._random.random() < _PRESENT)
        }
        others = schema.get("additionalProperties")
        if isinstance(others, dict) and others and depth <= _DEEPEST:
            for name in ("Ruby words", "C words"):
                made[name] = self._value(others, depth + 1)
        return made

    def _text(self, schema: Mapping[str, Any]) -> str:
        texts = _TEXTS.get(schema.get("format", ""), _WORDS)
        text = self._random.choice(texts)
        longest = schema.get("maxLength")
        text = text.ljust(schema.get("minLength", 0), "x")
        return text if longest is None else text[:longest]

    def _number(self, schema: Mapping[str, Any]) -> int:
        low, high = schema.get("minimum", 1), schema.get("maximum", 10**6)
        return int(self._random.choice((low, high, (low + high) // 2)))
