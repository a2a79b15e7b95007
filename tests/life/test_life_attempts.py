"""The attempts of a step, against an API server that really serves pods."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stationmaster.airflow.life.attempts import live, release
from stationmaster.airflow.life.findings import Verdict
from stationmaster.airflow.life.names import FINALIZER
from stationmaster.airflow.life.plan import pod_of
from stationmaster.airflow.life.stopping import StopSignal
from stationmaster.airflow.life.testing import (
    PodScript,
    Refusal,
    fails,
    runs,
    succeeds,
)
from tests.life.plans import plan_of
from tests.life.worlds import World, a_world, by_attempt, by_shard

QUICK = {"pause_seconds": 0.0}


def verdicts(world: World) -> list[str | None]:
    """Return the verdicts recorded so far."""
    return [record.verdict for record in world.records]


def test_an_empty_step_costs_three_requests() -> None:
    """Create, finalizer off, delete; the watch is shared, and nothing is left."""

    async def main() -> None:
        async with a_world() as world:
            plan = plan_of()
            end = await live(plan, world.platform, StopSignal())
            await release(plan, end, world.platform)
            assert (end.verdict, end.attempts) == (Verdict.SUCCEEDED, 1)
            assert dict(world.cluster.requests) == {
                "list": 1,
                "watch": 1,
                "create": 1,
                "patch": 1,
                "delete": 1,
            }
            assert world.fake.objects.pods == {}

    asyncio.run(main())


def test_evidence_is_kept_until_release() -> None:
    """A finished pod that anybody deletes stays until its end is persisted and released."""

    async def main() -> None:
        async with a_world() as world:
            plan = plan_of()
            end = await live(plan, world.platform, StopSignal())
            world.fake.delete(end.pods[0].name)
            assert FINALIZER in world.fake.pod(end.pods[0].name)["metadata"]["finalizers"]
            await release(plan, end, world.platform)
            assert world.fake.objects.pods == {}

    asyncio.run(main())


def test_kept_pods_lose_only_the_finalizer() -> None:
    """A plan that keeps its pods leaves them to people and to the reaper."""

    async def main() -> None:
        async with a_world() as world:
            plan = plan_of(keep_pods=True)
            end = await live(plan, world.platform, StopSignal())
            await release(plan, end, world.platform)
            assert world.fake.pod(end.pods[0].name)["metadata"]["finalizers"] == []

    asyncio.run(main())


@pytest.mark.parametrize("code", [409, 503])
def test_a_lost_answer_starts_no_second_pod(code: int) -> None:
    """A create whose answer got lost is found to be done: the pod is adopted."""

    async def main() -> None:
        async with a_world() as world:
            world.fake.faults.refuse("create", Refusal(code, after_the_fact=True))
            end = await live(plan_of(), world.platform, StopSignal())
            assert end.verdict is Verdict.SUCCEEDED
            assert len(world.fake.created) == 1

    asyncio.run(main())


def test_a_namesake_of_another_try_is_not_adopted() -> None:
    """A pod with our name and other labels is no attempt of ours: the step says so and fails."""

    async def main() -> None:
        async with a_world() as world:
            plan = plan_of()
            foreign = pod_of(plan, 0, 1)
            foreign["metadata"]["labels"] = {"app": "other"}
            await world.cluster.create_pod(foreign)
            end = await live(plan, world.platform, StopSignal())
            assert end.verdict is Verdict.CONFIG_ERROR
            assert end.finding is not None
            assert "is there already" in end.finding.sentence

    asyncio.run(main())


def test_a_pod_that_ended_unwatched_is_done() -> None:
    """A pod that succeeded while nobody looked means done; nothing is started."""

    async def main() -> None:
        async with a_world() as world:
            plan = plan_of()
            await world.cluster.create_pod(pod_of(plan, 0, 1))
            await world.until(lambda: _phases(world) == ["Succeeded"])
            end = await live(plan, world.platform, StopSignal())
            assert end.verdict is Verdict.SUCCEEDED
            assert len(world.fake.created) == 1

    asyncio.run(main())


def test_a_life_goes_on_where_the_last_one_stopped() -> None:
    """Cancelled in its second attempt, the next life goes on with that attempt and its budget."""

    async def main() -> None:
        async with a_world(by_attempt(fails(137, pod_reason="Evicted"), runs())) as world:
            plan = plan_of(budgets={**QUICK, "again": {"evicted": 1}})
            first = asyncio.create_task(live(plan, world.platform, StopSignal()))
            await world.until(lambda: len(world.fake.created) == 2)
            await world.until(lambda: _phases(world) == ["Running"])
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            name = world.fake.created[-1]
            world.fake.say(name, fails(137, pod_reason="Evicted").states[-1][1]["status"])
            end = await live(plan, world.platform, StopSignal())
            assert (end.verdict, end.attempts) == (Verdict.EVICTED, 2)
            assert len(world.fake.created) == 2

    asyncio.run(main())


def test_cancellation_leaves_the_pods_alone() -> None:
    """Who watches may die at any time: the pod runs on, undeleted."""

    async def main() -> None:
        async with a_world(lambda _: runs()) as world:
            living = asyncio.create_task(live(plan_of(), world.platform, StopSignal()))
            await world.until(lambda: _phases(world) == ["Running"])
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)
            assert world.cluster.requests["delete"] == 0
            assert _phases(world) == ["Running"]

    asyncio.run(main())


def test_two_lives_of_one_try_have_one_outcome() -> None:
    """Two launchers that live the same try at once create each attempt once, and agree."""

    async def main() -> None:
        script = by_attempt(fails(137, pod_reason="Evicted"), succeeds(0.2))
        async with a_world(script) as one, a_world() as other:
            other.cluster._transport._endpoint = one.cluster._transport._endpoint  # noqa: SLF001
            plan = plan_of(budgets=QUICK)
            ends = await asyncio.gather(
                live(plan, one.platform, StopSignal()), live(plan, other.platform, StopSignal())
            )
            assert {end.verdict for end in ends} == {Verdict.SUCCEEDED}
            assert len(one.fake.created) == 2
            keys = [{record.key for record in world.records} for world in (one, other)]
            assert keys[0] == keys[1]

    asyncio.run(main())


def test_out_of_memory_starts_again_with_more() -> None:
    """Each attempt after OutOfMemory has twice the memory, up to the cap, and then it is over."""

    async def main() -> None:
        async with a_world(lambda _: fails(137, reason="OOMKilled")) as world:
            budgets = {**QUICK, "memory_cap_bytes": 200 << 20}
            end = await live(plan_of(budgets=budgets), world.platform, StopSignal())
            asked = [record.asked_memory_bytes for record in world.records]
            assert asked == [64 << 20, 128 << 20, 200 << 20]
            assert end.finding is not None
            assert "needed more than 200 MiB" in end.finding.sentence
            assert "no more than 200 MiB here" in end.finding.sentence
            assert "largestMemory" in end.finding.hint
            assert list(verdicts(world)) == ["out_of_memory"] * 3

    asyncio.run(main())


def test_two_enlargements_are_all() -> None:
    """A step that outgrows two enlargements fails, and says how much it had and what to do."""

    async def main() -> None:
        async with a_world(lambda _: fails(137, reason="OOMKilled")) as world:
            end = await live(plan_of(budgets=QUICK), world.platform, StopSignal())
            asked = [record.asked_memory_bytes for record in world.records]
            assert asked == [64 << 20, 128 << 20, 256 << 20]
            assert end.verdict is Verdict.OUT_OF_MEMORY
            assert end.finding is not None
            assert "needed more than 256 MiB" in end.finding.sentence
            assert "enlarged twice" in end.finding.sentence
            assert any("trying 128 MiB: attempt 2 starts" in line for line in world.said)

    asyncio.run(main())


@pytest.mark.parametrize("code", [1, 65, 69, 75, 78])
def test_the_steps_own_failure_is_for_airflow(code: int) -> None:
    """What the step itself failed with starts no attempt: Airflow's retries decide."""

    async def main() -> None:
        async with a_world(lambda _: fails(code)) as world:
            end = await live(plan_of(), world.platform, StopSignal())
            assert not end.done
            assert end.finding is not None
            assert (end.finding.exit_code, end.attempts) == (code, 1)

    asyncio.run(main())


