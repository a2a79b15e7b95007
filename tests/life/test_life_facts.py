"""What a record knows of its node, its price and its size."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.airflow.life.names import SIZE_ANNOTATION
from stationmaster.airflow.life.nodebook import NodeBook
from stationmaster.airflow.life.nodefacts import node_facts_of
from stationmaster.airflow.life.podstore import trim
from stationmaster.airflow.life.recording import record_of
from stationmaster.airflow.life.sizefacts import SizeFacts, size_facts_of, write_size_facts
from stationmaster.airflow.life.testing.faults import Refusal
from stationmaster.ledger.cost.prices import PriceBook
from stationmaster.ledger.cost.settings import CostSettings
from tests.ledger.attempts import context, record
from tests.life.worlds import World, a_world

if TYPE_CHECKING:
    from stationmaster.ledger.records import AttemptRecord

NODE: dict[str, Any] = {
    "metadata": {
        "name": "node-a",
        "labels": {
            "node.kubernetes.io/instance-type": "m5.large",
            "karpenter.sh/capacity-type": "spot",
            "karpenter.sh/nodepool": "steps",
            "topology.kubernetes.io/region": "us-east-1",
            "topology.kubernetes.io/zone": "us-east-1b",
        },
    },
    "status": {"capacity": {"cpu": "2", "memory": "8Gi"}},
}
DIGEST = "sha256:" + "a1" * 32


async def recorded(world: World, attempt: AttemptRecord) -> AttemptRecord:
    """Return what is stored of an attempt once its node was looked at."""
    async with NodeBook(world.cluster, PriceBook.from_settings(CostSettings())) as book:
        await book.recording(world.record)(attempt)
    return world.records[-1]


def pod(**annotations: str) -> dict[str, Any]:
    """Return a pod that ran an image by its digest."""
    status = {"name": "base", "imageID": f"docker.io/library/job@{DIGEST}", "state": {}}
    labels = {"stationmaster.io/team": "crm"}
    return {
        "metadata": {"name": "p", "uid": "u", "labels": labels, "annotations": annotations},
        "spec": {"containers": [{"name": "base", "image": "job:1"}], "nodeName": "node-a"},
        "status": {"containerStatuses": [status]},
    }


def test_a_node_gives_type_place_and_price() -> None:
    """Labels and capacity of the node are in the record, with its price and where that is from."""

    async def scenario() -> AttemptRecord:
        async with a_world() as world:
            world.fake.nodes.append(NODE)
            return await recorded(world, record(node="node-a"))

    found = asyncio.run(scenario())

    assert (found.instance_type, found.capacity_type, found.node_pool) == (
        *("m5.large", "spot", "steps"),
    )
    assert (found.zone, found.node_cpu_millicores, found.node_memory_bytes) == (
        *("us-east-1b", 2000, 8 * 2**30),
    )
    assert found.node_price_per_hour == pytest.approx(0.096 * 0.35)
    assert "35% of on-demand" in found.price_note


def test_a_node_that_is_gone_costs_no_row() -> None:
    """The attempt is recorded without a price, and says that the node went before it was read."""

    async def scenario() -> AttemptRecord:
        async with a_world() as world:
            return await recorded(world, record(node="node-b", verdict="succeeded"))

    found = asyncio.run(scenario())

    assert (found.verdict, found.node_price_per_hour) == ("succeeded", None)
    assert "node node-b, it was gone before it was read" in found.price_note


def test_without_the_right_to_read_nodes_the_row_says_so() -> None:
    """A refused read is told with the value that allows it, and not asked again for a while."""

    async def scenario() -> tuple[AttemptRecord, int]:
        async with a_world() as world:
            world.fake.faults.refuse("node", Refusal(403, "Forbidden"))
            async with NodeBook(world.cluster, PriceBook.from_settings(CostSettings())) as book:
                for name in ("node-a", "node-b"):
                    await book.recording(world.record)(record(node=name))
            return world.records[-1], world.cluster.requests["node"]

    found, requests = asyncio.run(scenario())

    assert "steps.readNodes" in found.price_note
    assert requests == 1


def test_a_node_is_read_once_while_its_pods_run() -> None:
    """A node that was noticed while the pod ran is known after it has gone."""

    async def scenario() -> tuple[AttemptRecord, int]:
        async with a_world() as world:
            world.fake.nodes.append(NODE)
            async with NodeBook(world.cluster, PriceBook.from_settings(CostSettings())) as book:
                book.notice(pod())
                book.notice(pod())
                await world.until(lambda: world.cluster.requests["node"])
                await asyncio.sleep(0.1)
                world.fake.nodes.clear()
                await book.recording(world.record)(record(node="node-a"))
            return world.records[-1], world.cluster.requests["node"]

    found, requests = asyncio.run(scenario())

    assert (found.instance_type, requests) == ("m5.large", 1)


@pytest.mark.parametrize(
    ("told", "means"), [("SPOT", "spot"), ("ON_DEMAND", "on-demand"), ("odd", "odd"), ("", "")]
)
def test_each_way_to_say_how_a_node_is_paid_means_the_same(told: str, means: str) -> None:
    """EKS's node groups shout, Karpenter does not; an unknown word is kept."""
    node = {"metadata": {"labels": {"eks.amazonaws.com/capacityType": told}}}

    assert node_facts_of(node).capacity_type == means


def test_the_size_and_its_reason_travel_on_the_pod() -> None:
    """What chose the size stands in the record, also from the watch's trimmed pod."""
    facts = SizeFacts(size_class="s", size_why="Peaks of 20 runs.", declared_memory_bytes=2**31)
    sized = pod()
    write_size_facts(sized, facts)

    found = record_of(context(), trim(sized), None)

    assert size_facts_of(sized) == facts
    assert (found.size_class, found.size_why) == ("s", "Peaks of 20 runs.")
    assert (found.declared_memory_bytes, found.team, found.image_digest) == (2**31, "crm", DIGEST)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"input_bytes": -1}', '{"odd": 1}'])
def test_a_nonsense_annotation_costs_nothing(text: str) -> None:
    """Whatever stands in the annotation, the attempt has a record."""
    found = record_of(context(), pod(**{SIZE_ANNOTATION: text}), None)

    assert (found.size_class, found.input_bytes) == ("", None)
