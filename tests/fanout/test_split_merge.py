"""A merge in any number of shards gives the four tables of one in one piece."""

from __future__ import annotations

import datetime as dt
import json
import random
from typing import TYPE_CHECKING

import polars as pl
import pytest

from merge_customers.job import TABLES, run
from merge_customers.sample import FIRST_DAY, sample_days
from stationmaster.sources.retail import fetch
from stationmaster.sources.world import World
from stationmaster.step.protocol import Shard
from stationmaster.step.settings import Settings
from stationmaster.step.testing import run_job
from tests.fanout.splitting import DAYS, in_shards, one_shard
from tests.pipeline.mornings import Mornings, days_from, differences

if TYPE_CHECKING:
    from pathlib import Path

    from stationmaster.step.testing import JobRun

SAMPLE = days_from(FIRST_DAY, 3)


def sampled(home: Path) -> Mornings:
    """Return a home with three made-up days, merged in one piece."""
    mornings = Mornings(home)
    for name, frame in sample_days(3).items():
        for day in SAMPLE:
            rows = frame.filter(pl.col("business_date") == day).drop("business_date")
            put(home, name, rows, day)
    mornings.merge(SAMPLE)
    return mornings


def put(home: Path, dataset: str, rows: pl.DataFrame, day: dt.date) -> None:
    """Publish a day's extract as the job before would."""
    run_job(run, day, home=home, tables={dataset: rows}, context={"outputs": ("none",)})


def published(runs: list[JobRun]) -> list[int]:
    """Return which of the shards published all four tables."""
    return [
        number
        for number, done in enumerate(runs)
        if [each.dataset for each in done.result.outputs if not each.staged] == list(TABLES)
    ]


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_a_split_merge_of_real_mornings_is_the_same(count: int, whole: Mornings) -> None:
    """Whatever the number of shards and their order: four tables, value by value the same."""
    before = whole.tables(TABLES, DAYS)
    order = random.Random(count).sample(range(count), count)  # noqa: S311 (a test's order)

    runs = in_shards(whole, run, DAYS[1], order, outputs=TABLES)

    assert [done.exit_code for done in runs] == [0] * count, runs
    assert published(runs) == [count - 1]
    assert differences(whole.tables(TABLES, DAYS), before) == []


def test_a_split_merge_brings_later_days_up_to_date(whole: Mornings) -> None:
    """The first day merged again in three shards: the second one is, too, and both are the same."""
    before = whole.tables(TABLES, DAYS)

    runs = in_shards(whole, run, DAYS[0], (1, 2, 0), outputs=TABLES)

    outputs = [(each.business_date, each.staged) for each in runs[-1].result.outputs]
    assert outputs == [(day, False) for day in DAYS for _ in TABLES]
    assert differences(whole.tables(TABLES, DAYS), before) == []


@pytest.mark.parametrize("count", [2, 5])
def test_each_shard_compares_its_own_pairs_only(count: int, tmp_path: Path) -> None:
    """The pairs are dealt out: each shard hands in its part, and together they are all."""
    mornings = sampled(tmp_path)
    for index in range(count - 1):
        shard = Shard(index=index, count=count)
        one_shard(mornings, run, SAMPLE[2], shard, try_id="t", outputs=TABLES)
    files = sorted((tmp_path / "warehouse/_shares").rglob("*.parquet"))
    shares = [pl.read_parquet(file) for file in files]

    heights = [share.height for share in shares]
    together = pl.concat(shares).select("left", "right")
    assert max(heights) - min(heights) <= 1
    assert together.n_unique() == sum(heights) > 0


def test_what_was_compared_by_other_extracts_is_compared_again(tmp_path: Path) -> None:
    """A share of contacts with other numbers is not taken for one of these, whatever it says."""
    mornings = sampled(tmp_path)
    before = mornings.tables(TABLES, SAMPLE)
    first = Shard(index=0, count=2)
    one_shard(mornings, run, SAMPLE[2], first, try_id="t", outputs=TABLES)
    (file,) = (tmp_path / "warehouse/_shares").rglob("*.parquet")
    wrong = pl.read_parquet(file).with_columns(match_weight=pl.lit(40.0))
    wrong.write_parquet(file, metadata={"stationmaster.told": json.dumps({"of": "others"})})

    last = Shard(index=1, count=2)
    done = one_shard(mornings, run, SAMPLE[2], last, try_id="t", outputs=TABLES)

    assert published([done]) == [0]
    assert differences(mornings.tables(TABLES, SAMPLE), before) == []


def test_what_shards_compared_is_what_is_joined(tmp_path: Path) -> None:
    """The last shard takes the others' word for their pairs: it does not compare them again."""
    mornings = sampled(tmp_path)
    before = mornings.table("unified_customers", SAMPLE[2])
    one_shard(mornings, run, SAMPLE[2], Shard(index=0, count=2), try_id="t", outputs=TABLES)
    (file,) = (tmp_path / "warehouse/_shares").rglob("*.parquet")
    told = pl.read_parquet_metadata(file)["stationmaster.told"]
    strangers = pl.read_parquet(file).with_columns(match_weight=pl.lit(-40.0))
    strangers.write_parquet(file, metadata={"stationmaster.told": told})

    one_shard(mornings, run, SAMPLE[2], Shard(index=1, count=2), try_id="t", outputs=TABLES)

    assert mornings.table("unified_customers", SAMPLE[2]).height > before.height


@pytest.mark.proof
@pytest.mark.timeout(1800)
def test_a_split_merge_of_a_big_day_is_the_same(tmp_path: Path) -> None:
    """A generated day of some 19,000 orders, extracted and merged in 2 and in 7 shards."""
    day = dt.date(2010, 11, 17)
    mornings = Mornings(tmp_path)
    mornings.play_sources(World(fetch(Settings()), seed=1, orders_a_day=10_000), [day])
    mornings.extract([day])
    mornings.merge([day])
    before = mornings.tables(TABLES, [day])
    assert before["unified_orders", day].height > 18_000
    for count in (2, 7):
        runs = in_shards(mornings, run, day, range(count), outputs=TABLES)
        assert published(runs) == [count - 1]
        assert differences(mornings.tables(TABLES, [day]), before) == []
