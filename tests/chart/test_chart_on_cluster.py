"""The chart before a real API server: each object valid, keys kept, nothing immutable in the way.

Needs a cluster (`make cluster`), not the release: it works in namespaces of its own, where pods
ask for a node that does not exist, so that none of them starts.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from tests.chart.rendering import CHART, ROOT, helm, render, values_file

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.cluster

PLACE: Final = "chart-probe"
STEPS: Final = "chart-probe-steps"
RELEASE: Final = "probe"
NOWHERE: Final = "airflow.nodeSelector.nowhere=yes"


def kubectl(*arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run kubectl against the kind cluster, or the one that $KUBECONFIG names."""
    config = os.environ.get("KUBECONFIG") or str(ROOT / "build" / "kind" / "kubeconfig")
    command = ["kubectl", f"--kubeconfig={config}", *arguments]
    return subprocess.run(
        command, input=text, check=False, capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def namespaces() -> Iterator[None]:
    """Make two namespaces that enforce what the real ones do; take them away at the end."""
    # Of a run that was cut short, or still on their way out.
    helm("uninstall", RELEASE, f"--namespace={PLACE}", "--ignore-not-found", *config())
    kubectl("delete", "namespace", PLACE, STEPS, "--ignore-not-found")
    for name in (PLACE, STEPS):
        kubectl("create", "namespace", name)
        kubectl(
            "label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted",
            "pod-security.kubernetes.io/warn=restricted", "--overwrite",
        )  # fmt: skip
    yield
    kubectl("delete", "namespace", PLACE, STEPS, "--wait=false")


def upgrade(*arguments: str) -> None:
    """Install or upgrade the probe without waiting: its pods never start.

    Raises:
        AssertionError: Helm or the API server refused.
    """
    done = helm(
        "upgrade", "--install", RELEASE, str(CHART), f"--namespace={PLACE}", *config(),
        f"--values={values_file('kind')}", f"--set={NOWHERE},steps.namespace={STEPS}",
        "--set=steps.createNamespace=false", "--wait=hookOnly", *arguments,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def config() -> list[str]:
    """Return what tells helm where the cluster is."""
    return [
        f"--kubeconfig={os.environ.get('KUBECONFIG') or ROOT / 'build' / 'kind' / 'kubeconfig'}"
    ]


def secrets() -> dict[str, Any]:
    """Return the data of the probe's Secrets by name, Helm's own left out."""
    found = json.loads(kubectl("get", "secrets", "-n", PLACE, "-o", "json").stdout)["items"]
    return {
        item["metadata"]["name"]: item["data"]
        for item in found
        if not item["metadata"]["name"].startswith("sh.helm")
    }


def jobs() -> set[str]:
    """Return the names of the probe's Jobs."""
    return set(kubectl("get", "jobs", "-n", PLACE, "-o", "name").stdout.split())


def judge(item: dict[str, Any], namespace: str) -> None:
    """Let the API server judge one object, pods by the strictest level of Pod Security as well.

    Raises:
        AssertionError: It would not take it.
    """
    text = yaml.safe_dump(item)
    done = kubectl("apply", "--dry-run=server", "-n", namespace, "-f", "-", text=text)
    where = f"{item['kind']}/{item['metadata']['name']}"
    assert done.returncode == 0, f"{where}: {done.stderr}"
    assert "violate PodSecurity" not in done.stderr, f"{where}: {done.stderr}"


@pytest.mark.parametrize(
    ("name", "setting"),
    [
        ("kind", "airflow.metrics.exporter.enabled=true"),
        ("kind", "backup.enabled=false"),
        ("kind", "dev.prometheus.enabled=true"),
        ("eks", "steps.readNodes=true"),
        ("eks-cluster", "networkPolicies.enabled=true"),
        ("foreign-airflow", "priorityClasses.enabled=true"),
    ],
)
@pytest.mark.usefixtures("namespaces")
def test_the_api_server_takes_every_object(name: str, setting: str) -> None:
    """Each rendered object is valid for a real API server, and no pod is less than restricted."""
    for item in render(name, f"--set=steps.namespace={STEPS},{setting}", namespace=PLACE):
        if item["kind"] == "Pod":
            # Its class is another object of the chart, which a dry run does not make.
            item["spec"].pop("priorityClassName", None)
        judge(item, item["metadata"].get("namespace", PLACE))


@pytest.mark.usefixtures("namespaces")
def test_the_api_server_takes_the_sources_of_eks() -> None:
    """So are the played sources; Karpenter's kinds, not installed here, are held by its schema."""
    for item in yaml.safe_load_all((ROOT / "k8s" / "eks" / "sources.yaml").read_text()):
        if item["kind"] != "Namespace":
            item["metadata"]["namespace"] = PLACE
        judge(item, PLACE)


@pytest.mark.usefixtures("namespaces")
def test_keys_outlive_upgrades_and_even_the_release() -> None:
    """A changed image, a removed and a new release: the same keys, or everything stored is lost."""
    upgrade()
    first = secrets()
    assert first.keys() >= {"probe-stationmaster-keys", "probe-stationmaster-postgres"}
    upgrade("--set=image.tag=another", "--set=airflow.scheduler.replicas=2")
    assert secrets() == first
    done = helm("uninstall", RELEASE, f"--namespace={PLACE}", *config())
    assert done.returncode == 0, done.stderr
    upgrade()
    assert secrets() == first


@pytest.mark.usefixtures("namespaces")
def test_each_revision_migrates_by_a_job_of_its_own() -> None:
    """Upgrades and rollbacks never change a Job that is there, so the API server refuses none."""
    upgrade("--set=image.tag=one")
    one = jobs()
    upgrade("--set=image.tag=two")
    two = jobs()
    back = helm("rollback", RELEASE, f"--namespace={PLACE}", "--wait=hookOnly", *config())
    assert back.returncode == 0, back.stderr
    assert one.isdisjoint(two)
    assert jobs() == one


@pytest.mark.parametrize("way", ["upgrade", "rollback"])
@pytest.mark.usefixtures("namespaces")
def test_what_was_scaled_to_nothing_comes_back(way: str) -> None:
    """After a restore or a downgrade, for which somebody stopped Airflow, it is started again."""
    upgrade("--set=image.tag=one")
    upgrade("--set=image.tag=two")
    kubectl("scale", "deployment", "--all", "--replicas=0", "-n", PLACE)
    if way == "upgrade":
        upgrade("--set=image.tag=two")
    else:
        done = helm("rollback", RELEASE, f"--namespace={PLACE}", "--wait=hookOnly", *config())
        assert done.returncode == 0, done.stderr
    found = json.loads(kubectl("get", "deployments", "-n", PLACE, "-o", "json").stdout)["items"]
    replicas = {item["metadata"]["name"]: item["spec"]["replicas"] for item in found}
    assert replicas
    assert all(replicas.values()), replicas


@pytest.mark.usefixtures("namespaces")
def test_nobody_but_the_launcher_may_start_a_pod() -> None:
    """The scheduler's account may make pods of steps only; the platform's others may do nothing."""
    upgrade()

    def may(account: str, verb: str, what: str, where: str) -> bool:
        user = f"--as=system:serviceaccount:{PLACE}:probe-stationmaster-{account}"
        kind, _, part = what.partition("/")
        question = [verb, kind, f"--subresource={part}", "-n", where, user]
        return kubectl("auth", "can-i", *question).stdout.strip() == "yes"

    assert may("scheduler", "create", "pods", STEPS)
    assert not may("scheduler", "create", "pods", PLACE)
    assert may("scheduler", "get", "pods/log", STEPS)
    assert not may("scheduler", "create", "pods/exec", STEPS)
    assert not may("scheduler", "get", "secrets", STEPS)
    assert not may("platform", "create", "pods", STEPS)
    assert not may("platform", "list", "nodes", STEPS)
