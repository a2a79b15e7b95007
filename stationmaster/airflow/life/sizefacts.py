"""What size an attempt was given and why: written onto its pod, read back for its record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stationmaster.airflow.life.names import SIZE_ANNOTATION

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

__all__ = ["SizeFacts", "size_facts_of", "write_size_facts"]


class SizeFacts(BaseModel):
    """Hold what only who chose the size knows; the field names are those of AttemptRecord.

    None and "" mean: not known.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    size_class: str = ""
    size_why: str = Field(default="", max_length=4096)
    parameter_class: str = ""
    node_pool: str = ""
    declared_cpu_millicores: int | None = Field(default=None, ge=0)
    declared_memory_bytes: int | None = Field(default=None, ge=0)
    enlarged_from_bytes: int | None = Field(default=None, ge=0)
    input_bytes: int | None = Field(default=None, ge=0)


def write_size_facts(pod: MutableMapping[str, Any], facts: SizeFacts) -> None:
    """Write facts onto a pod that is to be created; they outlive whoever chose the size."""
    annotations = dict(pod["metadata"].get("annotations") or {})
    annotations[SIZE_ANNOTATION] = facts.model_dump_json(exclude_defaults=True)
    pod["metadata"]["annotations"] = annotations


def size_facts_of(pod: Mapping[str, Any]) -> SizeFacts:
    """Return the facts that stand on a pod; none where it has none that can be read.

    Anybody who may write annotations may write this one: nonsense in it costs no attempt its row.
    """
    text = (pod["metadata"].get("annotations") or {}).get(SIZE_ANNOTATION)
    if not text:
        return SizeFacts()
    try:
        return SizeFacts.model_validate_json(text)
    except ValidationError:
        return SizeFacts()
