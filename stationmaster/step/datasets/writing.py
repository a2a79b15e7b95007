"""Data files of one partition, written batch by batch in bounded memory."""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl
import polars.selectors as cs
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from pyiceberg.io.pyarrow import (
    compute_statistics_plan,
    data_file_statistics_from_parquet_metadata,
    parquet_path_to_id_mapping,
    schema_to_pyarrow,
)
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat

from stationmaster.step.datasets.storage import storage_errors

if TYPE_CHECKING:
    import datetime as dt

    from pyiceberg.io import OutputStream
    from pyiceberg.table import Table

__all__ = ["PartitionWriter", "Written"]

_ROWS_A_GROUP: Final = 131_072
_BYTES_A_FILE: Final = 256 * 1024 * 1024
_ROWS_SAMPLED: Final = 1024


@dataclass(frozen=True)
class Written:
    """Hold the data files of one partition, not yet part of any snapshot."""

    files: tuple[DataFile, ...]
    rows: int
    bytes: int
    fingerprint: str
    """Digest of the files' bytes: equal only where rows, order and types are."""


class _Hashed:
    """Pass bytes on to a file and digest them on the way."""

    def __init__(self, stream: OutputStream) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()
        self.size = 0
        self.closed = False

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        self.size += len(data)
        self._stream.write(data)
        return len(data)

    def flush(self) -> None:
        """Leave flushing to the close: object stores have no half-written files."""

    def tell(self) -> int:
        return self.size

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._stream.close()


class PartitionWriter:
    """Write frames as Parquet files of one partition of an Iceberg table."""

    def __init__(self, table: Table, business_date: dt.date, label: str) -> None:
        self._table = table
        self._folder = f"business_date={business_date.isoformat()}"
        self._label = label
        self._schema = schema_to_pyarrow(table.schema())
        self._pending: list[pl.DataFrame] = []
        self._pending_rows = 0
        self._files: list[DataFile] = []
        self._digests: list[str] = []
        self._open: tuple[str, _Hashed, pq.ParquetWriter, list[pq.FileMetaData]] | None = None

    def write(self, frame: pl.DataFrame) -> None:
        """Add rows; they reach the file in row groups of one size, whatever the batches were.

        Raises:
            StorageFullError: No space is left.
        """
        self._pending.append(frame)
        self._pending_rows += frame.height
        while self._pending_rows >= _ROWS_A_GROUP:
            whole = pl.concat(self._pending)
            self._write_group(whole.head(_ROWS_A_GROUP))
            rest = whole.slice(_ROWS_A_GROUP)
            self._pending, self._pending_rows = [rest], rest.height

    def finish(self) -> Written:
        """Close the last file and return them all.

        Raises:
            StorageFullError: No space is left.
        """
        if self._pending_rows:
            self._write_group(pl.concat(self._pending))
        self._pending, self._pending_rows = [], 0
        self._close_file()
        return Written(
            files=tuple(self._files),
            rows=sum(file.record_count for file in self._files),
            bytes=sum(file.file_size_in_bytes for file in self._files),
            fingerprint=hashlib.sha256(" ".join(self._digests).encode()).hexdigest()[:32],
        )

    def abandon(self) -> None:
        """Remove the files again; what cannot be removed now, maintenance removes later."""
        if self._open is not None:
            path, sink, _, _ = self._open
            with contextlib.suppress(OSError):
                sink.close()
            self._open = None
            self._remove(path)
        for file in self._files:
            self._remove(file.file_path)

    def _remove(self, path: str) -> None:
        with contextlib.suppress(OSError):
            self._table.io.delete(path)

    def _write_group(self, frame: pl.DataFrame) -> None:
        arrow = self._arrow(frame)
        with storage_errors(self._table.location()):
            if self._open is None:
                self._open = self._start_file(frame)
            _, sink, writer, _ = self._open
            writer.write_table(arrow, row_group_size=_ROWS_A_GROUP)
        if sink.size > _BYTES_A_FILE:
            self._close_file()

    def _arrow(self, frame: pl.DataFrame) -> pa.Table:
        absent = [name for name in self._schema.names if name not in frame.columns]
        full = frame.with_columns(pl.lit(None).alias(name) for name in absent)
        arrow = full.select(self._schema.names).to_arrow(compat_level=pl.CompatLevel.oldest())
        return arrow.cast(self._schema)

    def _start_file(
        self, first: pl.DataFrame
    ) -> tuple[str, _Hashed, pq.ParquetWriter, list[pq.FileMetaData]]:
        name = f"{self._folder}/{self._label}-{len(self._files):05d}-{uuid.uuid4().hex}.parquet"
        path = self._table.location_provider().new_data_location(name)
        sink = _Hashed(self._table.io.new_output(path).create(overwrite=False))
        footer: list[pq.FileMetaData] = []
        writer = pq.ParquetWriter(
            pa.PythonFile(sink, mode="w"),
            self._schema,
            compression="zstd",
            use_dictionary=_repetitive(first),
            metadata_collector=footer,
        )
        return path, sink, writer, footer

    def _close_file(self) -> None:
        if self._open is None:
            return
        path, sink, writer, footer = self._open
        with storage_errors(path):
            writer.close()
            sink.close()
        self._files.append(self._data_file(path, sink.size, footer[0]))
        self._digests.append(sink.digest.hexdigest())
        self._open = None

    def _data_file(self, path: str, size: int, footer: pq.FileMetaData) -> DataFile:
        metadata = self._table.metadata
        statistics = data_file_statistics_from_parquet_metadata(
            parquet_metadata=footer,
            stats_columns=compute_statistics_plan(metadata.schema(), metadata.properties),
            parquet_column_mapping=parquet_path_to_id_mapping(metadata.schema()),
        )
        return DataFile.from_args(
            content=DataFileContent.DATA,
            file_path=path,
            file_format=FileFormat.PARQUET,
            partition=statistics.partition(metadata.spec(), metadata.schema()),
            file_size_in_bytes=size,
            sort_order_id=None,
            spec_id=metadata.default_spec_id,
            equality_ids=None,
            key_metadata=None,
            **statistics.to_serialized_dict(),
        )


def _repetitive(frame: pl.DataFrame) -> list[str]:
    """Return the columns that a dictionary makes smaller.

    For keys, times and mail addresses it is built in vain: twice the time, a fifth more bytes.
    """
    sample = frame.head(_ROWS_SAMPLED).select(~cs.nested())
    distinct = sample.select(pl.all().n_unique()).row(0)
    return [
        name
        for name, values in zip(sample.columns, distinct, strict=True)
        if values <= sample.height // 4
    ]
