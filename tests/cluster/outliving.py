"""A step whose first attempt outlives its own end: its node's kubelet is gone, it is not."""

from __future__ import annotations

import asyncio
import base64
import json
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url

from stationmaster.airflow.life.attempts import live, release
from stationmaster.airflow.life.stopping import StopSignal
from stationmaster.step.datasets import Store
from tests.cluster.nodes import on_node
from tests.cluster.place import ROOT
from tests.cluster.testdags import put_config_map
from tests.drill.checker import published
from tests.life.plans import container

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from stationmaster.airflow.life.plan import StepEnd, StepPlan
    from tests.cluster.life_place import LifePlace
    from tests.cluster.place import Place
    from tests.cluster.release import Release

__all__ = ["DATASET", "STEP", "OldAttempt", "OutlivedStep"]

DATASET: Final = "drill_a"
STEP: Final = "a00"
"""What the drill's reader calls the first day of its first layer."""

CONFIG_MAP: Final = "late-step"
SCRATCH: Final = "/var/lib/kubelet/pods/{uid}/volumes/kubernetes.io~empty-dir/scratch/go"
PATIENCE_SECONDS: Final = 120.0


@contextmanager
def kubelet_away(place: Place, node: str) -> Iterator[None]:
    """Stop a node's kubelet for the block; its containers run on."""
    on_node(node, "systemctl", "stop", "kubelet")
    try:
        yield
    finally:
        on_node(node, "systemctl", "start", "kubelet")
        place.kubectl("wait", "--for=condition=Ready", f"node/{node}", "--timeout=100s")


@dataclass(frozen=True)
class OldAttempt:
    """Hold the container of an attempt, as its node's container runtime knows it."""

    node: str
    pod_uid: str
    container: str

    def log(self) -> str:
        """Return all that it printed."""
        return on_node(self.node, "sh", "-c", f"crictl logs {self.container} 2>&1")

    def say_go(self) -> None:
        """Let it go on."""
        on_node(self.node, "touch", SCRATCH.format(uid=self.pod_uid))

    def exit_code(self) -> int | None:
        """Return its exit code, None while it runs."""
        status = json.loads(on_node(self.node, "crictl", "inspect", self.container))["status"]
        return int(status["exitCode"]) if status["state"] == "CONTAINER_EXITED" else None

    def until_staged(self) -> None:
        """Wait until its rows are on the audit branch."""
        _until(lambda: "has staged" in self.log())

    def until_over(self) -> int:
        """Wait until it ended by itself, and return its exit code."""
        _until(lambda: self.exit_code() is not None)
        code = self.exit_code()
        return -1 if code is None else code


