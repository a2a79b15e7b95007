"""Write attempts as Parquet, in pieces: a year of them needs no more memory than a day."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from stationmaster.ledger.engine import transaction
from stationmaster.ledger.models import DOCUMENT, UtcTime, attempt
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["EXPORT_SECONDS", "export"]

EXPORT_SECONDS: Final = 3600
"""How long reading may take; recorders go on meanwhile."""

AT_ONCE: Final = 20_000
"""Rows of one piece: about 40 MB."""


def export(engine: sa.Engine, condition: sa.ColumnElement[bool], out: Path) -> int:
    """Write the attempts for which `condition` holds to a Parquet file; return how many.

    One column a field, times in UTC, documents as JSON text. The file appears when it is whole.

    Raises:
        MisconfiguredError: pyarrow is not installed, or the file cannot be written.
    """
    try:
        import pyarrow as pa  # type: ignore[import-untyped]  # noqa: PLC0415 (heavy)
        from pyarrow import parquet  # noqa: PLC0415 (as above)
    except ImportError as error:
        raise MisconfiguredError(
            where="ledger export",
            expected="pyarrow, which writes Parquet",
            got=str(error),
            hint="Install stationmaster[datasets], or take `stationmaster ledger show --json`.",
        ) from error
    schema = pa.schema([(each.name, _arrow_type(pa, each)) for each in attempt.columns])
    unfinished = out.with_name(f"{out.name}.part")
    number = 0
    try:
        with parquet.ParquetWriter(unfinished, schema, compression="zstd") as writer:
            for rows in _pieces(engine, condition):
                writer.write_table(pa.Table.from_pylist(rows, schema=schema))
                number += len(rows)
        unfinished.replace(out)
    except OSError as error:
        raise MisconfiguredError(
            where=f"ledger export --out {out}",
            expected="a file in a folder that exists, with room for it",
            got=str(error),
            hint="Name another file.",
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return number


def _pieces(engine: sa.Engine, condition: sa.ColumnElement[bool]) -> Iterator[list[dict[str, Any]]]:
    query = sa.select(attempt).where(condition).order_by(attempt.c.recorded_at)
    with transaction(engine, seconds=EXPORT_SECONDS) as connection:
        streamed = connection.execution_options(stream_results=True, yield_per=AT_ONCE)
        for piece in streamed.execute(query).mappings().partitions():
            yield [_plain(dict(row)) for row in piece]


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: json.dumps(value) if isinstance(value, (dict, list)) else value
        for name, value in row.items()
    }


def _arrow_type(pa: Any, column: sa.Column[Any]) -> Any:  # noqa: ANN401 (an untyped library)
    if isinstance(column.type, UtcTime):
        return pa.timestamp("us", tz="UTC")
    if column.type is DOCUMENT:
        return pa.string()
    kinds = {
        "BIGINT": pa.int64(),
        "INTEGER": pa.int32(),
        "DATE": pa.date32(),
        "DOUBLE": pa.float64(),
    }
    return kinds.get(str(column.type), pa.string())
