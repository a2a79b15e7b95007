"""The life of a step on a real cluster: attempts, adoption, stops, and verdicts from real pods."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.airflow.life.attempts import live, release
from stationmaster.airflow.life.findings import Verdict
from stationmaster.airflow.life.plan import pod_of
from stationmaster.airflow.life.podfacts import ended, moment
from stationmaster.airflow.life.stopping import StopSignal
from tests.cluster.life_place import LifePlace, base_image, life_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.airflow.life.plan import StepEnd, StepPlan
    from stationmaster.airflow.life.platform import Platform
    from tests.cluster.place import Place

pytestmark = pytest.mark.cluster

IMPATIENT = {"image_seconds": 5, "schedule_seconds": 6, "config_seconds": 2, "pause_seconds": 0}
KILLED_SECONDS = 12.0
"""Of a user's 15 s: the launcher looks every 3 s whether the task was taken away."""

LATE_SECONDS = 5.0
GREEDY = 'python3 -c "b = bytearray(90 * 1024 * 1024)"'


@pytest.fixture(name="home", scope="module")
def _home(place: Place) -> Iterator[LifePlace]:
    with life_place(place) as home:
        yield home


async def to_end(home: LifePlace, plan: StepPlan) -> StepEnd:
    """Live a plan to its end and let its pods go."""
    async with home.platform() as platform:
        end = await live(plan, platform, StopSignal())
        await release(plan, end, platform)
        return end


def verdicts(home: LifePlace, plan: StepPlan) -> list[str | None]:
    """Return the verdicts of a plan's attempts as recorded, in order."""
    mine = [each for each in home.records if each.try_id == plan.context.try_id]
    return [each.verdict for each in sorted(mine, key=lambda each: each.key)]