@dataclass
class OutlivedStep:
    """Live a step on a node whose kubelet stops while the first attempt waits to publish."""

    home: LifePlace
    release: Release
    iceberg: str = field(default_factory=lambda: f"late_{uuid.uuid4().hex[:8]}")
    old_log: str = ""
    old_code: int = -1

    @cached_property
    def plan(self) -> StepPlan:
        """Return a step of a job's image that publishes one row of a table of the release."""
        step = container("", str(self.home.place.catalog["extract-web"]["image"]), memory="400Mi")
        step["command"] = ["python", "/opt/late/late_step.py"]
        step["env"] += [{"name": name, "value": value} for name, value in self._places().items()]
        step["volumeMounts"] = [
            {"name": "scratch", "mountPath": "/tmp"},  # noqa: S108 (an emptyDir of its own)
            {"name": "step", "mountPath": "/opt/late/late_step.py", "subPath": "late_step.py"},
            {"name": "step", "mountPath": "/opt/late/contracts"},
        ]
        spec = {
            "containers": [step],
            "terminationGracePeriodSeconds": 1,
            "volumes": [
                {"name": "scratch", "emptyDir": {}},
                {"name": "step", "configMap": {"name": CONFIG_MAP}},
            ],
        }
        plan = self.home.plan(spec=spec)
        told = {"outputs": (DATASET,), "step": STEP, "business_date": "2011-01-01"}
        context = plan.context.model_validate({**plan.context.model_dump(), **told})
        return plan.model_copy(update={"context": context})

    def live(self, *, older_first: bool) -> StepEnd:
        """Return the step's end; both attempts have ended by themselves by then.

        Args:
            older_first: The old attempt publishes while nobody sees it, before the new one starts;
                else it publishes after the new one has.
        """
        contract = ROOT / "tests" / "drill" / "step" / "contracts" / "drill_a.odcs.yaml"
        files = [ROOT / "tests" / "cluster" / "step" / "late_step.py", contract]
        put_config_map(self.home.place, self.home.namespace, CONFIG_MAP, files)
        return asyncio.run(self._live(older_first=older_first))

    async def _live(self, *, older_first: bool) -> StepEnd:
        async with self.home.platform() as platform:
            living = asyncio.create_task(live(self.plan, platform, StopSignal()))
            pod = await self.home.until_running(platform, self.plan)
            old = await asyncio.to_thread(self._old_attempt, pod["metadata"]["name"])
            await asyncio.to_thread(old.until_staged)
            with kubelet_away(self.home.place, old.node):
                if older_first:
                    await asyncio.to_thread(self._finish, old)
                end = await living
                if not older_first:
                    await asyncio.to_thread(self._finish, old)
            await release(self.plan, end, platform)
            return end

    def _finish(self, old: OldAttempt) -> None:
        old.say_go()
        self.old_code = old.until_over()
        self.old_log = old.log()

    def _old_attempt(self, name: str) -> OldAttempt:
        pod = self.home.place.get("pod", name, "-n", self.home.namespace)
        (status,) = pod["status"]["containerStatuses"]
        container_id = str(status["containerID"]).removeprefix("containerd://")
        return OldAttempt(str(pod["spec"]["nodeName"]), str(pod["metadata"]["uid"]), container_id)

    def table(self, home: Path) -> tuple[dict[str, dict[str, Any]], Counter[str]]:
        """Return the rows readers see, by step, and how often each became visible."""
        self.release.postgres.restart()
        self.release.s3.restart()
        store = Store.open(self.release.settings(home, namespace=self.iceberg))
        return published(store, self.iceberg)

    def _places(self) -> dict[str, str]:
        """Return where tables and files are, by address: a Service forgets a silent node's pods."""
        place = self.release.place
        there = ("stationmaster-step", "-n", place.steps_namespace, "-o", "json")
        values = json.loads(place.kubectl("get", "configmap", *there))["data"]
        values |= _decoded(json.loads(place.kubectl("get", "secret", *there))["data"])
        catalog = make_url(values["STATIONMASTER_CATALOG_URI"])
        catalog = catalog.set(host=self._address("postgres"))
        port = urlsplit(values["STATIONMASTER_S3_ENDPOINT"]).port
        return {
            "STATIONMASTER_HOME": "/tmp/stationmaster",  # noqa: S108 (an emptyDir of its own)
            "STATIONMASTER_NAMESPACE": self.iceberg,
            "STATIONMASTER_CATALOG_URI": catalog.render_as_string(hide_password=False),
            "STATIONMASTER_S3_ENDPOINT": f"http://{self._address('seaweedfs')}:{port}",
            "STATIONMASTER_WAREHOUSE": values["STATIONMASTER_WAREHOUSE"],
            "AWS_ACCESS_KEY_ID": values["AWS_ACCESS_KEY_ID"],
            "AWS_SECRET_ACCESS_KEY": values["AWS_SECRET_ACCESS_KEY"],
        }

    def _address(self, component: str) -> str:
        (pod,) = self.release.place.component(component)
        return str(pod["status"]["podIP"])


def _decoded(data: dict[str, str]) -> dict[str, str]:
    return {name: base64.b64decode(value).decode() for name, value in data.items()}


def _until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        if time.monotonic() > until:
            message = f"expected it within {PATIENCE_SECONDS:.0f} s, waited in vain"
            raise TimeoutError(message)
        time.sleep(0.5)
