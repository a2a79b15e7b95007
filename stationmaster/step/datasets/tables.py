"""Iceberg tables made from contracts, and grown when a contract grows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import polars as pl
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (
    DoubleType,
    FloatType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    NestedField,
    PrimitiveType,
)

from stationmaster.step.contracts import BUSINESS_DATE, Column
from stationmaster.step.datasets.columntypes import iceberg_type
from stationmaster.step.datasets.committing import FencedTransaction, retried
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyiceberg.table import Table
    from pyiceberg.table.update.schema import UpdateSchema

    from stationmaster.step.datasets.tableat import TableAt

__all__ = ["PERSONAL", "QUARANTINE_COLUMNS", "ensure_table"]

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
    # Enough that a slow reader finds the version it was told of, however many writers there are.
    "write.metadata.previous-versions-max": "100",
    "write.parquet.compression-codec": "zstd",
}


def ensure_table(at: TableAt, columns: Sequence[Column]) -> Table:
    """Return the table with at least these columns; make it or grow it where needed.

    Raises:
        MisconfiguredError: A column's type or nullability changed so that old rows do not fit.
    """
    return retried(lambda: _ensure(at, columns), what=f"table {at.name}", turn=at.turn)


def _ensure(at: TableAt, columns: Sequence[Column]) -> Table:
    table = at.find()
    if table is None:
        return _create(at, columns)
    return _evolve(table, columns)


def _create(at: TableAt, columns: Sequence[Column]) -> Table:
    fields = [
        NestedField(
            number, column.name, iceberg_type(column.dtype, number), required=column.required
        )
        for number, column in enumerate(columns, start=1)
    ]
    schema = Schema(*fields)
    source = schema.find_field(BUSINESS_DATE).field_id
    spec = PartitionSpec(PartitionField(source, 1000, IdentityTransform(), BUSINESS_DATE))
    properties = {**_PROPERTIES, **_personal_properties(columns)}
    # With a first, empty snapshot: branches cannot be made in a table without any.
    with at.catalog.create_table_transaction(
        at.identifier, schema, partition_spec=spec, properties=properties
    ) as transaction:
        transaction.update_snapshot().fast_append().commit()
    return at.load()


def _personal_properties(columns: Sequence[Column]) -> dict[str, str]:
    personal = {column.name: column.identifies for column in columns if column.personal}
    # No bounds of these columns in manifests: forgetting a person rewrites data files only.
    counts = {f"write.metadata.metrics.column.{name}": "counts" for name in personal}
    return {PERSONAL: json.dumps(personal, sort_keys=True), **counts}


def _evolve(table: Table, columns: Sequence[Column]) -> Table:
    known = {field.name: field for field in table.schema().fields}
    added = [column for column in columns if column.name not in known]
    there = [column for column in columns if column.name in known]
    changed = [column for column in there if _change(table, known[column.name], column)]
    _check_old_rows_fit(table, known, columns)
    properties = {
        key: value
        for key, value in _personal_properties(columns).items()
        if table.properties.get(key) != value
    }
    if not added and not changed and not properties:
        return table
    transaction = FencedTransaction(table)
    with transaction.update_schema() as update:
        for column in added:
            update.add_column(column.name, iceberg_type(column.dtype))
        for column in changed:
            _alter(update, known[column.name], column)
    transaction.set_properties(properties)
    return transaction.commit_transaction()


def _alter(update: UpdateSchema, field: NestedField, column: Column) -> None:
    kind = iceberg_type(column.dtype)
    if isinstance(kind, PrimitiveType) and kind != field.field_type:
        update.update_column(column.name, field_type=kind)
    if field.required and not column.required:
        update.make_column_optional(column.name)


def _check_old_rows_fit(
    table: Table, known: dict[str, NestedField], columns: Sequence[Column]
) -> None:
    promised = {column.name for column in columns}
    for name, field in known.items():
        if field.required and name not in promised:
            raise _incompatible(table, name, f"a column {name}", "no such column")
    for column in columns:
        if column.required and column.name not in known:
            expected = "an optional column, since rows written before have no value"
            raise _incompatible(table, column.name, expected, "a required one")


def _change(table: Table, field: NestedField, column: Column) -> bool:
    kind = iceberg_type(column.dtype)
    same = _shape(kind) == _shape(field.field_type)
    if not same and not _widens(field.field_type, kind):
        raise _incompatible(table, column.name, str(field.field_type), str(kind))
    if column.required and not field.required:
        raise _incompatible(table, column.name, f"optional {field.field_type}", "required")
    return not same or (field.required and not column.required)


def _shape(kind: IcebergType) -> str:
    return f"list<{_shape(kind.element_type)}>" if isinstance(kind, ListType) else str(kind)


def _widens(old: IcebergType, new: IcebergType) -> bool:
    """Tell whether every reader takes old files as the new type; polars not wider decimals."""
    return (isinstance(old, IntegerType) and isinstance(new, LongType)) or (
        isinstance(old, FloatType) and isinstance(new, DoubleType)
    )


def _incompatible(table: Table, column: str, expected: str, got: str) -> MisconfiguredError:
    return MisconfiguredError(
        f"dataset {table.name()[-1]}, column {column}",
        expected=f"{expected}, to go on with the table there is",
        got=f"{got} in the contract",
        hint="Add a column under a new name instead, or move the old table away first.",
    )
