"""A release of its own on the kind cluster, to be upgraded, taken back, lost and restored."""

from __future__ import annotations

import dataclasses
import hashlib
import sys
import time
from typing import TYPE_CHECKING, Any, Final, Self

import sqlalchemy as sa

from tests.chart.rendering import CHART, ROOT, helm, values_file
from tests.cluster.place import Place
from tests.cluster.release import Release
from tests.cluster.testdags import put_config_map

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["DATABASES", "FULL", "NAMESPACE", "STEPS", "DrilledRelease"]

NAMESPACE: Final = "chart-drill"
STEPS: Final = "chart-drill-steps"
NAME: Final = "drill"
FULL: Final = "drill-stationmaster"
DATABASES: Final = ("airflow", "catalog", "ledger")
DAGS: Final = ROOT / "tests" / "chart" / "dags"
LEAVING_SECONDS: Final = 180
WAIT: Final = ("--wait", "--wait-for-jobs", "--timeout=9m")


class DrilledRelease:
    """Install, change and ask a release in namespaces of its own; take it away at the end."""

    def __init__(self) -> None:
        found = Place.find()
        self.place = dataclasses.replace(
            found, namespace=NAMESPACE, steps_namespace=STEPS, release=FULL
        )
        self.release = Release(self.place)

    def __enter__(self) -> Self:
        """Begin with nothing: what an earlier drill left goes."""
        self._remove()
        self.place.kubectl("create", "namespace", NAMESPACE)
        put_config_map(self.place, NAMESPACE, "chart-drill-dags", sorted(DAGS.glob("*.py")))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release.__exit__(kind, error, trace)
        self._remove()

    def upgrade(self, image: str, *settings: str) -> float:
        """Install or upgrade to an image of the platform; return the seconds until all is well.

        Raises:
            AssertionError: Helm says it did not become well.
        """
        repository, _, tag = image.rpartition(":")
        files = [values_file("kind"), ROOT / "build" / "images.values.yaml", values_file("drill")]
        values = [f"--values={file}" for file in files]
        sets = [f"--set-string=image.repository={repository},image.tag={tag}"]
        sets += [f"--set={text}" for text in settings]
        return self._helm("upgrade", "--install", NAME, str(CHART), *values, *sets, *WAIT)

    def rollback(self) -> float:
        """Go back to the revision before; return the seconds until all is well.

        Raises:
            AssertionError: Helm says it did not become well.
        """
        return self._helm("rollback", NAME, *WAIT)

    def run(self, dag: str) -> dict[str, Any]:
        """Run a DAG to its end and return the run.

        Raises:
            AssertionError: It failed.
        """
        airflow = self.release.airflow
        airflow.wait_for_dag(dag)
        begin = time.monotonic()
        run = airflow.wait(dag, airflow.trigger(dag), seconds=240)
        self.say(f"{dag} ran", time.monotonic() - begin)
        tasks = airflow.tasks(dag, run["dag_run_id"])
        states = {task["task_id"]: (task["state"], task["try_number"]) for task in tasks}
        assert run["state"] == "success", states
        return run

    def version(self) -> str:
        """Return which Airflow answers."""
        return str(self.release.airflow.call("GET", "/api/v2/version")["version"])

    def secrets(self) -> dict[str, dict[str, str]]:
        """Return the release's Secrets by name, Helm's own left out."""
        found = self.place.get("secrets", "-n", NAMESPACE)["items"]
        return {
            item["metadata"]["name"]: item["data"]
            for item in found
            if not item["metadata"]["name"].startswith("sh.helm")
        }

    def stop(self, *components: str) -> None:
        """Scale parts of Airflow to nothing and wait until their pods are gone."""
        chosen = f"app.kubernetes.io/component in ({','.join(components)})"
        here = ("--namespace", NAMESPACE, "--selector", chosen)
        self.place.kubectl("scale", "deployment", "--replicas=0", *here)
        self.place.kubectl("wait", "--for=delete", "pod", "--timeout=4m", *here, seconds=250)

    def job(self, cronjob: str, namespace: str = NAMESPACE) -> str:
        """Run a CronJob's job now and return its log.

        Raises:
            subprocess.CalledProcessError: It did not complete.
        """
        here, name = ("--namespace", namespace), f"{cronjob}-by-hand"
        begin = time.monotonic()
        self.place.kubectl("create", "job", name, f"--from=cronjob/{FULL}-{cronjob}", *here)
        self.place.kubectl(
            "wait", "--for=condition=complete", f"job/{name}", "--timeout=5m", *here, seconds=310
        )
        self.say(f"{cronjob}, from its order to its end", time.monotonic() - begin)
        return self.place.kubectl("logs", f"job/{name}", "--all-containers", *here)

    def ask_itself(self) -> None:
        """Run `helm test`.

        Raises:
            AssertionError: The release says that something is not well.
        """
        self._helm("test", NAME, "--timeout=3m")

    def contents(self) -> dict[str, tuple[int, str]]:
        """Return each table of the three databases with its rows' number and digest."""
        found: dict[str, tuple[int, str]] = {}
        for database in DATABASES:
            engine = sa.create_engine(self.release.database(database))
            with engine.connect() as connection:
                for table in sa.inspect(connection).get_table_names():
                    rows = connection.execute(sa.text(f'SELECT t::text FROM "{table}" t')).scalars()  # noqa: S608 (a name that the database gave)
                    texts = sorted(rows)
                    digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()
                    found[f"{database}.{table}"] = len(texts), digest
            engine.dispose()
        return found

    @staticmethod
    def say(what: str, seconds: float) -> None:
        """Print a measured time."""
        sys.stdout.write(f"chart drill: {what}: {seconds:.1f} s\n")

    def _helm(self, *arguments: str) -> float:
        begin = time.monotonic()
        config = f"--kubeconfig={self.place.kubeconfig}"
        done = helm(*arguments, f"--namespace={NAMESPACE}", config)
        seconds = time.monotonic() - begin
        if done.returncode:
            pods = self.place.kubectl("get", "pods", "--namespace", NAMESPACE)
            message = f"helm {arguments[0]}: {done.stderr[-2000:]}\n{pods}"
            raise AssertionError(message)
        self.say(f"helm {arguments[0]}", seconds)
        self._forget_old_pods()
        return seconds

    def _forget_old_pods(self) -> None:
        """Wait until api-servers that were replaced are gone: a forward may choose one of them."""
        until = time.monotonic() + LEAVING_SECONDS
        servers = "app.kubernetes.io/component=api-server"
        while any("deletionTimestamp" in pod["metadata"] for pod in self.place.pods(servers)):
            assert time.monotonic() < until, "an api-server that was replaced does not end"
            time.sleep(2)
        self.release.__exit__(None, None, None)
        self.release = Release(self.place)

    def _remove(self) -> None:
        config = f"--kubeconfig={self.place.kubeconfig}"
        helm("uninstall", NAME, f"--namespace={NAMESPACE}", "--ignore-not-found", "--wait", config)
        # Nobody is left who would take the finalizer off a step's pod.
        for name in self.place.kubectl("get", "pods", "-n", STEPS, "-o", "name").split():
            patch = '{"metadata": {"finalizers": null}}'
            self.place.kubectl("patch", name, "-n", STEPS, "--type=merge", "-p", patch)
        self.place.kubectl(
            "delete", "namespace", NAMESPACE, STEPS, "--ignore-not-found", seconds=240
        )
