"""One look at Prometheus: what it answered stands for the whole look."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any, Final

from stationmaster.monitor.facts.fillings import CYCLE, Filling, FreePoint
from stationmaster.monitor.facts.missing import FactsNotHereError
from stationmaster.monitor.facts.once import Once
from stationmaster.monitor.facts.prometheus import NodeMemory, Sample, Series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from stationmaster.monitor.facts.prometheusapi import PrometheusApi
    from stationmaster.monitor.facts.trouble import Trouble

__all__ = ["PrometheusLook"]

STEP: Final = dt.timedelta(minutes=30)
FINE: Final = dt.timedelta(minutes=5)
LITTLE_MEMORY: Final = 0.05

VOLUME_LABELS: Final = ("namespace", "persistentvolumeclaim")
DISK_FILTER: Final = '{fstype!~"tmpfs|ramfs|overlay|squashfs|fuse.*|iso9660|erofs|nsfs"}'
"""What is memory, another file system's view, or read-only by nature does not fill."""

Labels = tuple[str, ...]


class PrometheusLook:
    """Answer as `PrometheusFacts`; asks each question once.

    Args:
        api: Kept between looks.
        now: The look's moment.
        namespaces: Whose volumes are looked at.
    """

    def __init__(self, api: PrometheusApi, now: dt.datetime, namespaces: Sequence[str]) -> None:
        self._api = api
        self._now = now
        self._namespaces = namespaces
        self.trouble: Once[Trouble | None] = Once(api.trouble)
        self.fillings: Once[tuple[Filling, ...]] = Once(self._fillings)
        self.memory: Once[tuple[NodeMemory, ...]] = Once(self._memory)

    def query(self, promql: str) -> tuple[Sample, ...]:
        """Return the vector that an instant query yields."""
        data = self._api.data("query", {"query": promql, "time": _stamp(self._now)})
        return tuple(
            Sample(labels=row["metric"], value=float(row["value"][1]), at=_moment(row["value"][0]))
            for row in data["result"]
        )

    def query_range(
        self, promql: str, *, over: dt.timedelta, step: dt.timedelta
    ) -> tuple[Series, ...]:
        """Return the matrix that a range query yields, up to the look's moment."""
        form = {
            "query": promql,
            "start": _stamp(self._now - over),
            "end": _stamp(self._now),
            "step": str(step.total_seconds()),
        }
        return tuple(
            Series(
                labels=row["metric"],
                values=tuple((_moment(at), float(value)) for at, value in row["values"]),
            )
            for row in self._api.data("query_range", form)["result"]
        )

    def _fillings(self) -> tuple[Filling, ...]:
        found = [*self._volumes(), *self._disks()]
        if not found:
            message = "Prometheus has no figures of volumes (kubelet) or disks (node-exporter)"
            raise FactsNotHereError(message)
        return tuple(sorted(found, key=lambda filling: filling.name))

    def _volumes(self) -> Iterator[Filling]:
        only = f'{{namespace=~"{"|".join(self._namespaces)}"}}'
        stats = "kubelet_volume_stats_"
        names = ("capacity_bytes", "available_bytes", "inodes", "inodes_free")
        now = {name: self._latest(f"{stats}{name}{only}", _volume) for name in names}
        history = self._history(f"{stats}available_bytes{only}", _volume)
        for key, capacity in now["capacity_bytes"].items():
            if key in now["available_bytes"]:
                name = "/".join(key)
                yield Filling(
                    name=name,
                    where=f"volume {name}",
                    capacity_bytes=capacity,
                    free_bytes=now["available_bytes"][key],
                    files=now["inodes"].get(key),
                    free_files=now["inodes_free"].get(key),
                    history=history.get(key, ()),
                )

    def _disks(self) -> Iterator[Filling]:
        stats = "node_filesystem_"
        names = ("size_bytes", "avail_bytes", "files", "files_free", "readonly")
        now = {name: self._latest(f"{stats}{name}{DISK_FILTER}", _disk) for name in names}
        history = self._history(f"{stats}avail_bytes{DISK_FILTER}", _disk)
        for key, capacity in now["size_bytes"].items():
            if key in now["avail_bytes"] and not now["readonly"].get(key):
                yield Filling(
                    name=f"{key[0]}:{key[1]}",
                    where=f"disk {key[1]} of node {key[0]}",
                    capacity_bytes=capacity,
                    free_bytes=now["avail_bytes"][key],
                    is_disk=True,
                    files=now["files"].get(key),
                    free_files=now["files_free"].get(key),
                    history=history.get(key, ()),
                )

    def _memory(self) -> tuple[NodeMemory, ...]:
        total = self._latest("node_memory_MemTotal_bytes", _node)
        available = self._latest("node_memory_MemAvailable_bytes", _node)
        little = "node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes"
        if not total:
            message = "Prometheus has no figures of nodes' memory (node-exporter)"
            raise FactsNotHereError(message)
        shares = self.query_range(little, over=CYCLE, step=FINE)
        since = {_node(series.labels): _below_since(series) for series in shares}
        return tuple(
            NodeMemory(
                node=key[0],
                total_bytes=total[key],
                available_bytes=available[key],
                below_since=since.get(key),
            )
            for key in sorted(total)
            if key in available
        )

    def _latest(
        self, promql: str, key_of: Callable[[Mapping[str, str]], Labels]
    ) -> dict[Labels, float]:
        return {
            key_of(sample.labels): sample.value
            for sample in self.query(promql)
            if math.isfinite(sample.value)
        }

    def _history(
        self, promql: str, key_of: Callable[[Mapping[str, str]], Labels]
    ) -> dict[Labels, tuple[FreePoint, ...]]:
        series = self.query_range(promql, over=CYCLE, step=STEP)
        return {
            key_of(each.labels): tuple(
                FreePoint(at, value) for at, value in each.values if math.isfinite(value)
            )
            for each in series
        }


def _volume(labels: Mapping[str, str]) -> Labels:
    return tuple(labels.get(name, "") for name in VOLUME_LABELS)


def _disk(labels: Mapping[str, str]) -> Labels:
    return (*_node(labels), labels.get("mountpoint", ""))


def _node(labels: Mapping[str, str]) -> Labels:
    """Return the node: the label that scrape configurations give it, else where it was scraped."""
    return (labels.get("node") or labels.get("nodename") or labels.get("instance", ""),)


def _below_since(series: Series) -> dt.datetime | None:
    since: dt.datetime | None = None
    for at, share in series.values:
        since = (since or at) if share < LITTLE_MEMORY else None
    return since


def _stamp(moment: dt.datetime) -> str:
    return f"{moment.timestamp():.3f}"


def _moment(seconds: Any) -> dt.datetime:  # noqa: ANN401 (a JSON number)
    return dt.datetime.fromtimestamp(float(seconds), dt.UTC)
