"""The log of a real pod, as Airflow's log reader shows it after the pod is gone."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.airflow.life.attempts import live, release
from stationmaster.airflow.life.names import LOG_LABEL
from stationmaster.airflow.life.stopping import StopSignal
from stationmaster.airflow.logs.follower import PodLogs
from stationmaster.airflow.logs.platform import PlatformLogs
from stationmaster.airflow.logs.remote import StepLogIO
from stationmaster.airflow.logs.turns import Turns
from stationmaster.step.logs.store import FolderStore
from stationmaster.step.settings import Settings
from tests.cluster.life_place import LifePlace, life_place
from tests.cluster.testdags import put_config_map
from tests.life.plans import RESTRICTED
from tests.logs.shown import shown_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.airflow.life.plan import StepEnd, StepPlan
    from tests.cluster.place import Place
    from tests.cluster.release import Release

pytestmark = pytest.mark.cluster

STEP = Path(__file__).parent / "steps" / "noisy_step.py"
SECRET = "correct-horse-battery-staple"  # noqa: S105 (what must not be shown)
LINES, LONG_LINES, LONG_BYTES = 1_000_000, 10, 1 << 20
"""A million lines of 100 bytes, ten of them of a mebibyte: 110 MB."""

NUMBERED = re.compile(r"(\d{8})(x+)")


@pytest.fixture(name="home", scope="module")
def _home(place: Place) -> Iterator[LifePlace]:
    with life_place(place) as home:
        yield home


@pytest.fixture(name="places", scope="module")
def _places(place: Place, home: LifePlace) -> dict[str, str]:
    """Give the namespace what the release gives to its steps, and return where things are."""
    for kind in ("configmap", "secret"):
        found = place.get(kind, "stationmaster-step", "-n", place.steps_namespace)
        copy = {key: found[key] for key in ("apiVersion", "kind", "data")}
        copy["metadata"] = {"name": "stationmaster-step", "namespace": home.namespace}
        home.apply(copy)
    home.apply(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "token", "namespace": home.namespace},
            "stringData": {"token": SECRET},
        }
    )
    put_config_map(place, home.namespace, "noisy", [STEP])
    data = place.get("configmap", "stationmaster-step", "-n", place.steps_namespace)["data"]
    return dict(data)


def noisy_plan(home: LifePlace, log_path: str) -> StepPlan:
    """Return the plan of the step that prints, in a job's image."""
    mounts = {"scratch": "/tmp", "noisy": "/opt/noisy", "token": "/run/secrets/stationmaster"}  # noqa: S108 (the pod's)
    plan = home.plan(image=home.place.empty_image, memory="512Mi")
    (container,) = plan.pod["spec"]["containers"]
    told = {
        "STATIONMASTER_SECRETS": mounts["token"],
        "STATIONMASTER_HOME": "/tmp/home",  # noqa: S108 (the pod's)
        "STATIONMASTER_LOG_PATH": log_path,
    }
    container |= {
        "command": ["python", "/opt/noisy/noisy_step.py"],
        "env": [*container["env"], *({"name": k, "value": v} for k, v in told.items())],
        "envFrom": [
            {kind: {"name": "stationmaster-step"}} for kind in ("configMapRef", "secretRef")
        ],
        "volumeMounts": [{"name": name, "mountPath": path} for name, path in mounts.items()],
        "securityContext": RESTRICTED,
    }
    plan.pod["spec"]["volumes"] = [
        {"name": "scratch", "emptyDir": {}},
        {"name": "noisy", "configMap": {"name": "noisy"}},
        {"name": "token", "secret": {"secretName": "token"}},
    ]
    params = {"lines": LINES, "long_lines": LONG_LINES, "long_line_bytes": LONG_BYTES}
    return plan.model_copy(update={"context": plan.context.model_copy(update={"params": params})})


async def until_gone(home: LifePlace, plan: StepPlan) -> StepEnd:
    """Live a plan to its end, let its pods go, and wait until they are no more."""
    async with home.platform() as platform:
        end = await live(plan, platform, StopSignal())
        await release(plan, end, platform)
        await home.until(lambda: not platform.watch.of_try(plan.context.try_id))
        return end


@pytest.fixture(name="lines", scope="module")
def _lines(release: Release, home: LifePlace, places: dict[str, str]) -> Iterator[list[str]]:
    """Run the step, and return what Airflow's reader shows when its pod is gone."""
    log_path = f"dag_id=life/run_id={home.namespace}/task_id=noisy/attempt=1.log"
    plan = noisy_plan(home, log_path)
    assert asyncio.run(until_gone(home, plan)).done
    with pytest.MonkeyPatch.context() as environment:
        for name, value in release.secret(f"{home.place.release}-s3").items():
            environment.setenv(name, value)
        environment.setenv("STATIONMASTER_LOGS", places["STATIONMASTER_LOGS"])
        environment.setenv("STATIONMASTER_S3_ENDPOINT", f"http://{release.s3.address}")
        yield shown_lines(StepLogIO("/nonexistent"), log_path, plan.context.try_id)


def test_110_megabytes_are_complete_after_the_pod_is_gone(lines: list[str]) -> None:
    """Each of a million lines is there once, in order, and as long as it was printed."""
    found = [match for line in lines if (match := NUMBERED.search(line))]

    assert [int(match[1]) for match in found] == list(range(LINES))
    lengths = [len(match[0]) + 1 for match in found]
    assert [size for size in lengths if size != 100] == [LONG_BYTES] * LONG_LINES
    assert not [line for line in lines if "lost" in line or "not kept" in line]


def test_no_secret_is_in_the_log(lines: list[str]) -> None:
    """Plain, in JSON, inside a line of two mebibytes, split over writes, by a child: struck out."""
    masked = [line for line in lines if "***" in line]

    assert not [line[:200] for line in lines if SECRET in line]
    assert len(masked) == 5
    assert max(map(len, masked)) > 2 * LONG_BYTES


def test_a_foreign_images_log_is_complete_after_the_pod_is_gone(
    home: LifePlace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shell's output is followed through the real API server, to its last line."""
    monkeypatch.setenv("STATIONMASTER_LOGS", str(tmp_path / "logs"))
    store = FolderStore(tmp_path / "logs")
    logs = PlatformLogs(store, tmp_path / "airflow", Settings(home=tmp_path))
    path = "dag_id=life/run_id=r/task_id=foreign/attempt=1.log"
    plan = home.plan("i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; echo end")
    plan.pod["metadata"]["labels"] = {LOG_LABEL: "pod"}

    async def main() -> None:
        async with home.platform() as bare:
            pod_logs = PodLogs(bare.cluster, logs, path, Turns())
            following: dict[str, Any] = {
                "seen": pod_logs.seen,
                "before_release": pod_logs.before_release,
            }
            platform = dataclasses.replace(bare, **following)
            await release(plan, await live(plan, platform, StopSignal()), platform)
            await home.until(lambda: not platform.watch.of_try(plan.context.try_id))
            await pod_logs.close()
        logs.close()

    asyncio.run(main())
    lines = shown_lines(StepLogIO("/nonexistent"), path, plan.context.try_id)
    assert [line.rpartition("] ")[2].rpartition(") ")[2] for line in lines] == [
        *(f"line {number}" for number in range(2000)),
        "end",
    ]
