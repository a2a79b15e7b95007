"""Iceberg tables made from contracts, and grown when a contract grows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import polars as pl
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
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
    NestedField,
    PrimitiveType,
    StringType,
    TimestampType,
    TimestamptzType,
)

from stationmaster.step.contracts import BUSINESS_DATE, Column
from stationmaster.step.datasets.catalog import load_table
from stationmaster.step.datasets.committing import FencedTransaction, retried
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.catalog.sql import SqlCatalog
    from pyiceberg.table import Table

__all__ = ["PERSONAL", "QUARANTINE_COLUMNS", "ensure_table", "polars_schema"]

PERSONAL: Final = "stationmaster.personal-columns"
"""Table property: JSON of column name to the kind of identifier it holds."""

QUARANTINE_COLUMNS: Final = (
    Column(BUSINESS_DATE, pl.Date(), required=True, personal=False, identifies=BUSINESS_DATE),
    Column("rule", pl.String(), required=True, personal=False, identifies="rule"),
    Column("record", pl.String(), required=False, personal=True, identifies="record"),
    Column("key", pl.String(), required=False, personal=True, identifies="key"),
    Column("detail", pl.String(), required=False, personal=True, identifies="detail"),
)
"""Columns of a quarantine table; `record` is the refused row as JSON text."""

_PROPERTIES: Final = {
    "format-version": "2",
    # Our own loop retries: it looks again who published what before each attempt.
    "commit.retry.num-retries": "0",
    "commit.manifest-merge.enabled": "true",
    "commit.manifest.min-count-to-merge": "2",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
    "write.parquet.compression-codec": "zstd",
}


def ensure_table(
    catalog: SqlCatalog, identifier: tuple[str, str], columns: Sequence[Column]
) -> Table:
    """Return the table with at least these columns; make it or grow it where needed.

    Raises:
        MisconfiguredError: A column's type or nullability changed so that old rows do not fit.
    """
    what = f"table {'.'.join(identifier)}"
    return retried(lambda: _ensure(catalog, identifier, columns), what=what)


def _ensure(catalog: SqlCatalog, identifier: tuple[str, str], columns: Sequence[Column]) -> Table:
    table = load_table(catalog, identifier)
    if table is None:
        return _create(catalog, identifier, columns)
    return _evolve(table, columns)


def _create(catalog: SqlCatalog, identifier: tuple[str, str], columns: Sequence[Column]) -> Table:
    fields = [
        NestedField(number, column.name, _iceberg(column.dtype, number), required=column.required)
        for number, column in enumerate(columns, start=1)
    ]
    schema = Schema(*fields)
    source = schema.find_field(BUSINESS_DATE).field_id
    spec = PartitionSpec(PartitionField(source, 1000, IdentityTransform(), BUSINESS_DATE))
    properties = {**_PROPERTIES, **_personal_properties(columns)}
    # With a first, empty snapshot: branches cannot be made in a table without any.
    with catalog.create_table_transaction(
        identifier, schema, partition_spec=spec, properties=properties
    ) as transaction:
        transaction.update_snapshot().fast_append().commit()
    return catalog.load_table(identifier)


def _personal_properties(columns: Sequence[Column]) -> dict[str, str]:
    personal = {column.name: column.identifies for column in columns if column.personal}
    # No bounds of these columns in manifests: forgetting a person rewrites data files only.
    counts = {f"write.metadata.metrics.column.{name}": "counts" for name in personal}
    return {PERSONAL: json.dumps(personal, sort_keys=True), **counts}


def _evolve(table: Table, columns: Sequence[Column]) -> Table:
    known = {field.name: field for field in table.schema().fields}
    added = [column for column in columns if column.name not in known]
    widened = [
        column
        for column in columns
        if column.name in known and _change(table, known[column.name], column)
    ]
    missing = set(known) - {column.name for column in columns}
    for name in sorted(missing):
        if known[name].required:
            raise _incompatible(table, name, f"a column {name}", "a contract without it")
    for column in added:
        if column.required:
            raise _incompatible(
                table, column.name, "an optional column, as old rows have no value", "required"
            )
    properties = {
        key: value
        for key, value in _personal_properties(columns).items()
        if table.properties.get(key) != value
    }
    if not added and not widened and not properties:
        return table
    transaction = FencedTransaction(table)
    with transaction.update_schema() as update:
        for column in added:
            update.add_column(column.name, _iceberg(column.dtype, 1))
        for column in widened:
            kind = _iceberg(column.dtype, 1)
            if isinstance(kind, PrimitiveType) and kind != known[column.name].field_type:
                update.update_column(column.name, field_type=kind)
            if known[column.name].required and not column.required:
                update.make_column_optional(column.name)
    if properties:
        transaction.set_properties(properties)
    return transaction.commit_transaction()


def _change(table: Table, field: NestedField, column: Column) -> bool:
    kind = _iceberg(column.dtype, 1)
    same = _shape(kind) == _shape(field.field_type)
    if not same and not _widens(field.field_type, kind):
        raise _incompatible(table, column.name, str(field.field_type), str(kind))
    if column.required and not field.required:
        raise _incompatible(table, column.name, f"optional {field.field_type}", "required")
    return not same or (field.required and not column.required)


def _shape(kind: IcebergType) -> str:
    return f"list<{_shape(kind.element_type)}>" if isinstance(kind, ListType) else str(kind)


def _widens(old: IcebergType, new: IcebergType) -> bool:
    """Tell whether Iceberg reads old files as the new type (its promotion rules)."""
    if isinstance(old, DecimalType) and isinstance(new, DecimalType):
        return new.scale == old.scale and new.precision >= old.precision
    return (isinstance(old, IntegerType) and isinstance(new, LongType)) or (
        isinstance(old, FloatType) and isinstance(new, DoubleType)
    )


def _incompatible(table: Table, column: str, expected: str, got: str) -> MisconfiguredError:
    return MisconfiguredError(
        f"dataset {table.name()[-1]}, column {column}",
        expected=f"{expected}, as in the table",
        got=f"{got} in the contract",
        hint="Add a column under a new name instead, or move the old table away first.",
    )


def _iceberg(dtype: pl.DataType, number: int) -> IcebergType:
    if isinstance(dtype, pl.Decimal):
        return DecimalType(dtype.precision, dtype.scale)
    if isinstance(dtype, pl.Datetime):
        return TimestamptzType() if dtype.time_zone else TimestampType()
    if isinstance(dtype, pl.List):
        inner = dtype.inner() if isinstance(dtype.inner, type) else dtype.inner
        # Ids only have to be unique here: the catalog gives final ones when it makes the table.
        return ListType(1000 + number, _iceberg(inner, number), element_required=False)
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