def test_a_skip_code_ends_the_step_whatever_it_means_else() -> None:
    """An exit code that means skipped starts no attempt, also where the pod was deleted."""

    async def main() -> None:
        async with a_world(lambda _: fails(99, pod_reason="Evicted")) as world:
            end = await live(plan_of(skip_exit_codes=[99]), world.platform, StopSignal())
            assert end.attempts == 1
            assert end.finding is not None
            assert end.finding.exit_code == 99

    asyncio.run(main())


def test_only_the_shard_that_was_evicted_is_tried_again() -> None:
    """Three shards, one of them evicted once: four pods, and the step is done."""

    async def main() -> None:
        def script(pod: dict[str, Any]) -> PodScript:
            labels = pod["metadata"]["labels"]
            evicted = labels["stationmaster.io/shard"] == "1"
            first = labels["stationmaster.io/attempt"] == "1"
            return fails(137, pod_reason="Evicted") if evicted and first else succeeds()

        async with a_world(script) as world:
            plan = plan_of(shards=3, budgets=QUICK)
            end = await live(plan, world.platform, StopSignal())
            assert (end.verdict, end.attempts) == (Verdict.SUCCEEDED, 2)
            assert len(world.fake.created) == 4
            await release(plan, end, world.platform)
            assert world.fake.objects.pods == {}

    asyncio.run(main())


def test_a_shard_that_fails_stops_the_others() -> None:
    """One shard's failure decides the step; the others are stopped and say why."""

    async def main() -> None:
        async with a_world(by_shard(fails(65, seconds=0.1), runs())) as world:
            end = await live(plan_of(shards=2), world.platform, StopSignal())
            assert end.verdict is Verdict.CONTRACT_BROKEN
            assert sorted(map(str, verdicts(world))) == ["contract_broken", "stopped"]

    asyncio.run(main())


def test_shards_that_all_left_publishing_to_each_other_are_not_done() -> None:
    """All succeeded and none published: that is not done."""
    staged = (
        '{"protocol":1,"status":"done","outputs":[{"dataset":"orders",'
        '"business_date":"2026-11-21","staged":true}]}'
    )

    async def main() -> None:
        async with a_world(lambda _: succeeds(message=staged)) as world:
            end = await live(plan_of(shards=2), world.platform, StopSignal())
            assert end.verdict is Verdict.STEP_FAILED
            assert end.finding is not None
            assert "none published orders of 2026-11-21" in end.finding.sentence

    asyncio.run(main())


def _phases(world: World) -> list[str]:
    return [pod["status"]["phase"] for pod in world.fake.objects.pods.values()]
