"""Read what upstream systems have put down: local folders or `s3://` prefixes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from stationmaster.step.errors import UpstreamUnavailableError
from stationmaster.step.promises import NO_PROMISE, Promise, promises

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyarrow.fs import FileInfo, FileSystem  # type: ignore[import-untyped]

    from stationmaster.step.protocol import Shard
    from stationmaster.step.settings import Settings

__all__ = ["LandingFile", "LandingZone", "filesystem_of", "own_files"]

_DONE: Final = "_SUCCESS"
"""Written last by an upstream system: its day is complete."""


@dataclass(frozen=True)
class LandingFile:
    """Name one file that an upstream system has delivered."""

    path: str
    """A local path, or an `s3://` URI."""
    name: str
    size_bytes: int
    source: str
    day: dt.date
    """The day by the upstream's own calendar."""
    promise: Promise
    """What the day's `_SUCCESS` says of the file."""
    _filesystem: FileSystem
    _key: str

    def open(self) -> BinaryIO:
        """Open the file's bytes as they lie there: a `.gz` is not unpacked."""
        return cast("BinaryIO", self._filesystem.open_input_file(self._key))


class LandingZone:
    """List the landing folders `<root>/<source>/<day>/`."""

    def __init__(self, settings: Settings) -> None:
        self._uri = settings.landing_location.rstrip("/")
        self._filesystem, self._root = filesystem_of(self._uri, settings)

    def files(self, source: str, day: dt.date) -> list[LandingFile]:
        """Return a complete day's files, sorted by name; names that begin with `_` are not data.

        Raises:
            UpstreamUnavailableError: The day is not complete, or lacks a file it promises.
            ContractBrokenError: The day's `_SUCCESS` cannot be read.
        """
        folder = f"{self._root}/{source}/{day}"
        listed = {info.base_name: info for info in self._list(folder) if info.is_file}
        if _DONE not in listed:
            raise self._not_there(source, day)
        promised = self._promises(f"{folder}/{_DONE}", source, day)
        missing = sorted(set(promised) - set(listed))
        if missing:
            raise UpstreamUnavailableError(
                where=f"landing {source} {day}",
                expected=f"the {len(promised)} files that its _SUCCESS names",
                got=f"no {', '.join(missing)}",
                hint=f"Ask the owner of {source} to deliver the day again, then retry.",
            )
        return [
            LandingFile(
                path=f"{self._uri}/{source}/{day}/{name}",
                name=name,
                size_bytes=info.size,
                source=source,
                day=day,
                promise=promised.get(name, NO_PROMISE),
                _filesystem=self._filesystem,
                _key=info.path,
            )
            for name, info in sorted(listed.items())
            if not name.startswith("_")
        ]

    def _list(self, folder: str) -> list[FileInfo]:
        from pyarrow.fs import FileSelector  # noqa: PLC0415 (heavy)

        found = self._filesystem.get_file_info(FileSelector(folder, allow_not_found=True))
        return list(found)

    def _promises(self, key: str, source: str, day: dt.date) -> dict[str, Promise]:
        with self._filesystem.open_input_file(key) as stream:
            return promises(stream.read(), where=f"landing {source} {day}/{_DONE}")

    def _not_there(self, source: str, day: dt.date) -> UpstreamUnavailableError:
        """Tell since when the source is silent: the day after its last complete one."""
        days = {info.base_name: info for info in self._list(f"{self._root}/{source}")}
        before = sorted(name for name in days if name < str(day) and _is_day(name))
        complete = [name for name in reversed(before) if self._complete(source, name)][:1]
        since = dt.date.fromisoformat(complete[0]) + dt.timedelta(days=1) if complete else day
        got = "a folder without it" if str(day) in days else "no folder"
        last = f"the last complete day is {complete[0]}" if complete else "no earlier day is there"
        return UpstreamUnavailableError(
            where=f"landing {source} {day}",
            expected=f"{_DONE} in {self._uri}/{source}/{day}",
            got=f"{got}; missing since {since}, {last}",
            hint=f"Ask the owner of {source} for the day; the step goes on by its retry.",
        )

    def _complete(self, source: str, day: str) -> bool:
        return any(info.base_name == _DONE for info in self._list(f"{self._root}/{source}/{day}"))


def own_files(files: Sequence[LandingFile], shard: Shard) -> list[LandingFile]:
    """Return the files that a shard reads, in their order: each file has one shard, by its size.

    Whole files, since nobody can begin in the middle of a gzip file, and since what is wrong with
    a file shows in all of it.
    """
    loads = [0] * shard.count
    mine: set[str] = set()
    for file in sorted(files, key=lambda file: (-file.size_bytes, file.path)):
        lightest = loads.index(min(loads))
        loads[lightest] += file.size_bytes
        if lightest == shard.index:
            mine.add(file.path)
    return [file for file in files if file.path in mine]


def filesystem_of(uri: str, settings: Settings) -> tuple[FileSystem, str]:
    """Return the file system of a place and the place's path in it.

    Credentials for S3 come from AWS's own variables, files and roles.
    """
    from pyarrow import fs  # type: ignore[import-untyped]  # noqa: PLC0415 (heavy)

    if not uri.startswith("s3://"):
        return fs.LocalFileSystem(), uri.removeprefix("file://")
    endpoint = settings.s3_endpoint or None
    filesystem = fs.S3FileSystem(endpoint_override=endpoint, region=settings.s3_region)
    return filesystem, uri.removeprefix("s3://")


def _is_day(name: str) -> bool:
    try:
        dt.date.fromisoformat(name)
    except ValueError:
        return False
    return True
