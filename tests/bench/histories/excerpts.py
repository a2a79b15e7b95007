"""Cut descriptions down to what an operation answers with 200, each `$ref` written out.

oasdiff tells a change in a schema that several places share at one of them only; written out, each
place has its own. Operations whose answers are the same before and after, and pairs of answers
that another operation has as well, are counted once.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["NAME", "Pair", "answers", "described", "pairs"]

NAME: Final = "x-name"
"""Under this word a schema that was written out keeps the name it had."""
_METHODS: Final = ("get", "post", "put", "patch", "delete")
_MOST_CHARACTERS: Final = 400_000
"""Answers that are bigger written out are left out, and counted."""
_WORDS: Final = frozenset(
    {
        "$ref", "type", "properties", "required", "items", "additionalProperties", "enum", "format",
        "nullable", "oneOf", "anyOf", "allOf", "minimum", "maximum", "minLength", "maxLength",
    }
)  # fmt: skip
"""Words that say what a value looks like; texts for people and examples are left out."""


@dataclass(frozen=True)
class Pair:
    """Hold what one operation answers before and after."""

    operation: str
    old: Mapping[str, Any]
    new: Mapping[str, Any]

    @property
    def is_changed(self) -> bool:
        """Return whether anything a value looks like is another."""
        return self.old != self.new


class _TooBigError(Exception):
    """Raised when an answer written out is too big, or contains itself."""


def answers(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield operations and the JSON schemas of their answers of status 200."""
    for path, methods in document["paths"].items():
        for method in _METHODS:
            answer = methods.get(method, {}).get("responses", {}).get("200", {})
            answer = _target(document, answer["$ref"]) if "$ref" in answer else answer
            schema = answer.get("content", {}).get("application/json", {}).get("schema")
            if schema:
                yield f"{method.upper()} {path}", schema


def pairs(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[list[Pair], int]:
    """Return what operations that both have answer, and how many were too big to write out."""
    before, after = dict(answers(old)), dict(answers(new))
    found: dict[str, Pair] = {}
    too_big = 0
    for operation in sorted(before.keys() & after.keys()):
        try:
            pair = Pair(
                operation, _written(old, before[operation]), _written(new, after[operation])
            )
        except _TooBigError:
            too_big += 1
            continue
        text = json.dumps([pair.old, pair.new], sort_keys=True)
        found.setdefault(hashlib.sha256(text.encode()).hexdigest(), pair)
    return list(found.values()), too_big


def described(chosen: Sequence[Pair], which: str) -> dict[str, Any]:
    """Return an OpenAPI description of operations numbered from 0 that answer with one side.

    Choices become components with the names they had, one for each place: so oasdiff compares a
    choice with what it was, and takes it for another one only when it has another name.
    """
    paths: dict[str, Any] = {}
    components: dict[str, Any] = {}
    for number, pair in enumerate(chosen):
        schema = _with_components(getattr(pair, which), f"o{number}", components)
        content = {"application/json": {"schema": schema}}
        responses = {"200": {"description": "an answer", "content": content}}
        paths[f"/{number}"] = {"get": {"operationId": f"o{number}", "responses": responses}}
    return {
        "openapi": "3.0.3",
        "info": {"title": "excerpt", "version": "1"},
        "paths": paths,
        "components": {"schemas": components},
    }


def _with_components(schema: Any, place: str, components: dict[str, Any]) -> Any:  # noqa: ANN401 (JSON)
    if isinstance(schema, list):
        return [
            _with_components(part, f"{place}.{number}", components)
            for number, part in enumerate(schema)
        ]
    if not isinstance(schema, dict):
        return schema
    made = {
        word: _with_components(value, f"{place}.{word}", components)
        for word, value in schema.items()
        if word not in {"oneOf", "anyOf", NAME}
    }
    for word in ("oneOf", "anyOf"):
        if word not in schema:
            continue
        made[word] = []
        for part in schema[word]:
            name = part.get(NAME) or part.get("items", {}).get(NAME, "")
            inner = _with_components(part, f"{place}.{name}", components)
            if name:
                key = re.sub(r"[^A-Za-z0-9.-]", "-", f"{place}.{word}.{name}")
                components[key] = inner
                inner = {"$ref": f"#/components/schemas/{key}"}
            made[word].append(inner)
    return made


def _target(document: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 (JSON)
    found: Any = document
    for step in name.removeprefix("#/").split("/"):
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return found


def _written(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    budget = [_MOST_CHARACTERS // 40]
    written: Mapping[str, Any] = _out(document, schema, (), budget)
    return written


def _out(
    document: Mapping[str, Any],
    schema: Any,  # noqa: ANN401 (JSON)
    inside: tuple[str, ...],
    budget: list[int],
) -> Any:  # noqa: ANN401 (JSON)
    """Write out a schema, without texts for people."""
    budget[0] -= 1
    if budget[0] < 0:
        raise _TooBigError
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"]
        if name in inside:
            raise _TooBigError
        made = _out(document, _target(document, name), (*inside, name), budget)
        return {**made, NAME: name.rpartition("/")[2]}
    made = {}
    for word in sorted(_WORDS & schema.keys()):
        value = schema[word]
        if word == "properties":
            made[word] = {name: _out(document, one, inside, budget) for name, one in value.items()}
        elif word in {"oneOf", "anyOf", "allOf"}:
            made[word] = [_out(document, one, inside, budget) for one in value]
        elif word in {"items", "additionalProperties"}:
            made[word] = _out(document, value, inside, budget)
        else:
            made[word] = sorted(value) if word == "required" else value
    return made
