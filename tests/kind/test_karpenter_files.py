"""What the simulated cluster's Karpenter may buy, and by which rules: EKS's own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
import yaml

from stationmaster.ledger.cost.prices import SHIPPED_PRICES, PriceBook
from stationmaster.ledger.cost.settings import CostSettings
from tests.bench.cluster.karpenter_plane import with_cores
from tests.kind.scripts import KIND

FILES = KIND / "karpenter"
EKS = KIND.parent / "eks" / "nodes.yaml"


@pytest.fixture(name="types", scope="module")
def _types() -> list[dict[str, Any]]:
    command = [sys.executable, str(FILES / "instance_types.py"), str(SHIPPED_PRICES)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def labels_of(offering: dict[str, Any]) -> dict[str, str]:
    """Return an offering's requirements as the labels that a node of it gets."""
    return {each["key"]: each["values"][0] for each in offering["Requirements"]}


def test_nodepools_are_those_of_eks() -> None:
    """Only the class of the machines differs: limits, taints, consolidation are the same."""
    ours = [each for each in yaml.safe_load_all((FILES / "nodes.yaml").read_text()) if each]
    pools = {each["metadata"]["name"]: each for each in ours if each["kind"] == "NodePool"}
    theirs = [each for each in yaml.safe_load_all(EKS.read_text()) if each["kind"] == "NodePool"]
    steps = {each["metadata"]["name"]: each for each in theirs if "steps" in str(each["metadata"])}
    for each in (*pools.values(), *steps.values()):
        del each["spec"]["template"]["spec"]["nodeClassRef"]
    assert pools == steps


def test_a_machine_costs_what_the_product_says(types: list[dict[str, Any]]) -> None:
    """Karpenter chooses by the prices that the bill is made of, spot and on-demand."""
    book = PriceBook.from_settings(CostSettings())
    for each in types:
        for offering in each["offerings"]:
            capacity_type = labels_of(offering)["karpenter.sh/capacity-type"]
            price = book.price_of(each["name"], capacity_type, "us-east-1").per_hour
            assert offering["Price"] == pytest.approx(price, abs=1e-6)


def test_a_machine_has_the_room_that_steps_find_on_ec2(types: list[dict[str, Any]]) -> None:
    """What the provider takes off for the kubelet is on top of the allocatable room."""
    [found] = [each for each in types if each["name"] == "m6a.xlarge"]
    assert found["resources"] == {"cpu": "4020m", "memory": "14172Mi", "pods": "58"}
    assert {each["architecture"] for each in types} == {"amd64"}


def test_machines_come_in_each_zone_and_way_to_pay(types: list[dict[str, Any]]) -> None:
    """Six offerings a type, with the labels that EKS's NodePools choose by."""
    chosen = {"instance-category", "instance-generation", "instance-cpu", "instance-memory"}
    for each in types:
        labels = [labels_of(offering) for offering in each["offerings"]]
        places = {
            (it["topology.kubernetes.io/zone"], it["karpenter.sh/capacity-type"]) for it in labels
        }
        assert len(places) == len(labels) == 6
        assert all(f"karpenter.k8s.aws/{name}" in it for it in labels for name in chosen)


def test_a_pool_may_be_tried_with_other_machines() -> None:
    """A trial changes the cores of its nodes, and nothing else that the pool asks for."""
    patch = with_cores("steps-small", [2, 16])
    requirements = patch["spec"]["template"]["spec"]["requirements"]
    values = {each["key"]: each["values"] for each in requirements}
    assert values["karpenter.k8s.aws/instance-cpu"] == ["2", "16"]
    assert values["karpenter.sh/capacity-type"] == ["spot", "on-demand"]


def test_a_node_takes_as_long_to_boot_as_on_ec2() -> None:
    """22 s to the registration and 12 s to ready are the 34 s of Karpenter's documentation."""
    stage = yaml.safe_load((FILES / "node-boots.yaml").read_text())
    node_class = next(yaml.safe_load_all((FILES / "nodes.yaml").read_text()))
    registered = int(node_class["spec"]["nodeRegistrationDelay"].removesuffix("s"))
    assert registered + stage["spec"]["delay"]["durationMilliseconds"] / 1000 == 34
