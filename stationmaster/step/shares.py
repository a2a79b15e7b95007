"""What the shards of one try hand to whichever of them comes last; no shard waits for another.

A share is one Parquet file, `<warehouse>/_shares/<try>/<business date>/<topic>/<shard>.parquet`,
put there at once. A shard that finds the shares of all others beside its own is the last; two that
do are harmless as long as what they make of the shares is the same.

Heavy (polars): import it where a step is split, not from what a DAG file loads.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from stationmaster.step.landing import filesystem_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyarrow.fs import FileInfo, FileSystem  # type: ignore[import-untyped]

    from stationmaster.step.protocol import StepContext
    from stationmaster.step.settings import Settings

__all__ = ["Share", "Shares", "drop_all_shares"]

_FOLDER: Final = "_shares"
_TOLD: Final = "stationmaster.told"
_KEPT: Final = dt.timedelta(days=1)
"""How long the shares of tries that never ended lie about: no step runs that long."""


@dataclass(frozen=True)
class Share:
    """Hold what one shard handed in."""

    frame: pl.DataFrame
    told: dict[str, str]
    """What the shard says of its frame, such as what it was made of."""


class Shares:
    """Hold the shares of one try of a step, for one business date and one topic.

    Args:
        settings: Where the warehouse is.
        context: Tells try, business date and shard.
        topic: What the shares are of; a dataset's name, say.
    """

    def __init__(self, settings: Settings, context: StepContext, topic: str) -> None:
        place = f"{settings.warehouse_location.rstrip('/')}/{_FOLDER}"
        self._filesystem, self._root = filesystem_of(place, settings)
        self._folder = f"{self._root}/{context.try_id}/{context.business_date}/{topic}"
        self._shard = context.shard

    def hand_in(self, frame: pl.DataFrame, told: Mapping[str, str]) -> None:
        """Put this shard's share beside the others', in place of an earlier attempt's."""
        buffer = io.BytesIO()
        frame.write_parquet(buffer, metadata={_TOLD: json.dumps(dict(told))})
        self._filesystem.create_dir(self._folder, recursive=True)
        path = self._path(self._shard.index)
        # An object store shows an object when it is whole, a folder shows a file while it grows.
        written = path if self._is_object_store else f"{path}.{uuid.uuid4().hex}"
        with self._filesystem.open_output_stream(written) as stream:
            stream.write(buffer.getvalue())
        if written != path:
            self._filesystem.move(written, path)

    def all(self) -> list[Share] | None:
        """Return the shares of all shards in their order, or None while one is missing."""
        paths = [self._path(index) for index in range(self._shard.count)]
        found = self._filesystem.get_file_info(paths)
        if not all(info.is_file for info in found):
            return None
        try:
            return [self._read(path) for path in paths]
        except FileNotFoundError:
            # Another one was the last as well, has published, and cleared them away.
            return None

    def drop(self) -> None:
        """Remove the shares, and those of tries that never came to it."""
        self._remove(self._folder)
        too_old = dt.datetime.now(dt.UTC) - _KEPT
        for info in _below(self._filesystem, self._root):
            if info.is_file and info.mtime is not None and info.mtime < too_old:
                self._filesystem.delete_file(info.path)

    @property
    def _is_object_store(self) -> bool:
        return bool(self._filesystem.type_name == "s3")

    def _path(self, index: int) -> str:
        return f"{self._folder}/{index:04d}-of-{self._shard.count:04d}.parquet"

    def _read(self, path: str) -> Share:
        with self._filesystem.open_input_file(path) as stream:
            data = stream.read()
        told = json.loads(pl.read_parquet_metadata(io.BytesIO(data)).get(_TOLD, "{}"))
        return Share(pl.read_parquet(io.BytesIO(data)), told)

    def _remove(self, folder: str) -> None:
        from pyarrow.fs import FileType  # noqa: PLC0415 (heavy)

        if self._filesystem.get_file_info(folder).type == FileType.Directory:
            self._filesystem.delete_dir(folder)


def drop_all_shares(settings: Settings) -> None:
    """Remove the shares of all tries; a split step that is under way then fails and is retried."""
    place = f"{settings.warehouse_location.rstrip('/')}/{_FOLDER}"
    filesystem, root = filesystem_of(place, settings)
    for info in _below(filesystem, root):
        if info.is_file:
            filesystem.delete_file(info.path)


def _below(filesystem: FileSystem, root: str) -> list[FileInfo]:
    from pyarrow.fs import FileSelector  # noqa: PLC0415 (heavy)

    return list(filesystem.get_file_info(FileSelector(root, recursive=True, allow_not_found=True)))
