"""What shards hand in: seen whole or not at all, kept no longer than needed."""

from __future__ import annotations

import datetime as dt
import os
import time
from typing import TYPE_CHECKING

import boto3
import polars as pl

from stationmaster.step import Inputs, Outputs, job
from stationmaster.step.datasets import Store
from stationmaster.step.protocol import Shard, StepContext
from stationmaster.step.settings import Settings
from stationmaster.step.shares import Shares
from stationmaster.step.testing import JobRun, run_job
from tests.s3_server import KEY

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

DAY = dt.date(2011, 11, 21)


@job
def add_up(inputs: Inputs, outputs: Outputs) -> None:
    """Let each shard count to its own number; the last one adds up."""
    del inputs
    mine = pl.DataFrame({"number": [outputs.shard.index + 1]})
    shares = outputs.hand_in("numbers", mine)
    if shares is None:
        outputs.leave("totals")
        return
    total = sum(share.frame["number"].sum() for share in shares)
    outputs.write_whole("totals", pl.DataFrame({"total": [total]}))


CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: totals
name: Totals
version: 1.0.0
status: active
schema:
  - name: totals
    logicalType: object
    physicalType: table
    properties:
      - {name: business_date, logicalType: date, required: true, partitioned: true,
         partitionKeyPosition: 1}
      - {name: total, logicalType: integer, required: true}
"""


def shard(home: Path, index: int, count: int = 3, attempt: int = 1) -> JobRun:
    """Run one shard of the job."""
    folder = home / "contracts"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "totals.odcs.yaml").write_text(CONTRACT)
    who = {"shard": Shard(index=index, count=count), "try_id": "t", "attempt": attempt}
    who |= {"outputs": ("totals",)}
    return run_job(add_up, DAY, home=home, contracts=folder, context=who)


def told(try_id: str = "t", index: int = 0) -> StepContext:
    """Return what one of a try's three shards is told."""
    return StepContext(
        pipeline="p",
        run_id="r",
        step="s",
        job="j",
        try_id=try_id,
        business_date=DAY,
        shard=Shard(index=index, count=3),
    )


def shares_of(home: Path, try_id: str = "t", index: int = 0) -> Shares:
    """Return the shares of a try as one of its three shards sees them."""
    return Shares(Settings(home=home), told(try_id, index), "numbers")


def kept(home: Path) -> list[str]:
    """Return the shares that lie about."""
    return sorted(path.name for path in (home / "warehouse/_shares").rglob("*.parquet"))


def test_the_last_shard_makes_the_whole(tmp_path: Path) -> None:
    """The others leave it to the last and say so; all its shares are gone afterwards."""
    runs = [shard(tmp_path, index) for index in (1, 0, 2)]

    assert [run.exit_code for run in runs] == [0, 0, 0]
    assert [run.result.outputs[0].staged for run in runs] == [True, True, False]
    assert runs[-1].table("totals")["total"].to_list() == [6]
    assert kept(tmp_path) == []


def test_a_step_in_one_piece_hands_nothing_in(tmp_path: Path) -> None:
    """Without shards the share goes straight back, and no file is written."""
    done = shard(tmp_path, 0, count=1)

    assert done.table("totals")["total"].to_list() == [1]
    assert not (tmp_path / "warehouse/_shares").exists()


def test_a_shard_that_comes_again_after_the_end_is_told(tmp_path: Path) -> None:
    """A shard whose acknowledgement got lost leaves nothing behind and names what is published."""
    for index in range(3):
        shard(tmp_path, index)

    (output,) = shard(tmp_path, 1, attempt=2).result.outputs

    assert (output.already_published, output.staged) == (True, False)
    assert kept(tmp_path) == []


def test_a_shard_that_ran_twice_counts_once(tmp_path: Path) -> None:
    """A second attempt's share takes the place of the first's."""
    shard(tmp_path, 0)
    shard(tmp_path, 0, attempt=2)
    shard(tmp_path, 1)

    assert shard(tmp_path, 2).table("totals")["total"].to_list() == [6]


def test_shares_lie_on_s3_where_the_tables_do(
    endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a bucket as in a folder: handed in, read by the last one, cleared away."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEY)
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    client.create_bucket(Bucket="shares")
    settings = Settings(warehouse="s3://shares/warehouse", s3_endpoint=endpoint)
    mine = [Shares(settings, told(index=index), "numbers") for index in range(3)]
    for number, shares in enumerate(mine):
        assert shares.all() is None
        shares.hand_in(pl.DataFrame({"number": [number]}), {})

    found = mine[0].all()
    mine[0].drop()

    assert found is not None
    assert [share.frame["number"].to_list() for share in found] == [[0], [1], [2]]
    assert mine[1].all() is None


def test_a_share_is_whole_or_not_there(tmp_path: Path) -> None:
    """What a killed shard has begun to write is no share."""
    shares = shares_of(tmp_path)
    shares.hand_in(pl.DataFrame({"number": [1]}), {"of": "all"})
    shares_of(tmp_path, index=1).hand_in(pl.DataFrame({"number": [2]}), {})
    folder = next((tmp_path / "warehouse/_shares").rglob("*.parquet")).parent
    (folder / "0002-of-0003.parquet.0a1b").write_bytes(b"PAR1")

    assert shares.all() is None
    shares_of(tmp_path, index=2).hand_in(pl.DataFrame({"number": [3]}), {})
    found = shares.all()
    assert found is not None
    assert [share.frame["number"].to_list() for share in found] == [[1], [2], [3]]
    assert [share.told for share in found] == [{"of": "all"}, {}, {}]


def test_shares_of_tries_that_never_ended_go_after_a_day(tmp_path: Path) -> None:
    """Whoever clears away its own shares takes those of killed tries with it, once they are old."""
    for try_id in ("killed", "young", "t"):
        shares_of(tmp_path, try_id).hand_in(pl.DataFrame({"number": [1]}), {})
    two_days_ago = time.time() - 2 * 86_400
    for path in (tmp_path / "warehouse/_shares/killed").rglob("*.parquet"):
        os.utime(path, (two_days_ago, two_days_ago))

    shares_of(tmp_path).drop()

    left = [path.parts[-4] for path in (tmp_path / "warehouse/_shares").rglob("*.parquet")]
    assert left == ["young"]


def test_forgetting_a_person_drops_all_shares(tmp_path: Path) -> None:
    """What shards have handed in may hold the person: it goes, unless it is only counted."""
    shares_of(tmp_path).hand_in(pl.DataFrame({"number": [1]}), {})
    store = Store.open(Settings(home=tmp_path))

    store.forget([], dry_run=True)
    assert len(kept(tmp_path)) == 1
    store.forget([])
    assert kept(tmp_path) == []
