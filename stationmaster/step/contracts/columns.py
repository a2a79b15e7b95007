"""Columns of a dataset: the contract's types as polars types, and which casts keep every value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from stationmaster.step.contracts.odcs import LogicalTypeOptions, Property

__all__ = ["BUSINESS_DATE", "Column", "can_cast", "column_of", "spell"]

BUSINESS_DATE: Final = "business_date"
"""The column every dataset is partitioned by."""

_DECIMAL: Final = re.compile(r"^(?:decimal|numeric)\((\d+),\s*(\d+)\)$")
_INTEGERS: Final = {"int": pl.Int32(), "integer": pl.Int32(), "int32": pl.Int32()}
_FLOATS: Final = {"float": pl.Float32(), "real": pl.Float32(), "float32": pl.Float32()}


@dataclass(frozen=True)
class Column:
    """Hold one column of a dataset."""

    name: str
    dtype: pl.DataType
    required: bool
    personal: bool
    identifies: str
    """What kind of identifier of a person it holds (`email`); its own name unless tagged."""


def column_of(prop: Property) -> Column:
    """Return the column a contract's property describes.

    Raises:
        ValueError: The logical type is missing or is none that tables hold.
    """
    kinds = [tag.split(":", 1)[1] for tag in prop.tags if tag.startswith("identifies:")]
    return Column(
        name=prop.name,
        dtype=_dtype(prop),
        required=prop.required or prop.primary_key or prop.name == BUSINESS_DATE,
        personal=prop.classification == "personal" or "personal" in prop.tags or bool(kinds),
        identifies=kinds[0] if kinds else prop.name,
    )


def _dtype(prop: Property) -> pl.DataType:
    physical = prop.physical_type.lower()
    if prop.logical_type == "array" and prop.items is not None:
        return pl.List(_dtype(prop.items))
    decimal = _DECIMAL.match(physical)
    number = pl.Decimal(int(decimal[1]), int(decimal[2])) if decimal else _FLOATS.get(physical)
    types: dict[str | None, pl.DataType] = {
        "string": pl.String(),
        "boolean": pl.Boolean(),
        "date": pl.Date(),
        "integer": _INTEGERS.get(physical, pl.Int64()),
        "timestamp": _timestamp(prop.logical_type_options),
        "number": number or pl.Float64(),
    }
    if prop.logical_type not in types:
        known = "string, boolean, date, timestamp, integer, number, array with items"
        message = f"column {prop.name}: logicalType {prop.logical_type} is none of {known}"
        raise ValueError(message)
    return types[prop.logical_type]


def _timestamp(options: LogicalTypeOptions) -> pl.DataType:
    return pl.Datetime("us", "UTC" if options.timezone else None)


def can_cast(source: pl.DataType, target: pl.DataType) -> bool:
    """Tell whether values of `source` may be cast to `target`; single values may still not fit."""
    if source in {target, pl.Null()}:
        return True
    if isinstance(target, pl.List):
        return isinstance(source, pl.List) and can_cast(_inner(source), _inner(target))
    if isinstance(target, pl.Datetime):
        # Without a zone nobody knows which instant is meant: that is the job's to say.
        aware = (getattr(source, "time_zone", None) is None) == (target.time_zone is None)
        return isinstance(source, pl.Datetime) and aware
    lossless = (
        isinstance(target, pl.String) and isinstance(source, pl.Categorical | pl.Enum),
        isinstance(target, pl.Decimal) and (source.is_integer() or isinstance(source, pl.Decimal)),
        target.is_float() and (source.is_integer() or source.is_float()),
        target.is_integer() and source.is_integer(),
    )
    return any(lossless)


def _inner(dtype: pl.List) -> pl.DataType:
    inner = dtype.inner
    return inner() if isinstance(inner, type) else inner


def spell(dtype: pl.DataType) -> str:
    """Return a type as people write it in contracts."""
    names = {
        "String": "string",
        "Boolean": "boolean",
        "Date": "date",
        "Int32": "int",
        "Int64": "long",
        "Float32": "float",
        "Float64": "double",
        "Null": "nothing but nulls",
    }
    if isinstance(dtype, pl.Decimal):
        return f"decimal({dtype.precision},{dtype.scale})"
    if isinstance(dtype, pl.Datetime):
        return f"timestamp in {dtype.time_zone}" if dtype.time_zone else "timestamp without zone"
    if isinstance(dtype, pl.List):
        return f"array of {spell(_inner(dtype))}"
    return names.get(str(dtype), str(dtype))
