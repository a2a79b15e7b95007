"""Two real mornings, extracted and merged in one piece: what a split step has to equal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stationmaster.sources.retail import fetch
from stationmaster.sources.world import World
from stationmaster.step.settings import Settings
from tests.fanout.splitting import DAYS, cut_up, delivered_to
from tests.pipeline.mornings import Mornings, days_from

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(name="sources", scope="session")
def _sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with what the four systems hold of the days, in files of few records."""
    mornings = Mornings(tmp_path_factory.mktemp("sources"))
    days = days_from(DAYS[0], len(DAYS) + 1)
    mornings.play_sources(World(fetch(Settings())), days)
    for source in ("web", "app", "delivery"):
        for day in days:
            cut_up(mornings.settings.home / "landing" / source / str(day), records=40)
    return mornings.settings.home


@pytest.fixture(name="whole", scope="session")
def _whole(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Mornings:
    """Return the mornings in one piece."""
    mornings = delivered_to(tmp_path_factory.mktemp("whole"), sources)
    mornings.extract(DAYS)
    mornings.merge(DAYS)
    return mornings
