"""Memory that is raised where a step runs, by real kubelets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from stationmaster.airflow.life.attempts import live, release
from stationmaster.airflow.life.findings import Verdict
from stationmaster.airflow.life.stopping import StopSignal
from tests.cluster.growing_steps import growing_plan
from tests.cluster.life_place import LifePlace, life_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.airflow.life.plan import StepEnd, StepPlan
    from tests.cluster.place import Place

pytestmark = pytest.mark.cluster

MIB = 2**20


@pytest.fixture(name="home", scope="module")
def _home(place: Place) -> Iterator[LifePlace]:
    with life_place(place) as home:
        yield home


async def _to_end(home: LifePlace, plan: StepPlan) -> StepEnd:
    async with home.platform() as platform:
        end = await live(plan, platform, StopSignal())
        await release(plan, end, platform)
        return end


def asked(home: LifePlace, plan: StepPlan) -> list[int | None]:
    """Return what each attempt of a plan had at its end, bytes."""
    mine = [each for each in home.records if each.try_id == plan.context.try_id]
    return [each.asked_memory_bytes for each in sorted(mine, key=lambda each: each.key)]


def test_a_step_that_grows_gets_more_before_it_is_killed(home: LifePlace) -> None:
    """A step that needs more than its limit is done in one attempt, with what it was given."""
    plan = growing_plan(home, mib=125, mib_a_second=8, in_place=True)
    end = asyncio.run(_to_end(home, plan))
    assert end.verdict is Verdict.SUCCEEDED
    assert asked(home, plan) == [256 * MIB]
    assert any("is given 256 MiB where it runs" in line for line in home.said)


def test_the_same_step_without_the_option_is_tried_again_bigger(home: LifePlace) -> None:
    """Killed at its limit, the step is done by a second attempt with twice as much."""
    plan = growing_plan(home, mib=125, mib_a_second=40)
    end = asyncio.run(_to_end(home, plan))
    assert end.verdict is Verdict.SUCCEEDED
    assert asked(home, plan) == [128 * MIB, 256 * MIB]
