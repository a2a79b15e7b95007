"""Real orders as four sources, shared by the pipeline's tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stationmaster.sources.retail import fetch
from stationmaster.sources.world import World
from stationmaster.step.settings import Settings

# pytest imports test folders by path: the module beside the tests must be found by name.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(name="world", scope="session")
def _world() -> World:
    return World(fetch(Settings()))
