"""What k8s/eks says is what eksctl, Karpenter, IAM and the chart understand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from stationmaster.airflow.sizes import RESOURCES, Size
from tests.images.schemas import ROOT, crd_schema, documents, json_schema, problems

CLUSTER = documents("k8s/eks/cluster.yaml")[0]
NODES = documents("k8s/eks/nodes.yaml")
VALUES = documents("k8s/eks/values.yaml")[0]
CHART = documents("charts/stationmaster/values.yaml")[0]
POOLS = {node["metadata"]["name"]: node["spec"] for node in NODES if node["kind"] == "NodePool"}
ROLES = CLUSTER["iam"]["podIdentityAssociations"]
KEPT_CPU = 0.1
"""Cores of a node that kubelet and daemons take at least; nothing of a step's."""


def requirement(pool: str, key: str) -> list[str]:
    """Return the values of a pool's requirement whose key ends so."""
    found = POOLS[pool]["template"]["spec"]["requirements"]
    return next(entry["values"] for entry in found if entry["key"].endswith(key))


def statements(account: str) -> list[dict[str, Any]]:
    """Return what a service account's role allows."""
    role = next(role for role in ROLES if role["serviceAccountName"] == account)
    allowed: list[dict[str, Any]] = role["permissionPolicy"]["Statement"]
    return allowed


def places(account: str, action: str) -> set[str]:
    """Return the first folders of the bucket where a service account may do something."""
    resources: list[str] = []
    for statement in statements(account):
        if action in statement["Action"]:
            named = statement["Resource"]
            resources += named if isinstance(named, list) else [named]
    return {resource.split("/")[1] for resource in resources}


def test_the_cluster_follows_eksctl_s_schema() -> None:
    """Eksctl refuses a field that it does not know."""
    assert problems(CLUSTER, json_schema("eksctl-v1alpha5.json")) == []
    assert CLUSTER["metadata"]["version"] == "1.35"


@pytest.mark.parametrize("node", NODES, ids=lambda node: node["metadata"]["name"])
def test_nodes_follow_karpenter_s_schema(node: dict[str, Any]) -> None:
    """An API server would drop an unknown field without a word."""
    kind = {
        "NodePool": "crd-karpenter.sh_nodepools.yaml",
        "EC2NodeClass": "crd-karpenter.k8s.aws_ec2nodeclasses.yaml",
    }[node["kind"]]

    assert problems(node, crd_schema(kind)) == []


def test_the_strict_schema_sees_a_misspelt_field() -> None:
    """The check above can fail: at any depth."""
    node = json.loads(json.dumps(NODES[1]))
    node["spec"]["template"]["spec"]["expiresAfter"] = "720h"

    assert any(
        "expiresAfter" in problem
        for problem in problems(node, crd_schema("crd-karpenter.sh_nodepools.yaml"))
    )


@pytest.mark.parametrize("size", list(Size))
def test_each_size_fits_a_node_that_karpenter_may_buy(size: Size) -> None:
    """Xs to l fit the small pool's biggest node, xl the large one's; memory 4 GiB a core (m)."""
    asked = RESOURCES[size]
    cpu = float(asked.cpu[:-1]) / 1000 if asked.cpu.endswith("m") else float(asked.cpu)
    pool = "steps-large" if size is Size.XL else "steps-small"
    cores = max(int(value) for value in requirement(pool, "instance-cpu"))
    too_small = max(int(value) for value in requirement("steps-small", "instance-cpu"))

    assert cpu < cores - KEPT_CPU
    assert float(asked.memory.removesuffix("Gi")) < 4 * cores * 0.9
    assert pool == "steps-small" or cpu > too_small - KEPT_CPU


def test_the_platform_pays_for_nodes_that_stay_and_steps_take_spot() -> None:
    """Only steps survive losing their node at any time; a running one is never moved."""
    assert requirement("platform", "capacity-type") == ["on-demand"]
    for pool in ("steps-small", "steps-large"):
        assert requirement(pool, "capacity-type") == ["spot", "on-demand"]
        assert POOLS[pool]["disruption"]["consolidationPolicy"] == "WhenEmpty"
    assert POOLS["steps-small"]["weight"] > POOLS["steps-large"]["weight"]


@pytest.mark.parametrize("pool", sorted(POOLS))
def test_pods_choose_and_tolerate_the_pool_that_is_meant_for_them(pool: str) -> None:
    """A selector without its toleration, or the other way round, leaves pods Pending."""
    template = POOLS[pool]["template"]
    pods = [VALUES["airflow"]] if pool == "platform" else list(VALUES["jobs"].values())
    (taint,) = template["spec"]["taints"]

    for pod in pods:
        assert pod["nodeSelector"].items() <= template["metadata"]["labels"].items()
        assert taint in pod["tolerations"]


def test_values_are_values_of_the_chart_and_name_every_job() -> None:
    """Each key is one that values.schema.json knows, and each job has its image in the registry."""
    schema = json.loads((ROOT / "charts/stationmaster/values.schema.json").read_text("utf-8"))
    unknown = [
        error.message
        for error in Draft202012Validator(schema).iter_errors(VALUES)
        if error.validator in {"additionalProperties", "unevaluatedProperties", "type"}
    ]

    assert unknown == []
    assert set(VALUES["jobs"]) == set(CHART["jobs"])


def test_no_role_may_do_anything_anywhere() -> None:
    """Least privilege: S3 only, by named actions, in one bucket, below named folders."""
    for role in ROLES:
        for statement in role["permissionPolicy"]["Statement"]:
            named = statement["Resource"]
            resources = named if isinstance(named, list) else [named]
            folders = "Condition" in statement or all("/" in resource for resource in resources)

            assert not any("*" in action for action in statement["Action"])
            assert all(r.startswith("arn:aws:s3:::stationmaster-111122223333") for r in resources)
            assert folders


def test_roles_reach_what_their_pods_need_and_no_more() -> None:
    """Steps never read logs or backups; the platform never reads tables; nobody writes landing."""
    step, scheduler, platform = (
        "stationmaster-step",
        "stationmaster-scheduler",
        "stationmaster-platform",
    )

    assert places(step, "s3:PutObject") == {"warehouse", "reports", "logs"}
    assert places(step, "s3:GetObject") == {"landing", "warehouse", "reports"}
    assert places(scheduler, "s3:PutObject") == {"logs"}
    assert places(platform, "s3:PutObject") == {"logs", "backups"}
    assert places(platform, "s3:GetObject") == {"landing", "logs", "backups"}
    assert places("stationmaster-watcher", "s3:GetObject") == {"landing", "reports", "logs"}
    assert places("stationmaster-watcher", "s3:PutObject") == {"logs"}


def test_the_page_names_every_file_and_no_other() -> None:
    """From an empty account to the first report: no file is left out, none is invented."""
    page = (ROOT / "docs" / "eks.md").read_text(encoding="utf-8")
    files = {path.name for path in (ROOT / "k8s" / "eks").iterdir()}

    assert {name for name in files if f"k8s/eks/{name}" in page} == files
    assert "not run on AWS" in " ".join(page.split())
