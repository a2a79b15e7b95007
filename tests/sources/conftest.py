"""Real data fetched once, and worlds made of it."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import shutil
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from stationmaster.sources.days import generate_day
from stationmaster.sources.retail import Retail, fetch
from stationmaster.sources.support_api import token
from stationmaster.sources.world import World
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(name="retail", scope="session")
def _retail() -> Retail:
    """Return the real data, fetched once and shared by all tests."""
    return fetch(Settings())


@pytest.fixture(name="settings")
def _settings(tmp_path: Path) -> Settings:
    """Return settings of an empty home of the test's own."""
    return Settings(home=tmp_path, data=Settings().data_folder)


@pytest.fixture(name="world", scope="session")
def _world(retail: Retail) -> World:
    """Return the world of seed 1 at the real volume."""
    return World(retail)


@pytest.fixture(name="made", scope="session")
def _made(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with all sources of 21 November 2011; not to be changed."""
    home = tmp_path_factory.mktemp("made")
    generate_day(world, Settings(home=home), dt.date(2011, 11, 21))
    return home


@pytest.fixture(name="day")
def _day(made: Path, settings: Settings) -> Settings:
    """Return a home of the test's own with all sources of 21 November 2011."""
    shutil.copytree(made, settings.home, dirs_exist_ok=True)
    return settings


@pytest.fixture(name="records")
def _records() -> Callable[[Path, str], list[dict[str, Any]]]:
    """Return a reader of all records of one kind in a day's folder."""

    def read(folder: Path, kind: str) -> list[dict[str, Any]]:
        """Read the files of one kind, in order."""
        files = sorted(folder.glob(f"{kind}-*.jsonl.gz"))
        text = "".join(gzip.decompress(file.read_bytes()).decode() for file in files)
        return [json.loads(line) for line in text.splitlines()]

    return read


@pytest.fixture(name="client")
def _client(settings: Settings) -> Callable[[str], httpx.Client]:
    """Return a maker of clients that show the API's token."""
    headers = {"Authorization": f"Bearer {token(settings)}"}
    return lambda url: httpx.Client(base_url=url, headers=headers, timeout=5)
