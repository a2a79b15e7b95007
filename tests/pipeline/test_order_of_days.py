"""The merge of a day is a pure function of all extracts up to it."""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING

import pytest

from tests.pipeline.mornings import MERGED, Mornings, days_from, differences

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from stationmaster.sources.world import World

DAYS = days_from(dt.date(2011, 3, 14), 30)
"""Thirty days around 27 March 2011, when clocks in London went forward."""

ON_TIME = 26
"""How many of the days come in time; each later one re-runs every merge after it."""

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(name="in_one_go", scope="module")
def _in_one_go(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> dict[object, pl.DataFrame]:
    """All thirty days are extracted, then all merged."""
    mornings = Mornings(tmp_path_factory.mktemp("one-go"))
    mornings.play_sources(world, days_from(DAYS[0] - dt.timedelta(days=1), len(DAYS) + 1))
    mornings.extract(DAYS)
    mornings.merge(DAYS)
    return mornings.tables(MERGED, DAYS)


def test_thirty_days_one_by_one_give_the_same_tables(
    world: World, tmp_path: Path, in_one_go: dict[object, pl.DataFrame]
) -> None:
    """Each morning extracted and merged on its own ends in the tables of one go."""
    mornings = Mornings(tmp_path)
    mornings.play_sources(world, days_from(DAYS[0] - dt.timedelta(days=1), len(DAYS) + 1))
    for day in DAYS:
        mornings.extract([day])
        mornings.merge([day])

    assert differences(mornings.tables(MERGED, DAYS), in_one_go) == []


def test_thirty_days_shuffled_give_the_same_tables(
    world: World, tmp_path: Path, in_one_go: dict[object, pl.DataFrame]
) -> None:
    """Days that arrive in any order re-run the merges after them, by themselves."""
    mornings = Mornings(tmp_path)
    mornings.play_sources(world, days_from(DAYS[0] - dt.timedelta(days=1), len(DAYS) + 1))
    shuffled = random.Random(7).sample(DAYS, len(DAYS))  # noqa: S311 (a test's order, no secret)
    on_time, late = shuffled[:ON_TIME], shuffled[ON_TIME:]
    mornings.extract(on_time)
    mornings.merge(sorted(on_time))
    for day in late:
        mornings.extract([day])
        mornings.merge([day])

    assert differences(mornings.tables(MERGED, DAYS), in_one_go) == []
