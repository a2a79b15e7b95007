"""What the drill breaks on the cluster; each is mended when its block ends."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.cluster.nodes import Process, container_process, family, on_node, signal
from tests.monitor_drill.kind.objects import claim, deployment, local_volume, pod
from tests.monitor_drill.kind.site import PAUSED, Site, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    Breaking = Callable[["Course"], AbstractContextManager[None]]

__all__ = [
    "Course",
    "broken_file",
    "claim_without_class",
    "container_crashes",
    "image_missing",
    "launcher_stopped",
    "node_lost",
    "out_of_memory",
    "paused",
    "scaled_to_nothing",
    "starving_step",
    "volume_filling",
    "watcher_killed",
    "without_database",
]

NAME: Final = "monitor-drill"
LEDGER_UP: Final = "stationmaster_ledger_up"
STAYS_SECONDS: Final = 60.0
"""So long it stays broken after it was told: what else comes of it comes by then, mostly."""

FOLDER: Final = "/var/monitor-drill"
BALLAST_MIB: Final = 59
"""Of 64: less than a tenth is left, and more than a twentieth."""


@dataclass
class Course:
    """Hold what a fault tells of its course, for the record.

    Args:
        site: Where.
        is_told: Tells whether the fault has been found and told.
        is_over: Tells whether its incident is closed.
        facts: Figures of its own.
        begun: From when it could be known, where that is not when the fault began.
        mended: When, where it must be mended before anybody can read the ledger.
    """

    site: Site
    is_told: Callable[[], bool]
    is_over: Callable[[], bool]
    facts: dict[str, Any] = field(default_factory=dict)
    begun: dt.datetime | None = None
    mended: dt.datetime | None = None


def scaled_to_nothing(kind: str, part: str) -> Breaking:
    """Return what takes all pods of a part of the release away."""

    @contextmanager
    def breaking(course: Course) -> Iterator[None]:
        place, here = course.site.place, course.site.here
        what = f"{kind}/{place.release}-{part}"
        before = place.get(what, *here)["spec"]["replicas"]
        place.kubectl("scale", "--replicas=0", what, *here)
        try:
            yield
        finally:
            place.kubectl("scale", f"--replicas={before}", what, *here)

    return breaking


@contextmanager
def without_database(course: Course) -> Iterator[None]:
    """Stop Postgres until that is told, which the watcher must do without a ledger."""
    with scaled_to_nothing("statefulset", "postgres")(course):
        course.facts["told_without_ledger"] = _told_to_people(course, "database")
        lines = course.site.metrics().splitlines()
        course.facts["metrics_say"] = [each for each in lines if each.startswith(LEDGER_UP)]
        course.mended = dt.datetime.now(dt.UTC)
    yield


@contextmanager
def watcher_killed(course: Course) -> Iterator[None]:
    """Take the triggerer away, and when that is told kill the watcher's pod with force."""
    site = course.site
    with scaled_to_nothing("deployment", "triggerer")(course):
        until(course.is_told, 420)
        pods = site.place.component("watcher")
        names = [each["metadata"]["name"] for each in pods]
        killed = dt.datetime.now(dt.UTC)
        site.place.kubectl("delete", "pod", *names, "--force", "--grace-period=0", *site.here)
        back = until(lambda: (site.seen.looked_at() or killed) > killed, 420)
        looked = site.seen.looked_at() if back else None
        course.facts["blind_s"] = round((looked - killed).total_seconds()) if looked else None
        yield


@contextmanager
def node_lost(course: Course) -> Iterator[None]:
    """Stop the kubelet of the node on which the receiver is not."""
    node = course.site.other_node()
    pods = course.site.place.get("pods", *course.site.here)["items"]
    held = [each for each in pods if each["spec"].get("nodeName") == node]
    course.facts["node_held"] = sorted(each["metadata"]["name"] for each in held)
    on_node(node, "systemctl", "stop", "kubelet")
    try:
        course.facts["told_people"] = _told_to_people(course, node)
        course.mended = dt.datetime.now(dt.UTC)
    finally:
        on_node(node, "systemctl", "start", "kubelet")
    yield


@contextmanager
def starving_step(course: Course) -> Iterator[None]:
    """Run a step that asks for more cores than any node has."""
    airflow = course.site.airflow
    dag = "monitor_drill_starves"
    run = airflow.trigger(dag)
    mine = "stationmaster.io/pipeline=monitor_drill_starves"
    place = course.site.place
    until(lambda: place.pods(mine, place.steps_namespace), 180)
    course.begun = dt.datetime.now(dt.UTC)
    try:
        yield
    finally:
        airflow.call("PATCH", f"/api/v2/dags/{dag}/dagRuns/{run}", json={"state": "failed"})


