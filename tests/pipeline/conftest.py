"""Real orders as four sources, shared by the pipeline's tests."""

from __future__ import annotations

import pytest

from stationmaster.sources.retail import fetch
from stationmaster.sources.world import World
from stationmaster.step.settings import Settings


@pytest.fixture(name="world", scope="session")
def _world() -> World:
    return World(fetch(Settings()))
