"""Column types of polars as Iceberg's, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from pyiceberg.types import (
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    StringType,
    TimestampType,
    TimestamptzType,
)

if TYPE_CHECKING:
    from pyiceberg.schema import Schema

__all__ = ["iceberg_type", "polars_schema"]


def iceberg_type(dtype: pl.DataType, number: int = 1) -> IcebergType:
    """Return the Iceberg type of a column; `number` keeps the ids of list elements apart."""
    if isinstance(dtype, pl.Decimal):
        return DecimalType(dtype.precision, dtype.scale)
    if isinstance(dtype, pl.Datetime):
        return TimestamptzType() if dtype.time_zone else TimestampType()
    if isinstance(dtype, pl.List):
        inner = dtype.inner() if isinstance(dtype.inner, type) else dtype.inner
        # Ids only have to be unique here: the catalog gives final ones when it makes the table.
        return ListType(1000 + number, iceberg_type(inner, number), element_required=False)
    plain: dict[str, IcebergType] = {
        "String": StringType(),
        "Boolean": BooleanType(),
        "Date": DateType(),
        "Int32": IntegerType(),
        "Int64": LongType(),
        "Float32": FloatType(),
        "Float64": DoubleType(),
    }
    return plain[str(dtype)]


def polars_schema(schema: Schema) -> pl.Schema:
    """Return the polars schema of an Iceberg schema that `ensure_table` made."""
    return pl.Schema({field.name: _polars(field.field_type) for field in schema.fields})


def _polars(kind: IcebergType) -> pl.DataType:
    if isinstance(kind, ListType):
        return pl.List(_polars(kind.element_type))
    if isinstance(kind, DecimalType):
        return pl.Decimal(kind.precision, kind.scale)
    plain: dict[type[IcebergType], pl.DataType] = {
        StringType: pl.String(),
        BooleanType: pl.Boolean(),
        DateType: pl.Date(),
        IntegerType: pl.Int32(),
        LongType: pl.Int64(),
        FloatType: pl.Float32(),
        DoubleType: pl.Float64(),
        TimestampType: pl.Datetime("us"),
        TimestamptzType: pl.Datetime("us", "UTC"),
    }
    return plain[type(kind)]
