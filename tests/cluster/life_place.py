"""A namespace of its own on the real cluster, in which a test lives steps without Airflow."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import uuid
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from k8s.images.load import kind_nodes, load
from stationmaster.airflow.life.cluster import Cluster
from stationmaster.airflow.life.endpoint import discover
from stationmaster.airflow.life.platform import Platform
from stationmaster.airflow.life.podwatch import PodWatch
from tests.life.plans import plan_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from stationmaster.airflow.life.plan import StepPlan
    from stationmaster.ledger.records import AttemptRecord
    from tests.cluster.place import Place

ROOT = Path(__file__).parents[2]


def base_image() -> str:
    """Return the small image with a shell and Python that `life_place` loads into each node."""
    path = ROOT / "build" / "kind" / "base.image"
    return os.environ.get("BASE_IMAGE") or path.read_text(encoding="utf-8").strip()


@dataclass
class LifePlace:
    """Hold a namespace, and what was recorded and said there."""

    place: Place
    namespace: str
    records: list[AttemptRecord] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    async def record(self, record: AttemptRecord) -> None:
        """Keep a record."""
        self.records.append(record)

    def plan(self, script: str = "exit 0", **fields: Any) -> StepPlan:  # noqa: ANN401 (StepPlan's)
        """Return the plan of a step in this namespace."""
        image = fields.pop("image", base_image())
        return plan_of(script, image=image, namespace=self.namespace, **fields)

    def apply(self, document: dict[str, Any]) -> None:
        """Make an object of the cluster, or bring it up to date."""
        self.place.kubectl("apply", "-f", "-", text=json.dumps(document))

    @asynccontextmanager
    async def platform(self) -> AsyncIterator[Platform]:
        """Open a client and a watch, as one launcher has them."""
        endpoint = await discover(config_file=self.place.kubeconfig)
        async with Cluster(endpoint) as cluster, PodWatch(cluster) as watch:
            yield Platform(cluster, watch, self.record, self.said.append)

    async def until(self, holds: Callable[[], object], seconds: float = 60.0) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(seconds):
            while not holds():  # noqa: ASYNC110 (of state that no event tells of)
                await asyncio.sleep(0.1)

    async def until_running(self, platform: Platform, plan: StepPlan) -> dict[str, Any]:
        """Wait for a running pod of a plan, and return it."""

        def running() -> list[dict[str, Any]]:
            pods = platform.watch.of_try(plan.context.try_id)
            return [pod for pod in pods if pod["status"].get("phase") == "Running"]

        await self.until(running, seconds=180)
        return running()[0]


@contextmanager
def life_place(place: Place) -> Iterator[LifePlace]:
    """Make a restricted namespace, and remove it with everything in it."""
    load("docker", kind_nodes("docker", "stationmaster"), [base_image()], lambda _: None)
    namespace = f"life-{uuid.uuid4().hex[:8]}"
    place.kubectl("create", "namespace", namespace)
    label = "pod-security.kubernetes.io/enforce=restricted"
    place.kubectl("label", "namespace", namespace, label)
    try:
        yield LifePlace(place, namespace)
    finally:
        pods = place.kubectl("-n", namespace, "get", "pods", "-o", "name").split()
        for pod in pods:
            strike = '{"metadata":{"finalizers":null}}'
            # Those that their kubelet was about to remove may be gone by now.
            with suppress(subprocess.CalledProcessError):
                place.kubectl("-n", namespace, "patch", pod, "--type=merge", "-p", strike)
        place.kubectl("delete", "namespace", namespace, "--wait=false")
