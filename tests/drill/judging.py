"""The end of one run of the drill's pipeline: wait for it, and ask what is wrong."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from stationmaster.step.datasets import Store
from tests.cluster.ledger import attempts
from tests.cluster.place import ROOT
from tests.drill.checker import check_run

if TYPE_CHECKING:
    from tests.cluster.place import Place
    from tests.cluster.release import Release

__all__ = ["DAG", "deployed_revision", "problems_of", "revision", "way_of"]

DAG = "drill_30"
RUN_SECONDS = 900.0


def problems_of(release: Release, run_id: str, mark: str) -> dict[str, list[str]]:
    """Wait for a run's end; return what is wrong with it, by kind, and the steps that retried."""
    problems: dict[str, list[str]] = {}
    try:
        release.airflow.wait(DAG, run_id, seconds=RUN_SECONDS, every=2)
    except AssertionError as error:
        problems["did not end"] = [str(error)]
    tasks = release.airflow.tasks(DAG, run_id)
    release.postgres.restart()
    release.s3.restart()
    namespace = f"drill_{mark}"
    with tempfile.TemporaryDirectory() as home:
        store = Store.open(release.settings(Path(home), namespace=namespace))
        found = check_run(store, namespace, tasks, attempts(release, DAG, run_id))
    retried = [str(task["task_id"]) for task in tasks if int(task["try_number"]) > 1]
    return {**problems, **found, **({"used a retry": retried} if retried else {})}


def way_of(release: Release, run_id: str) -> str:
    """Return who lived the steps of a run: the launcher, or workers; the log says so."""
    log = release.airflow.log(DAG, run_id, "a00")
    return "worker" if "worker runs this step" in log.lower() else "launcher"


def deployed_revision(place: Place) -> str:
    """Return the revision of the platform that runs on the cluster, as its image says it.

    The image's own: what is checked out may be ahead of what was deployed.
    """
    pod = place.component("scheduler")[0]
    image = pod["spec"]["containers"][0]["image"]
    label = '{{index .Config.Labels "org.opencontainers.image.revision"}}'
    command = ["docker", "image", "inspect", "--format", label, image]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.strip()[:12]


def revision() -> str:
    """Return the revision that is checked out, with a + where the tree has changes."""
    command = ["git", "describe", "--always", "--dirty=+"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()
