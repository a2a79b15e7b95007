"""Add to a published contract what payloads show of it: how often optional fields are there."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stationmaster.step.payloads.fields import Field
    from stationmaster.step.payloads.place import Place

__all__ = ["sure_share", "with_presence"]


def sure_share(count: int, of: int) -> float:
    """Return how often something is there at least, by how often it was.

    Two standard errors below the share, of which little is known from few objects (Laplace's rule
    of succession): 3 of 3 is 44 %, 300 of 300 is 99 %.
    """
    share = (count + 1) / (of + 2)
    return round(max(0.0001, share - 2 * math.sqrt(share * (1 - share) / (of + 2))), 4)


def with_presence(place: Place) -> Field:
    """Return what was promised of a place, with how often optional fields were counted there."""
    field = place.field
    properties = {
        name: _counted(place, name) if name in place.fields else part
        for name, part in field.properties.items()
    }
    inside = place.inside
    items = inside.get(f"{place.path}[]")
    additional = inside.get(f"{place.path}.*")
    return replace(
        field,
        properties=properties,
        items=with_presence(items) if items else field.items,
        additional=with_presence(additional) if additional else field.additional,
        variants=_refined(place.variants, field.variants),
    )


def _refined(places: Mapping[str, Place], known: Mapping[str, Field]) -> dict[str, Field]:
    return {
        name: with_presence(places[name]) if name in places else field
        for name, field in known.items()
    }


def _counted(place: Place, name: str) -> Field:
    child = place.fields[name]
    part = with_presence(child)
    if part.required or not child.visits:
        return part
    return replace(part, presence=sure_share(child.visits, place.objects))
