"""Plans of steps that get the size their history calls for."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from stationmaster.airflow.life.attempts import live
from stationmaster.airflow.life.plan import pod_of
from stationmaster.airflow.life.podfacts import memory_limit
from stationmaster.airflow.life.sizefacts import size_facts_of
from stationmaster.airflow.life.stopping import StopSignal
from stationmaster.airflow.life.testing import fails, succeeds
from stationmaster.airflow.sizing import size_book, sized
from stationmaster.ledger.store import Ledger
from stationmaster.step.settings import Settings
from tests.life.plans import plan_of
from tests.life.worlds import a_world, by_attempt

if TYPE_CHECKING:
    from pathlib import Path

MIB = 2**20


def test_the_next_run_starts_with_what_an_out_of_memory_taught(tmp_path: Path) -> None:
    """A step is killed at 64 MiB once; its next run asks for more, and its log says why."""
    uri = f"sqlite:///{tmp_path}/ledger.db"
    ledger = Ledger.open(uri)
    ledger.migrate()
    settings = Settings(ledger_uri=uri)

    async def once() -> None:
        script = by_attempt(fails(137, reason="OOMKilled"), succeeds())
        async with a_world(script) as world:
            await live(plan_of(budgets={"pause_seconds": 0.0}), world.platform, StopSignal())
            ledger.record_all(world.records)

    first = sized(plan_of(), size_book(settings))
    asyncio.run(once())
    second = sized(plan_of(), size_book(settings))

    assert memory_limit(first.pod) == 64 * MIB
    assert (memory_limit(second.pod) or 0) > 64 * MIB
    assert "64 MiB proved too small" in size_facts_of(second.pod).size_why
    assert size_facts_of(second.pod).declared_memory_bytes == 64 * MIB
    ledger.close()


def test_a_ledger_that_is_away_leaves_the_declared_size(tmp_path: Path) -> None:
    """No step waits for advice: without a ledger it has what its author asked for."""
    settings = Settings(ledger_uri=f"sqlite:///{tmp_path}/none/ledger.db")
    plan = plan_of()
    assert sized(plan, size_book(settings)) == plan


def test_an_enlarged_attempt_says_from_what() -> None:
    """The pod after an out-of-memory carries what the one before it had."""
    pod = pod_of(plan_of(), 0, 2, 128 * MIB)
    assert size_facts_of(pod).enlarged_from_bytes == 64 * MIB
    assert memory_limit(pod) == 128 * MIB
