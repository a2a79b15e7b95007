"""What was seen of a cluster every two seconds: pods, nodes, and what the nodes cost."""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = ["Claim", "Claims", "Sample", "read_samples", "sample_of", "write_samples"]

TYPE_LABEL: Final = "node.kubernetes.io/instance-type"
CAPACITY_LABEL: Final = "karpenter.sh/capacity-type"
ZONE_LABEL: Final = "topology.kubernetes.io/zone"
ENDED: Final = ("Succeeded", "Failed")


@dataclass(frozen=True)
class Sample:
    """Hold one look at the cluster.

    `second` counts from the day's begin. `pending` and `running` are containers of steps,
    `nodes` those that are ready, `booting` the machines that are paid and not ready yet,
    `empty` the ready ones without a step. `types` is such as "3 m6a.xlarge spot".
    """

    second: float
    hour: float
    orders: int
    pending: int
    running: int
    booting: int
    nodes: int
    empty: int
    usd_per_hour: float
    types: str

    @property
    def containers(self) -> int:
        """Return how many containers are asked for."""
        return self.pending + self.running


@dataclass(frozen=True)
class Claim:
    """Hold the life of a machine that Karpenter bought: a NodeClaim, created to deleted.

    `ended` is None while it is there.
    """

    name: str
    instance_type: str
    capacity_type: str
    zone: str
    created: dt.datetime
    ended: dt.datetime | None = None


@dataclass
class Claims:
    """Follow NodeClaims from look to look; one that is gone ended between the two."""

    known: dict[str, Claim] = field(default_factory=dict)
    looked: dt.datetime | None = None

    def look(self, claims: Iterable[Mapping[str, Any]], now: dt.datetime) -> list[Claim]:
        """Take a look's NodeClaims, and return the machines that are paid now."""
        there = {uid: claim for each in claims for uid, claim in [_claim(each)] if claim}
        for uid, claim in there.items():
            self.known[uid] = claim
        middle = now - (now - (self.looked or now)) / 2
        for uid, claim in self.known.items():
            if uid not in there and claim.ended is None:
                self.known[uid] = replace(claim, ended=middle)
        self.looked = now
        return list(there.values())


def sample_of(
    second: float,
    hour_and_orders: tuple[float, int],
    pods: Iterable[Mapping[str, Any]],
    nodes: Iterable[Mapping[str, Any]],
    paid: Sequence[tuple[Claim, float]],
) -> Sample:
    """Return what one look saw.

    Args:
        second: Since the day began.
        hour_and_orders: Of the day, and the orders an hour then.
        pods: Of steps, as the API tells them.
        nodes: The same.
        paid: The machines that are there, each with its price an hour.
    """
    living = [pod for pod in pods if pod["status"].get("phase") not in ENDED]
    busy = {pod["spec"].get("nodeName") for pod in living}
    ready = {node["metadata"]["name"] for node in nodes if _is_ready(node)}
    types = Counter(f"{claim.instance_type} {claim.capacity_type}" for claim, _ in paid)
    running = sum(pod["status"].get("phase") == "Running" for pod in living)
    return Sample(
        second=round(second, 1),
        hour=round(hour_and_orders[0], 3),
        orders=hour_and_orders[1],
        pending=len(living) - running,
        running=running,
        booting=len(paid) - len(ready),
        nodes=len(ready),
        empty=len(ready - busy),
        usd_per_hour=round(sum(price for _, price in paid), 4),
        types="; ".join(f"{number} {name}" for name, number in sorted(types.items())),
    )


def write_samples(path: Path, samples: Iterable[Sample]) -> None:
    """Write them as CSV."""
    rows = [asdict(each) for each in samples]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(Sample.__dataclass_fields__), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_samples(path: Path) -> list[Sample]:
    """Return what `write_samples` wrote."""
    with path.open(encoding="utf-8", newline="") as file:
        return [_sample(row) for row in csv.DictReader(file)]


def _sample(row: Mapping[str, str]) -> Sample:
    whole = ("orders", "pending", "running", "booting", "nodes", "empty")
    numbers: dict[str, Any] = {name: int(row[name]) for name in whole}
    parts: dict[str, Any] = {name: float(row[name]) for name in ("second", "hour", "usd_per_hour")}
    return Sample(**numbers, **parts, types=row["types"])


def _claim(claim: Mapping[str, Any]) -> tuple[str, Claim | None]:
    """Return a NodeClaim's uid and what is kept of it; None before a machine is chosen."""
    metadata = claim["metadata"]
    labels = metadata.get("labels") or {}
    if TYPE_LABEL not in labels or CAPACITY_LABEL not in labels:
        return metadata["uid"], None
    created = dt.datetime.fromisoformat(metadata["creationTimestamp"])
    name, zone = str(metadata["name"]), labels.get(ZONE_LABEL, "")
    return metadata["uid"], Claim(name, labels[TYPE_LABEL], labels[CAPACITY_LABEL], zone, created)


def _is_ready(node: Mapping[str, Any]) -> bool:
    conditions = node["status"].get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
