"""Publish a set of files all at once: `<reports>/<dataset>/<date>/`."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.landing import filesystem_of
from stationmaster.step.protocol import OutputRef

if TYPE_CHECKING:
    from stationmaster.step.protocol import StepContext
    from stationmaster.step.settings import Settings

__all__ = ["FileSet"]


class FileSet:
    """Stage the files of one dataset and business date.

    On a disk the date is a symbolic link to a folder of this attempt, and publishing is one
    rename of that link: a reader sees the old files or the new ones, whatever is killed when.
    S3 has no rename: there the files are put one by one, `index.html` last.
    """

    def __init__(self, settings: Settings, context: StepContext, dataset: str) -> None:
        self._settings = settings
        self._dataset = dataset
        self._date = context.business_date
        self._root = settings.reports_location.rstrip("/")
        self._remote = self._root.startswith("s3://")
        version = f"{self._date}-{context.try_id}-{context.attempt}"
        self._folder = Path(self._root.removeprefix("file://")) / dataset
        self._version = self._folder / ".versions" / version
        self._sizes: dict[str, int] = {}
        self._remote_data: dict[str, bytes] = {}

    def add(self, name: str, data: bytes) -> None:
        """Stage one file; a name written twice keeps its last data.

        Raises:
            MisconfiguredError: The name leads out of the set.
        """
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise MisconfiguredError(
                where=f"file {name!r} of {self._dataset}",
                expected="a name below the report's folder, such as index.html",
                got="a path that leads out of it",
                hint="Give a relative name without `..`.",
            )
        if self._remote:
            self._remote_data[name] = data
        else:
            target = self._version / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        self._sizes[name] = len(data)

    def publish(self) -> OutputRef:
        """Put the set in place of the one before it."""
        uri = f"{self._root}/{self._dataset}/{self._date}/"
        if self._remote:
            self._put()
        else:
            self._swap()
            uri = (self._folder / str(self._date)).absolute().as_uri() + "/"
        return OutputRef(
            dataset=self._dataset,
            business_date=self._date,
            uri=uri,
            rows=len(self._sizes),
            bytes=sum(self._sizes.values()),
        )

    def discard(self) -> None:
        """Drop what is staged."""
        if not self._remote:
            shutil.rmtree(self._version, ignore_errors=True)

    def _swap(self) -> None:
        link = self._folder / str(self._date)
        before = link.resolve() if link.is_symlink() else None
        if link.is_dir() and not link.is_symlink():
            # A folder that somebody copied here by hand: out of the way, not lost.
            link.rename(self._version.with_name(f"{self._version.name}.found"))
        fresh = self._version.with_name(f"{self._version.name}.link")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(Path(".versions") / self._version.name)
        # The link's target is relative to the folder it ends in.
        fresh.replace(link)
        if before is not None and before != self._version.resolve():
            shutil.rmtree(before, ignore_errors=True)

    def _put(self) -> None:
        filesystem, key = filesystem_of(
            f"{self._root}/{self._dataset}/{self._date}", self._settings
        )
        for name in sorted(self._remote_data, key=lambda name: (name == "index.html", name)):
            with filesystem.open_output_stream(f"{key}/{name}") as stream:
                stream.write(self._remote_data[name])
        from pyarrow.fs import FileSelector  # type: ignore[import-untyped]  # noqa: PLC0415 (heavy)

        for info in filesystem.get_file_info(FileSelector(key, recursive=True)):
            if info.is_file and info.path.removeprefix(f"{key}/") not in self._remote_data:
                with contextlib.suppress(FileNotFoundError):
                    filesystem.delete_file(info.path)
