"""Check documents against the copies in tests/schemas, as strictly as the tools themselves do."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

__all__ = ["ROOT", "SCHEMAS", "crd_schema", "documents", "json_schema", "problems"]

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "tests" / "schemas"


def documents(path: str) -> list[dict[str, Any]]:
    """Return the YAML documents of a file below the root."""
    return list(yaml.safe_load_all((ROOT / path).read_text(encoding="utf-8")))


def json_schema(name: str) -> dict[str, Any]:
    """Return a JSON Schema of tests/schemas."""
    schema: dict[str, Any] = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    return schema


def crd_schema(name: str) -> dict[str, Any]:
    """Return the openAPIV3Schema of a CRD's one version, with unknown fields refused.

    An API server drops them silently, and the wish with them.
    """
    crd = yaml.safe_load((SCHEMAS / name).read_text(encoding="utf-8"))
    (version,) = crd["spec"]["versions"]
    return _closed(copy.deepcopy(version["schema"]["openAPIV3Schema"]), top=True)


def problems(document: dict[str, Any], schema: dict[str, Any]) -> list[str]:
    """Return what a schema has against a document: place and sentence."""
    errors = Draft202012Validator(schema).iter_errors(document)
    return sorted(f"{error.json_path}: {error.message[:200]}" for error in errors)


def _closed(schema: dict[str, Any], *, top: bool = False) -> dict[str, Any]:
    fields = schema.get("properties")
    if top and fields:
        fields["metadata"] = {"type": "object"}
    elif fields and "additionalProperties" not in schema:
        schema["additionalProperties"] = False
    for part in [*(fields or {}).values(), schema.get("items"), schema.get("additionalProperties")]:
        if isinstance(part, dict):
            _closed(part)
    return schema
