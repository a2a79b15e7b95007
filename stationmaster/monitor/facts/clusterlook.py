"""One look at the cluster over the Kubernetes API: what it answered stands for the whole look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from stationmaster.monitor.facts.clusterreading import claim_of, node_of, pod_of
from stationmaster.monitor.facts.fillings import Filling
from stationmaster.monitor.facts.missing import FactsNotHereError, FactsUnavailableError
from stationmaster.monitor.facts.once import Once

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from stationmaster.monitor.facts.cluster import ClusterClaim, ClusterNode, ClusterPod
    from stationmaster.monitor.facts.clusterapi import ClusterApi
    from stationmaster.monitor.facts.trouble import Trouble

__all__ = ["ClusterLook", "namespaces_of"]

WARNINGS: Final = {"fieldSelector": "type=Warning,involvedObject.kind=PersistentVolumeClaim"}
MOST_NODES: Final = 200


class ClusterLook:
    """Answer as `ClusterFacts`; asks each question once.

    Args:
        api: Kept between looks.
        namespaces: Whose pods and claims are looked at.
    """

    def __init__(self, api: ClusterApi, namespaces: Sequence[str]) -> None:
        self._api = api
        self._namespaces = namespaces
        self.trouble: Once[Trouble | None] = Once(api.trouble)
        self.nodes: Once[tuple[ClusterNode, ...]] = Once(self._nodes)
        self.pods: Once[tuple[ClusterPod, ...]] = Once(self._pods)
        self.claims: Once[tuple[ClusterClaim, ...]] = Once(self._claims)
        self.fillings: Once[tuple[Filling, ...]] = Once(self._fillings)

    def _nodes(self) -> tuple[ClusterNode, ...]:
        nodes = (node_of(item) for item in self._api.items("/api/v1/nodes"))
        return tuple(sorted(nodes, key=lambda node: node.name))

    def _pods(self) -> tuple[ClusterPod, ...]:
        pods = [pod_of(item) for item in self._everywhere("pods")]
        return tuple(sorted(pods, key=lambda pod: pod.created_at))

    def _claims(self) -> tuple[ClusterClaim, ...]:
        problems: dict[tuple[str, str], str] = {}
        for event in self._everywhere("events", WARNINGS):
            concerned = event["involvedObject"]
            key = (concerned.get("namespace", ""), concerned.get("name", ""))
            problems[key] = event.get("message") or event.get("reason") or ""
        return tuple(
            claim_of(
                item, problems.get((item["metadata"]["namespace"], item["metadata"]["name"]), "")
            )
            for item in self._everywhere("persistentvolumeclaims")
        )

    def _everywhere(
        self, kind: str, query: Mapping[str, str] | None = None
    ) -> Iterator[Mapping[str, Any]]:
        for namespace in self._namespaces:
            yield from self._api.items(f"/api/v1/namespaces/{namespace}/{kind}", query)

    def _fillings(self) -> tuple[Filling, ...]:
        """Ask each kubelet by way of the API server: needs a right that not everybody gives."""
        found: dict[str, Filling] = {}
        for node in self.nodes()[:MOST_NODES]:
            path = f"/api/v1/nodes/{node.name}/proxy/stats/summary"
            try:
                summary = self._api.get(path)
            except FactsUnavailableError as error:
                message = (
                    "how full volumes are is told by nobody: no Prometheus is named, and the "
                    f"kubelets' figures cannot be read: {error}"
                )
                raise FactsNotHereError(message) from error
            for each in _fillings_of(node.name, summary, set(self._namespaces)):
                found[each.name] = each
        return tuple(found[name] for name in sorted(found))


def namespaces_of(told: str, *others: str) -> tuple[str, ...]:
    """Return the namespaces that a setting names, else the others; each once.

    Args:
        told: By commas.
        *others: Empty ones are left out.
    """
    named = tuple(name.strip() for name in told.split(",") if name.strip())
    return tuple(dict.fromkeys(named or tuple(name for name in others if name)))


def _fillings_of(node: str, summary: Mapping[str, Any], namespaces: set[str]) -> Iterator[Filling]:
    """Read one kubelet's summary (kubernetes/kubelet pkg/apis/stats/v1alpha1)."""
    disk = (summary.get("node") or {}).get("fs") or {}
    if disk.get("capacityBytes"):
        yield _filling(disk, f"{node}:/", f"the disk of node {node}", is_disk=True)
    for pod in summary.get("pods") or ():
        for volume in pod.get("volume") or ():
            claim = volume.get("pvcRef")
            if claim and claim["namespace"] in namespaces and volume.get("capacityBytes"):
                name = f"{claim['namespace']}/{claim['name']}"
                where = f"volume {name} of pod {pod['podRef']['name']}"
                yield _filling(volume, name, where, is_disk=False)


def _filling(figures: Mapping[str, Any], name: str, where: str, *, is_disk: bool) -> Filling:
    return Filling(
        name=name,
        where=where,
        capacity_bytes=figures["capacityBytes"],
        free_bytes=figures.get("availableBytes", 0),
        is_disk=is_disk,
        free_files=figures.get("inodesFree"),
        files=figures.get("inodes"),
    )
