"""What tests of the dashboard share: the made-up shop, served."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from stationmaster.monitor.dashboard.sample.making import make_sample
from tests.chromium import chromium
from tests.dashboard.served import Served, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def sample_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of the made-up shop, made once."""
    file = tmp_path_factory.mktemp("sample") / "sample.db"
    make_sample(file)
    return file


@pytest.fixture
def sample_uri(sample_file: Path, tmp_path: Path) -> str:
    """Return the URI of a copy that a test may change."""
    shutil.copy(sample_file, tmp_path / "sample.db")
    return f"sqlite:///{tmp_path}/sample.db"


@pytest.fixture
def served(sample_uri: str, tmp_path: Path) -> Iterator[Served]:
    """Serve the made-up shop, with a token as on a laptop."""
    with serving(sample_uri, tmp_path) as running:
        yield running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a real Chromium."""
    with chromium() as running:
        yield running
