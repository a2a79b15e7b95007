"""Full disks, object stores: what storage does to a step."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stationmaster.step.datasets import Store
from stationmaster.step.datasets.storage import storage_errors
from stationmaster.step.errors import MisconfiguredError, StorageFullError
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from tests.datasets.conftest import Desk

PROGRAM = Path(__file__).with_name("fill_disk.py")


def test_a_full_device_is_named_with_its_path() -> None:
    """The kernel's "no space left" becomes an error that says where and what to do."""
    full = Path("/dev/full")
    with (
        pytest.raises(StorageFullError) as caught,
        storage_errors("the warehouse"),
        full.open("w") as file,
    ):
        file.write("x" * 100_000)
    assert "expected space for what the step writes, got [Errno 28]" in str(caught.value)
    assert "nothing was published, so the retry starts clean" in str(caught.value)
    assert caught.value.exit_code == 75


def test_a_partition_that_does_not_fit_is_not_published(tmp_path: Path) -> None:
    """On a real file system that is too small the old rows stay, and the files go again."""
    alone = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "-m"]
    outcome = subprocess.run(
        [*alone, sys.executable, str(PROGRAM), str(tmp_path / "home")],
        check=True,
        capture_output=True,
        text=True,
    )
    message, before, after, big_files = outcome.stdout.splitlines()
    assert message.startswith(f"file://{tmp_path}/home/warehouse/stationmaster/web_orders")
    assert "No space left on device" in message
    assert (before, after, big_files) == ("10", "20", "0")


def test_a_catalog_address_that_is_none_is_named(tmp_path: Path) -> None:
    """A catalog setting that is no address is told as such, at once."""
    with pytest.raises(MisconfiguredError, match="STATIONMASTER_CATALOG_URI: expected a SQLAlch"):
        Store.open(Settings(home=tmp_path, catalog_uri="not an address"))


@pytest.mark.parametrize("name", ["a#b", "a%20b", "what?"])
def test_a_place_that_is_no_address_is_named(tmp_path: Path, name: str) -> None:
    """A folder whose name files could not be found under is refused before anything is written."""
    with pytest.raises(MisconfiguredError, match="expected a place without the characters # "):
        Store.open(Settings(home=tmp_path / name))
    assert not (tmp_path / name).exists()


def test_a_folder_may_have_spaces_and_umlauts(desk: Desk, tmp_path: Path) -> None:
    """Ordinary names of folders work."""
    settings = Settings(home=tmp_path / "Jürgens data")
    other = type(desk)(settings, Store.open(settings), desk.contract)
    other.publish(other.orders(3))
    assert other.rows().height == 3


def test_a_half_written_file_is_never_read(desk: Desk) -> None:
    """Rubbish beside the partition's files does not reach readers."""
    desk.publish(desk.orders(3))
    data = next((desk.settings.home / "warehouse").rglob("*.parquet"))
    data.with_name("half.parquet").write_bytes(data.read_bytes()[:500])
    assert desk.rows().height == 3