def with_container(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    """Return a pod's spec whose step's container has these fields."""
    container = dict(pod_of(_any_plan(), 0, 1)["spec"]["containers"][0])
    return {"containers": [container | fields]}


def _any_plan() -> StepPlan:
    from tests.life.plans import plan_of  # noqa: PLC0415 (a spec to start from)

    return plan_of(image=base_image())


def test_nothing_is_left_of_a_step_that_is_done(home: LifePlace) -> None:
    """A real pod is created, ends, is recorded with its times and its node, and is gone."""
    plan = home.plan('printf \'{"protocol":1,"status":"done"}\' > /dev/termination-log')

    end = asyncio.run(to_end(home, plan))

    (record,) = [each for each in home.records if each.try_id == plan.context.try_id]
    # Our word on it was said; its kubelet takes a moment for its own.
    wait = ("wait", "--for=delete", f"pod/{record.pod_name}", "--timeout=60s")
    home.place.kubectl("-n", home.namespace, *wait)
    assert end.verdict is Verdict.SUCCEEDED
    assert record.node
    assert record.started_at
    assert record.finished_at


def test_out_of_memory_is_named_and_gets_more(home: LifePlace) -> None:
    """A step killed for its 64 MiB runs again with 128 MiB, and is done.

    A step that leaves no last word may be missed by the kubelet on cgroup v1; this one leaves its
    peak, as our runner does.
    """
    word = '{"protocol":1,"status":"running","measurements":{"peak_memory_bytes":66000000}}'
    script = f"printf '{word}' > /dev/termination-log; {GREEDY} || exit 137; "
    plan = home.plan(f"{script} : > /dev/termination-log", budgets=IMPATIENT)

    end = asyncio.run(to_end(home, plan))

    assert verdicts(home, plan) == ["out_of_memory", "succeeded"]
    assert end.attempts == 2


WAITS: dict[str, tuple[dict[str, Any], str, str]] = {
    "no image": ({"image": "stationmaster/nothing:1"}, "image_unavailable", "cannot be pulled"),
    "bad name": ({"image": "Not An Image"}, "image_unavailable", "no name an image can have"),
    "no secret": (
        {"env": [{"name": "S", "valueFrom": {"secretKeyRef": {"name": "nope", "key": "k"}}}]},
        "config_error",
        'secret "nope" not found',
    ),
    "no command": ({"command": ["/no/such/thing"]}, "config_error", "no such file"),
    "no room": (
        {"resources": {"requests": {"memory": "400Gi"}, "limits": {"memory": "400Gi"}}},
        "unschedulable",
        "found no node",
    ),
}


@pytest.mark.parametrize("name", WAITS)
def test_what_cannot_start_is_named(home: LifePlace, name: str) -> None:
    """A real kubelet's and scheduler's words become a verdict, and are said while it waits."""
    fields, verdict, words = WAITS[name]
    plan = home.plan(spec=with_container(**fields), budgets=IMPATIENT)

    end = asyncio.run(to_end(home, plan))

    assert end.finding is not None
    assert (end.verdict.value, words in end.finding.sentence) == (verdict, True)
    assert end.finding.hint
    assert len(set(home.said)) == len(home.said)


def test_a_drained_pod_is_followed_by_another(home: LifePlace) -> None:
    """The eviction API ends the first attempt; the second one runs, and only one is done."""
    plan = home.plan("trap 'exit 143' TERM; sleep 8 & wait", budgets=IMPATIENT)

    async def main() -> None:
        async with home.platform() as platform:
            living = asyncio.create_task(live(plan, platform, StopSignal()))
            name = (await home.until_running(platform, plan))["metadata"]["name"]
            path = f"/api/v1/namespaces/{home.namespace}/pods/{name}/eviction"
            text = f'{{"apiVersion":"policy/v1","kind":"Eviction","metadata":{{"name":"{name}"}}}}'
            await asyncio.to_thread(
                home.place.kubectl, "create", "--raw", path, "-f", "-", text=text
            )
            await release(plan, await living, platform)

    asyncio.run(main())
    assert verdicts(home, plan) == ["drained", "succeeded"]


def test_a_life_is_resumed_and_nothing_is_doubled(home: LifePlace) -> None:
    """The watcher dies with the pod running; the next one finds it by name and sees its end."""
    plan = home.plan("sleep 6")

    async def main() -> StepEnd:
        async with home.platform() as platform:
            first = asyncio.create_task(live(plan, platform, StopSignal()))
            await home.until_running(platform, plan)
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
        async with home.platform() as platform:
            end = await live(plan, platform, StopSignal())
            assert platform.cluster.requests["create"] == 0
            await release(plan, end, platform)
            return end

    assert asyncio.run(main()).verdict is Verdict.SUCCEEDED
    assert verdicts(home, plan) == ["succeeded"]


def test_two_watchers_create_one_pod(home: LifePlace) -> None:
    """Two launchers live the same try at once: one gets 409, adopts, and both agree."""
    plan = home.plan("sleep 2")

    async def main() -> tuple[StepEnd, StepEnd]:
        async with home.platform() as one, home.platform() as other:
            ends = await asyncio.gather(
                live(plan, one, StopSignal()), live(plan, other, StopSignal())
            )
            await release(plan, ends[0], one)
            return ends

    one, other = asyncio.run(main())
    assert one.pods == other.pods
    assert one.verdict is other.verdict is Verdict.SUCCEEDED


def test_one_shard_is_tried_again_alone(home: LifePlace) -> None:
    """Of three shards one loses its pod to somebody: four pods, three results, one step done."""
    plan = home.plan("trap 'exit 143' TERM; sleep 5 & wait", shards=3, budgets=IMPATIENT)

    async def main() -> StepEnd:
        async with home.platform() as platform:
            living = asyncio.create_task(live(plan, platform, StopSignal()))
            name = (await home.until_running(platform, plan))["metadata"]["name"]
            await platform.cluster.delete_pod(home.namespace, name)
            end = await living
            await release(plan, end, platform)
            return end

    end = asyncio.run(main())
    assert end.verdict is Verdict.SUCCEEDED
    assert sorted(map(str, verdicts(home, plan))) == ["pod_deleted", *["succeeded"] * 3]


async def container_end(home: LifePlace, platform: Platform, plan: StepPlan) -> dt.datetime:
    """Return when the step's container ended, by the node's own clock."""

    def ends() -> list[dt.datetime]:
        pods = platform.watch.of_try(plan.context.try_id)
        found = [(ended(pod) or {}).get("finishedAt") for pod in pods]
        return [at for each in found if (at := moment(each)) is not None]

    await home.until(ends)
    return ends()[0]


@pytest.mark.parametrize("reason", [Verdict.KILLED_BY_USER, Verdict.TIMED_OUT])
def test_a_stop_ends_a_container_that_ignores_it(home: LifePlace, reason: Verdict) -> None:
    """The container is dead 12 s after a kill is told, or 5 s after the step's time is over."""
    timeout = 25.0 if reason is Verdict.TIMED_OUT else None
    within = dt.timedelta(seconds=KILLED_SECONDS if timeout is None else LATE_SECONDS)
    plan = home.plan("trap '' TERM; while :; do sleep 1; done", timeout_seconds=timeout)

    async def main() -> StepEnd:
        async with home.platform() as platform:
            stop = StopSignal()
            living = asyncio.create_task(live(plan, platform, stop))
            await home.until_running(platform, plan)
            told_at = plan.started_at + dt.timedelta(seconds=timeout or 0.0)
            if timeout is None:
                told_at = dt.datetime.now(dt.UTC)
                stop.set(reason)
            end = await living
            assert await container_end(home, platform, plan) - told_at <= within
            await release(plan, end, platform)
            return end

    assert asyncio.run(main()).verdict is reason
    assert verdicts(home, plan) == [reason.value]
