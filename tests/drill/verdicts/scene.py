"""One cause, several steps that meet it at once, and what each of them is said to have ended by."""

from __future__ import annotations

import asyncio
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.life.attempts import live, release
from stationmaster.airflow.life.stopping import StopSignal
from tests.cluster.life_place import base_image
from tests.cluster.nodes import workers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from stationmaster.airflow.life.findings import Verdict
    from stationmaster.airflow.life.plan import StepPlan
    from stationmaster.airflow.life.platform import Platform
    from tests.cluster.life_place import LifePlace
    from tests.cluster.place import Place

__all__ = ["BUDGETS", "CAUSE_LABEL", "Cause", "Injection", "Scene", "inject", "victim"]

CAUSE_LABEL: Final = "drill.stationmaster.io/cause"

BUDGETS: Final[dict[str, Any]] = {
    "again": {},
    "image_seconds": 5,
    "config_seconds": 2,
    "schedule_seconds": 300,
}
"""One attempt, so that the first verdict counts; short waits for what is not on its way. What a
busy node may be slow with keeps the limits of the product."""

READY_SECONDS: Final = 180.0
LIFE_SECONDS: Final = 420.0


@dataclass
class Injection:
    """Hold one step that meets a cause, and what its end was called."""

    plan: StepPlan
    stop: StopSignal = field(default_factory=StopSignal)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    verdict: str = ""
    sentence: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    pod: dict[str, Any] | None = None
    """As the API server has it when its end is judged."""


@dataclass
class Scene:
    """Hold the steps that meet one cause, and the cluster on which they do."""

    slug: str
    home: LifePlace
    platform: Platform
    times: int = 1
    """How many steps meet it at once."""
    node: str = ""
    """The node that the cause's setting made for them, if it made one."""
    injections: list[Injection] = field(default_factory=list)

    @property
    def place(self) -> Place:
        """Return the cluster."""
        return self.home.place

    def plan(self, script: str = "sleep 600", **fields: Any) -> StepPlan:  # noqa: ANN401 (StepPlan's)
        """Return the plan of a step that meets this cause; its label says which."""
        budgets = {**BUDGETS, **fields.pop("budgets", {})}
        plan = self.home.plan(script, budgets=budgets, **fields)
        plan.pod["metadata"]["labels"] = {CAUSE_LABEL: self.slug}
        spec = plan.pod["spec"]
        for each in (*spec["containers"], *spec.get("initContainers", ())):
            each["image"] = each["image"] or base_image()
        return plan

    async def kubectl(self, *arguments: str, text: str | None = None, seconds: float = 120) -> str:
        """Run kubectl beside the loop."""
        return await asyncio.to_thread(self.place.kubectl, *arguments, text=text, seconds=seconds)

    def pods(self) -> list[dict[str, Any]]:
        """Return the pods of the steps that are not over, as the watch has them."""
        return [
            pod
            for each in self.injections
            if not each.over.is_set()
            for pod in self.platform.watch.of_try(each.plan.context.try_id)
        ]

    def names(self) -> list[str]:
        """Return their names."""
        return [str(pod["metadata"]["name"]) for pod in self.pods()]

    async def until_each(self, holds: Callable[[dict[str, Any]], object]) -> None:
        """Wait until each step that is not over has a pod of which something holds."""

        def all_hold() -> bool:
            going = [each for each in self.injections if not each.over.is_set()]
            pods = self.pods()
            return len(pods) >= len(going) and all(holds(pod) for pod in pods)

        await self.home.until(all_hold, READY_SECONDS)

    async def until_running(self) -> None:
        """Wait until each step's container runs."""
        await self.until_each(_runs)

    async def until_placed(self) -> None:
        """Wait until each step's pod has a node."""
        await self.until_each(lambda pod: pod["spec"].get("nodeName"))

    async def until_over(self) -> None:
        """Wait until each step's end was judged."""
        async with asyncio.timeout(LIFE_SECONDS):
            for each in self.injections:
                await each.over.wait()


@dataclass(frozen=True)
class Cause:
    """Name a cause: the steps that meet it, what is done to them, and the right verdict."""

    name: str
    verdict: Verdict
    plan: Callable[[Scene], StepPlan]
    act: Callable[[Scene], Awaitable[None]] | None = None
    """Done while the steps live."""
    setting: Callable[[Scene], AbstractAsyncContextManager[None]] | None = None
    """What must be there before, and is taken away afterwards."""
    shared: str = ""
    """What all injections of one round have in common, where they are not independent."""
    alone: bool = False
    """It hits a node: nothing else runs beside."""
    shard: int = 0
    """Whose verdict counts."""

    @property
    def slug(self) -> str:
        """Return the name as a label's value."""
        words = "".join(each if each.isalnum() else "-" for each in self.name.lower())
        return words[:60].strip("-")


async def inject(cause: Cause, home: LifePlace, platform: Platform, times: int) -> list[Injection]:
    """Let several steps meet a cause at once, and return what each was said to have ended by."""
    scene = Scene(cause.slug, home, platform, times)
    async with cause.setting(scene) if cause.setting else nullcontext():
        scene.injections = [Injection(cause.plan(scene)) for _ in range(times)]
        await _lived(cause, scene)
    return scene.injections


async def _lived(cause: Cause, scene: Scene) -> None:
    async with asyncio.timeout(LIFE_SECONDS), asyncio.TaskGroup() as group:
        for each in scene.injections:
            group.create_task(_live(cause, scene, each))
        if cause.act is not None:
            await cause.act(scene)


async def _live(cause: Cause, scene: Scene, injection: Injection) -> None:
    began = time.monotonic()
    end = await live(injection.plan, scene.platform, injection.stop)
    injection.seconds = time.monotonic() - began
    (record,) = [
        each
        for each in scene.home.records
        if each.try_id == injection.plan.context.try_id and each.shard == cause.shard
    ]
    injection.verdict = str(record.verdict)
    injection.sentence = str(record.sentence)
    injection.evidence = dict(record.evidence or {})
    if end.pods:
        last = end.pods[-1]
        injection.pod = await scene.platform.cluster.get_pod(last.namespace, last.name)
    injection.over.set()
    await release(injection.plan, end, scene.platform)


def victim(scene: Scene) -> str:
    """Return the worker that is hit."""
    return workers(scene.place)[-1]


def _runs(pod: dict[str, Any]) -> bool:
    statuses = pod["status"].get("containerStatuses") or ()
    return bool(statuses) and all("running" in (each.get("state") or {}) for each in statuses)
