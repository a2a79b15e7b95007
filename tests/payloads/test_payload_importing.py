"""What a source publishes of itself becomes a contract: JSON Schema and OpenAPI."""

from __future__ import annotations

from typing import Any

import pytest

from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.payloads import Change, PayloadContract, differences, imported
from stationmaster.step.payloads.importing import response_schema
from tests.payloads.samples import checked

USER = {
    "type": "object",
    "required": ["login", "kind"],
    "properties": {
        "login": {"type": "string"},
        "kind": {"type": "string", "enum": ["user"]},
        "email": {"type": "string", "format": "email", "nullable": True},
        "since": {"type": ["string", "null"], "format": "date-time"},
        "age": {"type": "integer", "minimum": 0, "maximum": 150},
        "boss": {"$ref": "#/components/schemas/user"},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}
TEAM = {
    "type": "object",
    "required": ["kind", "members"],
    "properties": {
        "kind": {"const": "team"},
        "members": {"type": "array", "items": {"$ref": "#/components/schemas/user"}},
    },
}
OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "components": {"schemas": {"user": USER, "team": TEAM}},
    "paths": {
        "/owners": {
            "get": {
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "array",
                                    "items": {
                                        "oneOf": [
                                            {"$ref": "#/components/schemas/user"},
                                            {"$ref": "#/components/schemas/team"},
                                        ]
                                    },
                                }
                            }
                        }
                    }
                }
            }
        }
    },
}
OWNERS = PayloadContract(
    "github", "owners", imported(OPENAPI, response_schema(OPENAPI, "GET", "/owners"))
)
JANE = {"login": "jane", "kind": "user", "since": "2026-01-02T03:04:05+01:00", "age": 30}


def found(*payload: object) -> dict[str, Change]:
    """Return what differs in one answer, by path."""
    return {one.path: one.change for one in checked(OWNERS, [list(payload)])}


def test_an_answer_as_described_has_no_findings() -> None:
    """References, choices, nulls of both versions and maps are understood."""
    team = {"kind": "team", "members": [JANE, {**JANE, "boss": {**JANE, "boss": {"x": 1}}}]}

    assert found(JANE, {**JANE, "email": None, "since": None, "labels": {"a": "b"}}, team) == {}


@pytest.mark.parametrize(
    ("change", "path", "kind"),
    [
        ({"age": 151}, "$[].age", Change.UNIT_OR_SCALE),
        ({"since": "2026-01-02"}, "$[].since", Change.DATE_FORMAT),
        ({"email": "jane"}, "$[].email", Change.FORMAT),
        ({"login": None}, "$[].login", Change.NULLABLE),
        ({"labels": {"x": 1}}, "$[].labels.*", Change.TYPE),
        ({"kind": "bot"}, "$[]", Change.VARIANT),
        ({"surprise": 1}, "$[].surprise", Change.ADDED),
    ],
)
def test_what_is_not_as_described_is_found(change: dict[str, Any], path: str, kind: Change) -> None:
    """Each promise of the description is checked where it was made."""
    assert found({**JANE, **change}) == {path: kind}


def test_parts_that_all_hold_are_put_together() -> None:
    """`allOf` adds fields and requirements; `anyOf` without types only says what goes together."""
    schema = {
        "allOf": [{"$ref": "#/components/schemas/user"}, {"required": ["age"]}],
        "properties": {"more": {"type": "boolean"}},
        "anyOf": [{"required": ["email"]}, {"required": ["since"]}],
    }

    root = imported(OPENAPI, schema)

    assert root.properties["age"].required
    assert {"login", "more"} <= root.properties.keys()
    assert not root.variants


def test_what_is_not_there_is_refused_by_name() -> None:
    """A reference to nowhere and an unknown operation say what was looked for."""
    with pytest.raises(MisconfiguredError, match="#/components/schemas/nobody"):
        imported(OPENAPI, {"$ref": "#/components/schemas/nobody"})
    with pytest.raises(MisconfiguredError, match="Bundle the description"):
        imported(OPENAPI, {"$ref": "other.json#/x"})
    with pytest.raises(MisconfiguredError, match="GET /nowhere, status 200"):
        response_schema(OPENAPI, "GET", "/nowhere")


def test_descriptions_are_compared_in_the_same_words() -> None:
    """A value, a null and a field more or less between two versions are named by path."""
    later = {
        **USER,
        "required": ["login"],
        "properties": {
            **{name: part for name, part in USER["properties"].items() if name != "age"},  # type: ignore[attr-defined]  # (a dict)
            "kind": {"type": "string", "enum": ["user", "bot"]},
            "login": {"type": "string", "nullable": True},
            "boss": {"type": "object", "properties": {}},
        },
    }

    changes = {(one.path, one.change) for one in differences(
        imported(OPENAPI, USER), imported(OPENAPI, later)
    )}  # fmt: skip

    assert changes == {
        ("$.kind", Change.ENUM_VALUE),
        ("$.kind", Change.OPTIONAL),
        ("$.login", Change.NULLABLE),
        ("$.age", Change.REMOVED),
    }
