"""The contract's JSON Schemas, generated from the models and checked in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stationmaster.step.jobfile import JobFile
from stationmaster.step.protocol import StepContext, StepResult

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["FOLDER", "schemas", "stale"]

FOLDER: Final = Path(__file__).parent
"""Where the files lie."""

_MODELS: Final[dict[str, type[BaseModel]]] = {
    "context": StepContext,
    "job": JobFile,
    "result": StepResult,
}
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[Path, str]:
    """Return the text of each schema file, as the models are now."""
    return {FOLDER / f"{name}.schema.json": _text(model) for name, model in _MODELS.items()}


def stale() -> list[str]:
    """Return the names of files that are not what the models say."""
    return [
        path.name
        for path, text in schemas().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    ]


def _text(model: type[BaseModel]) -> str:
    schema: dict[str, Any] = {"$schema": _DIALECT, **model.model_json_schema()}
    if "protocol" in schema["properties"]:
        # A document says its version: whoever reads it must not have to guess.
        schema["required"] = ["protocol", *schema.get("required", [])]
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
