"""Add to a published contract what samples show of it: how often optional fields are there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stationmaster.step.payloads.fields import Field

__all__ = ["with_presence"]


def with_presence(promised: Field, observed: Field) -> Field:
    """Return a promise with the presence of its optional fields as it was observed.

    Kinds of object that only the promise tells apart keep none: their samples are mixed.
    """
    properties = {name: _placed(part, observed, name) for name, part in promised.properties.items()}
    items = promised.items
    if items is not None and observed.items is not None:
        items = with_presence(items, observed.items)
    additional = promised.additional
    if additional is not None and observed.additional is not None:
        additional = with_presence(additional, observed.additional)
    return replace(promised, properties=properties, items=items, additional=additional)


def _placed(part: Field, observed: Field, name: str) -> Field:
    seen = observed.properties.get(name)
    if seen is None:
        return part
    part = with_presence(part, seen)
    if part.required:
        return part
    return replace(part, presence=seen.presence if seen.presence is not None else 1.0)
