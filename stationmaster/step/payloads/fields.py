"""What a value at one place of a payload may be, as one immutable tree."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ANYTHING", "KINDS", "LARGEST_INT64", "Field", "Scalar", "Typical", "kind_of"]

Scalar: TypeAlias = "str | int | float | bool"
"""A value that an enumeration may list."""

KINDS: Final = ("boolean", "integer", "number", "string", "object", "array")
"""What JSON values are, null left out; `integer` is a number written without fraction."""

LARGEST_INT64: Final = 2**63 - 1

_KIND_OF: Final[Mapping[type, str]] = {
    str: "string",
    int: "integer",
    bool: "boolean",
    float: "number",
    dict: "object",
    list: "array",
    type(None): "null",
}


@dataclass(frozen=True, slots=True)
class Typical:
    """Hold where most numbers of a field lie, by size: what tells pence from pounds."""

    low: float
    """A twentieth is smaller."""
    median: float
    high: float
    """A twentieth is greater."""


@dataclass(frozen=True, slots=True)
class Field:
    """Hold what was promised of one place: kinds, null, format, limits, and what lies below."""

    kinds: frozenset[str] = frozenset()
    """Of KINDS; empty: anything."""
    nullable: bool = False
    required: bool = True
    """Whether each object has it; what may be left out may be null or not all the same."""
    presence: float | None = None
    """Share of objects that have it at least, where it was observed."""
    seen: int = 0
    """On how many values this rests; 0: nobody observed it."""
    description: str = ""
    personal: bool = False
    formats: tuple[str, ...] = ()
    """Formats of text (`formats.py`); empty: any."""
    encodings: tuple[str, ...] = ()
    """Odd encodings within texts that are normal here (`encodings.py`)."""
    values: tuple[Scalar, ...] = ()
    """The enumeration, closed; empty: open."""
    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str = ""
    big: bool = False
    """Whether integers may need more than 64 bits."""
    scale: int | None = None
    """Most digits behind the point."""
    typical: Typical | None = None
    properties: Mapping[str, Field] = field(default_factory=dict)
    free: bool = False
    """Whether an object may hold anything: nothing was said of its fields."""
    additional: Field | None = None
    """What the values of a map are, whose keys are data."""
    items: Field | None = None
    tag: str = ""
    """The field that tells which of `variants` an object is; empty: the one that fits best."""
    variants: Mapping[str, Field] = field(default_factory=dict)
    """Kinds of object that may stand here, by the tag's value, or numbered."""

    def optional(self, presence: float | None = None) -> Field:
        """Return the same field as one that may be left out."""
        return replace(self, required=False, presence=presence)


ANYTHING: Final = Field(nullable=True)
"""A place of which nothing was promised."""


def kind_of(value: object) -> str:
    """Return what a JSON value is: one of KINDS, or `null`."""
    return _KIND_OF[type(value)]
