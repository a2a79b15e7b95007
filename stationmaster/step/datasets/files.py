"""Which files a table needs, and which lie there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.fs as pafs  # type: ignore[import-untyped]
from pyiceberg.io.pyarrow import PyArrowFileIO

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table

__all__ = ["Reachable", "StoredFile", "delete_files", "reachable", "stored_files"]


@dataclass(frozen=True)
class Reachable:
    """Hold every file that a snapshot, a branch or the metadata log of a table names."""

    data: dict[str, DataFile]
    """Data files by path."""
    other: frozenset[str]
    """Manifests, manifest lists and metadata files."""

    @property
    def paths(self) -> set[str]:
        """Return all paths."""
        return {*self.data, *self.other}


@dataclass(frozen=True)
class StoredFile:
    """Hold one file as the file system lists it."""

    path: str
    size: int
    modified: dt.datetime


def reachable(table: Table) -> Reachable:
    """Return the files of all snapshots of a table."""
    data: dict[str, DataFile] = {}
    other = {table.metadata_location, *(log.metadata_file for log in table.metadata.metadata_log)}
    for snapshot in table.metadata.snapshots:
        other.add(snapshot.manifest_list)
        for manifest in snapshot.manifests(table.io):
            if manifest.manifest_path in other:
                continue
            other.add(manifest.manifest_path)
            for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=True):
                data[entry.data_file.file_path] = entry.data_file
    return Reachable(data=data, other=frozenset(other))


def stored_files(table: Table) -> list[StoredFile]:
    """Return the files that lie in a table's folder, named as the table names them."""
    filesystem, root = _filesystem(table)
    location = table.location().rstrip("/")
    selector = pafs.FileSelector(root, recursive=True, allow_not_found=True)
    return [
        StoredFile(
            path=f"{location}/{info.path.removeprefix(root).lstrip('/')}",
            size=info.size,
            modified=info.mtime,
        )
        for info in filesystem.get_file_info(selector)
        if info.is_file
    ]


def _filesystem(table: Table) -> tuple[pafs.FileSystem, str]:
    location = table.location().rstrip("/")
    scheme, netloc, path = PyArrowFileIO.parse_location(location)
    if not isinstance(table.io, PyArrowFileIO):
        message = f"table {table.name()} is not read through pyarrow"
        raise TypeError(message)
    return table.io.fs_by_scheme(scheme, netloc), path


def delete_files(table: Table, paths: Iterable[str]) -> int:
    """Delete files that are there; return how many."""
    deleted = 0
    for path in sorted(paths):
        try:
            table.io.delete(path)
        except FileNotFoundError:
            continue
        deleted += 1
    return deleted