@contextmanager
def out_of_memory(course: Course) -> Iterator[None]:
    """Run a step that takes more than each of its limits; then the same day with less."""
    airflow, dag = course.site.airflow, "monitor_drill_eats"
    # A day of its own: one that was done before is not missed when it fails later.
    day = dt.date(2000, 1, 1) + dt.timedelta(days=int(time.time() // 60 % 3000))
    airflow.trigger(dag, conf={"eat": 2500, "day": str(day)})
    try:
        yield
    finally:
        airflow.trigger(dag, conf={"eat": 1, "day": str(day)})


@contextmanager
def launcher_stopped(course: Course) -> Iterator[None]:
    """Let the launcher hang while a step is queued for it."""
    launcher = _launcher(course.site)
    signal(launcher, "STOP")
    try:
        course.site.airflow.trigger("monitor_drill_waits")
        yield
    finally:
        with suppress(subprocess.CalledProcessError):  # a probe may have ended it
            signal(launcher, "CONT")


@contextmanager
def paused(course: Course) -> Iterator[None]:
    """Pause a pipeline that runs by itself, and that somebody waits for."""
    airflow = course.site.airflow
    runs = f"/api/v2/dags/{PAUSED}/dagRuns"

    def ran() -> bool:
        found = airflow.call("GET", runs, params={"run_type": "scheduled", "state": "success"})
        return bool(found["dag_runs"])

    course.facts["ran_before"] = until(ran, 120)
    airflow.call("PATCH", f"/api/v2/dags/{PAUSED}", json={"is_paused": True})
    try:
        yield
    finally:
        airflow.call("PATCH", f"/api/v2/dags/{PAUSED}", json={"is_paused": False})


@contextmanager
def broken_file(course: Course) -> Iterator[None]:
    """Put a DAG file there that imports what nobody has."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "monitor_drill_broken.py"
        path.write_text("from airflow.sdk import DAG\nimport no_such_library\n", encoding="utf-8")
        course.site.put_dags(path)
        try:
            yield
        finally:
            course.site.put_dags()


@contextmanager
def image_missing(course: Course) -> Iterator[None]:
    """Deploy an image that nobody has pushed."""
    site = course.site
    with _objects(site, deployment(f"{NAME}-image", "docker.io/stationmaster/nowhere:1", "true")):
        yield


@contextmanager
def container_crashes(course: Course) -> Iterator[None]:
    """Deploy a container that ends as soon as it has started."""
    command = ("python", "-c", "raise SystemExit('no settings')")
    with _objects(course.site, deployment(f"{NAME}-crash", course.site.image, *command)):
        yield


@contextmanager
def claim_without_class(course: Course) -> Iterator[None]:
    """Claim a volume of a storage class that is not there, with a pod that needs it."""
    name = f"{NAME}-claim"
    waits = pod(name, course.site.image, "sleep", "3600", claim=name)
    with _objects(course.site, claim(name, "no-such-class"), waits):
        yield


@contextmanager
def volume_filling(course: Course) -> Iterator[None]:
    """Fill a volume of 64 MiB, but for a few; then make room."""
    site, name = course.site, f"{NAME}-volume"
    node = site.other_node()
    mount = f"mkdir -p {FOLDER} && mount -t tmpfs -o size=64m,mode=777 tmpfs {FOLDER}"
    on_node(node, "sh", "-c", mount)
    fill = (
        "import time; open('/data/ballast', 'wb').write(bytes(BALLAST << 20)); time.sleep(7200)"
    ).replace("BALLAST", str(BALLAST_MIB))
    mine = (
        local_volume(name, node, FOLDER),
        claim(name, "", volume=name),
        pod(name, site.image, "python", "-c", fill, claim=name),
    )
    try:
        with _objects(site, *mine):
            yield
            on_node(node, "rm", "-f", f"{FOLDER}/ballast")
            # It stays until its incident is over: what is gone is not mended.
            until(course.is_over, 1300)
    finally:
        on_node(node, "sh", "-c", f"umount -l {FOLDER}; rmdir {FOLDER}")


@contextmanager
def _objects(site: Site, *objects: dict[str, Any]) -> Iterator[None]:
    listing = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    site.place.kubectl("apply", "--server-side", "-f", "-", *site.here, text=listing)
    try:
        yield
    finally:
        gone = ("delete", "--ignore-not-found", "--wait=false", "-f", "-")
        site.place.kubectl(*gone, *site.here, text=listing)


def _told_to_people(course: Course, word: str) -> bool:
    """Wait until the receiver has a new message with a word in it, and a while longer."""
    seen = course.site.seen
    before = len(seen.texts())
    told = until(lambda: any(word in text for text in seen.texts()[before:]), 300)
    time.sleep(STAYS_SECONDS)
    return told


def _launcher(site: Site) -> Process:
    scheduler = container_process(site.place.component("scheduler")[0], "scheduler")
    return next(each for each in family(scheduler) if "airflow.launcher" in each.command)
