"""A shard that is killed at any moment and tried again leaves the tables of an undisturbed run."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from merge_customers.job import TABLES
from stationmaster.step.datasets import Store
from stationmaster.step.protocol import CONTEXT_VARIABLE, RESULT_VARIABLE, Shard, StepContext
from stationmaster.step.run_step import new_try_id
from tests.fanout.test_split_merge import SAMPLE, sampled
from tests.pipeline.mornings import differences

if TYPE_CHECKING:
    from pathlib import Path

    from tests.pipeline.mornings import Mornings

DAY = SAMPLE[2]
COUNT = 3


class Try:
    """Run the shards of one try of the merge as processes, side by side."""

    def __init__(self, mornings: Mornings) -> None:
        self._home = mornings.settings.home
        self.try_id = new_try_id()

    def start(self, index: int, attempt: int = 1) -> subprocess.Popen[bytes]:
        """Start one shard."""
        context = StepContext(
            pipeline="killed",
            run_id=self.try_id,
            step="merge_customers",
            job="merge-customers",
            try_id=self.try_id,
            attempt=attempt,
            business_date=DAY,
            shard=Shard(index=index, count=COUNT),
            outputs=TABLES,
        )
        told = {
            CONTEXT_VARIABLE: context.model_dump_json(),
            RESULT_VARIABLE: str(self._home / f"result-{index}-{attempt}.json"),
            "STATIONMASTER_HOME": str(self._home),
        }
        command = [sys.executable, "-m", "merge_customers"]
        return subprocess.Popen(
            command, env={**os.environ, **told}, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
        )

    def shares(self) -> int:
        """Return how many shares of it are there."""
        return len(list((self._home / "warehouse/_shares" / self.try_id).rglob("*.parquet")))


def kill_one(one: Try, victim: int, *, shares: int, seconds: float) -> bool:
    """Run the try and kill a shard some time after so many shares are there; tell whether it hit.

    The killed shard is tried again at once, as the platform does.
    """
    running = {index: one.start(index) for index in range(COUNT)}
    target, hit = running[victim], threading.Event()

    def kill() -> None:
        while one.shares() < shares and target.poll() is None:
            time.sleep(0.02)
        time.sleep(seconds)
        if target.poll() is None:
            os.kill(target.pid, signal.SIGKILL)
            hit.set()

    killer = threading.Thread(target=kill)
    killer.start()
    killer.join()
    if hit.is_set():
        target.wait()
        running[victim] = one.start(victim, attempt=2)
    assert [running[index].wait(timeout=300) for index in range(COUNT)] == [0] * COUNT
    return hit.is_set()


def check(mornings: Mornings, rounds: int, seed: int) -> int:
    """Kill shards at so many moments and look at the tables after each; return the hits."""
    dice, hits = random.Random(seed), 0  # noqa: S311 (a test's dice)
    before = mornings.tables(TABLES, SAMPLE)
    for number in range(rounds):
        one, moment = Try(mornings), dice.uniform(0.0, 1.0)
        hits += kill_one(one, dice.randrange(COUNT), shares=number % (COUNT + 1), seconds=moment)
        assert differences(mornings.tables(TABLES, SAMPLE), before) == []
        for table in TABLES:
            written = Store.open(mornings.settings).catalog.load_table(f"stationmaster.{table}")
            assert one.try_id in written.properties[f"stationmaster.partition.{DAY}"]
            assert set(written.refs()) == {"main"}
    return hits


@pytest.mark.timeout(600)
def test_a_killed_shard_of_a_merge_leaves_no_trace(tmp_path: Path) -> None:
    """One of three shards is killed early, while shares come, and while the last one joins them."""
    assert check(sampled(tmp_path), rounds=4, seed=1) >= 1


@pytest.mark.proof
@pytest.mark.timeout(3600)
def test_a_killed_shard_of_a_merge_leaves_no_trace_anywhere(tmp_path: Path) -> None:
    """The same at forty moments."""
    assert check(sampled(tmp_path), rounds=40, seed=2) >= 20
