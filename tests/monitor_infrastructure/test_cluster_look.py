"""One look at a cluster over HTTP: what is read, what is asked, what a refusal means."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from stationmaster.monitor.facts.clusterapi import ClusterApi
from stationmaster.monitor.facts.clusterlook import ClusterLook, namespaces_of
from stationmaster.monitor.facts.missing import FactsNotHereError, FactsUnavailableError
from stationmaster.monitor.facts.trouble import TroubleKind
from tests.monitor_infrastructure import kubernetes_documents
from tests.monitor_infrastructure.answering import answering
from tests.monitor_infrastructure.kubernetes_documents import kubernetes

if TYPE_CHECKING:
    from pathlib import Path

NAMESPACES = ("airflow", "steps")


def test_nodes_pods_and_claims_are_read() -> None:
    """What the checks stand on comes out of Kubernetes' own documents."""
    with answering(kubernetes()) as (url, _):
        look = ClusterLook(ClusterApi(url), NAMESPACES)
        (node,), (part, step), (claim,) = look.nodes(), look.pods(), look.claims()

    assert node.leaving
    assert node.cordoned
    assert (ready := node.condition("Ready")) is not None
    assert ready.status == "Unknown"
    assert part.workload == "airflow-scheduler"
    assert part.claims == ("data",)
    assert part.containers[0].last_exit_code == 137
    assert (step.is_step, step.pipeline, step.workload) == (
        True,
        "morning_analytics",
        "extract-web",
    )
    assert step.ended_at is not None
    assert claim.problem == 'storageclass "fast" not found'


def test_long_lists_come_page_by_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three pods on three pages are three pods."""
    pods = [kubernetes_documents.POD] * 3
    path = "/api/v1/namespaces/airflow/pods"
    monkeypatch.setitem(kubernetes_documents.LISTS, path, pods)
    with answering(kubernetes()) as (url, asked):
        found = ClusterLook(ClusterApi(url), ("airflow",)).pods()

    assert len(found) == 3
    assert [each.query.get("continue") for each in asked] == [None, "1", "2"]


def test_a_question_is_asked_once_a_look() -> None:
    """Five checks over pods cost one list."""
    with answering(kubernetes()) as (url, asked):
        look = ClusterLook(ClusterApi(url), NAMESPACES)
        for _ in range(5):
            look.pods()

    assert [each.path.split("/")[4] for each in asked] == ["airflow", "steps"]


def test_the_kubelets_say_how_full_volumes_are() -> None:
    """Volumes of claims in our namespaces, and nodes' disks; nothing else."""
    with answering(kubernetes()) as (url, _):
        found = ClusterLook(ClusterApi(url), NAMESPACES).fillings()

    assert [(each.name, each.is_disk, each.free_share) for each in found] == [
        ("airflow/data", False, 0.03),
        ("n1:/", True, 0.08),
    ]


def test_without_the_right_to_ask_kubelets_nobody_knows() -> None:
    """That is "not here", with what would be needed; other facts are not harmed."""
    with answering(kubernetes(refuse="/proxy/")) as (url, _):
        look = ClusterLook(ClusterApi(url), NAMESPACES)
        with pytest.raises(FactsNotHereError, match="no Prometheus is named"):
            look.fillings()
        assert len(look.nodes()) == 1


def test_a_refusal_is_unknown_and_says_what_was_refused() -> None:
    """Who may not list pods does not know how they are."""
    with answering(kubernetes(refuse="/pods")) as (url, _):
        look = ClusterLook(ClusterApi(url), NAMESPACES)
        with pytest.raises(FactsUnavailableError, match=r"may not list /api/v1/namespaces/airflow"):
            look.pods()


def test_an_api_that_goes_away_and_comes_back() -> None:
    """Its trouble keeps its moment, and is gone when it answers."""
    with answering(kubernetes()) as (url, _):
        api = ClusterApi(url)
        well = ClusterLook(api, NAMESPACES).trouble()
        port = int(url.rpartition(":")[2])
    first, second = (ClusterLook(api, NAMESPACES).trouble() for _ in range(2))
    with answering(kubernetes(), port=port):
        again = ClusterLook(api, NAMESPACES).trouble()

    assert (well, again) == (None, None)
    assert first is not None
    assert first.kind is TroubleKind.CLOSED
    assert first == second


def test_a_kubeconfig_is_used_with_its_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside a cluster, where steps are pods; the token goes with each request."""
    with answering(kubernetes()) as (url, asked):
        place = {"name": "k", "cluster": {"server": url}}
        config = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
            "clusters": [place],
            "users": [{"name": "u", "user": {"token": "secret-word"}}],
        }
        (tmp_path / "config").write_text(json.dumps(config), encoding="utf-8")
        # A process of its own: the library reads the variable at its import.
        code = f"from {ClusterApi.__module__} import ClusterApi; ClusterApi().get('/version')"
        monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
        subprocess.run([sys.executable, "-c", code], check=True)

    assert asked[0].headers["Authorization"] == "Bearer secret-word"


def test_a_laptop_without_a_cluster_has_none() -> None:
    """No service account, and no kubeconfig to be used: not here, rather than unknown."""
    with pytest.raises(FactsNotHereError):
        ClusterLook(ClusterApi(kubeconfig=False), NAMESPACES).nodes()


def test_namespaces_are_those_that_are_named() -> None:
    """Each once; without a setting our own and the steps'."""
    assert namespaces_of("a, b,a") == ("a", "b")
    assert namespaces_of("", "airflow", "steps") == ("airflow", "steps")
    assert namespaces_of("", "", "steps") == ("steps",)
