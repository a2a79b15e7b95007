"""Write one day's folder of one source as the source would: data files, then `_SUCCESS`."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    import polars as pl

    from stationmaster.step.settings import Settings

__all__ = ["MAX_RECORDS", "DayFolder", "day_folder", "gzipped"]

MAX_RECORDS: Final = 50_000
"""Records a file holds at most."""


def day_folder(settings: Settings, source: str, day: dt.date) -> Path:
    """Return the folder of a source's day.

    Raises:
        MisconfiguredError: The landing zone is not a local folder.
    """
    if "://" in settings.landing_location:
        raise MisconfiguredError(
            where="setting STATIONMASTER_LANDING",
            expected="a local folder: the played sources write locally",
            got=settings.landing_location,
            hint="Generate into a local folder, then copy it to the bucket.",
        )
    return Path(settings.landing_location) / source / day.isoformat()


def gzipped(text: bytes) -> bytes:
    """Compress without a time stamp: the same text gives the same bytes."""
    return gzip.compress(text, compresslevel=4, mtime=0)


@dataclass
class DayFolder:
    """Collect the files of one source's day; `close` makes the day complete."""

    path: Path
    day: dt.date
    files: dict[str, dict[str, int | str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Start from an empty folder."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True)

    def add_json(self, kind: str, lines: pl.Series) -> None:
        """Write JSON texts as gzipped lines, in files of at most MAX_RECORDS."""
        for start in range(0, max(len(lines), 1), MAX_RECORDS):
            part = lines.slice(start, MAX_RECORDS)
            text = "".join(f"{line}\n" for line in part)
            self._write(kind, "jsonl.gz", gzipped(text.encode()), len(part))

    def add_csv(self, kind: str, frame: pl.DataFrame) -> None:
        """Write a frame as CSV with a header, in files of at most MAX_RECORDS."""
        for start in range(0, max(frame.height, 1), MAX_RECORDS):
            part = frame.slice(start, MAX_RECORDS)
            self._write(kind, "csv", part.write_csv().encode(), part.height)

    def complete(self, *kinds: str) -> None:
        """Write an empty file of each kind that has none: a day without records is a day."""
        for kind in kinds:
            if not any(name.startswith(f"{kind}-") for name in self.files):
                self._write(kind, "jsonl.gz", gzipped(b""), 0)

    def complete_csv(self, kind: str, columns: tuple[str, ...]) -> None:
        """Write a file with the header only where there is no file."""
        if not self.files:
            self._write(kind, "csv", (",".join(columns) + "\n").encode(), 0)

    def close(self) -> int:
        """Write `_SUCCESS`, dated a quarter past the day's end; return the records written."""
        midnight = dt.datetime.combine(self.day, dt.time(), dt.UTC)
        written_at = midnight + dt.timedelta(days=1, minutes=15)
        document = {"files": self.files, "written_at": f"{written_at:%Y-%m-%dT%H:%M:%SZ}"}
        (self.path / "_SUCCESS").write_text(json.dumps(document, indent=1) + "\n")
        return sum(int(entry["records"]) for entry in self.files.values())

    def _write(self, kind: str, ending: str, data: bytes, records: int) -> None:
        place = sum(name.startswith(f"{kind}-") for name in self.files)
        name = f"{kind}-{place:03d}.{ending}"
        (self.path / name).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        self.files[name] = {"records": records, "bytes": len(data), "sha256": digest}
