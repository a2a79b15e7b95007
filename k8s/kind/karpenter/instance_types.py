"""Print the instance types that Karpenter's KWOK provider may buy: those of a table of prices.

`python3 k8s/kind/karpenter/instance_types.py stationmaster/ledger/cost/data/ec2-on-demand.csv`

Labels are those that Karpenter has on EC2 (karpenter.sh/docs/reference/instance-types), so that
the NodePools of k8s/eks can be used as they are. Needs nothing but Python.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import sys
from pathlib import Path
from typing import Any

__all__ = ["instance_type", "main", "read_table"]

ARCHITECTURE = "amd64"
ZONES = ("a", "b", "c")
SPOT_SHARE = 0.35
KEPT_MILLICORES = 100
"""What Karpenter's KWOK provider takes off each type's CPU for the kubelet …"""
KEPT_MIB = 10
"""… and off its memory; kwok/cloudprovider/helpers.go, `KubeReserved`."""


def read_table(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table of prices; lines that begin with # are comments."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if line and not line.startswith("#")))


def instance_type(row: dict[str, str], spot_share: float) -> dict[str, Any]:
    """Return one type as the provider's file has it.

    Resources are the allocatable ones and what the provider takes off again, so that pods find as
    much room as on EC2.
    """
    name, price = row["instance_type"], float(row["usd_per_hour"])
    millicores = int(row["allocatable_cpu"].removesuffix("m")) + KEPT_MILLICORES
    mib = int(row["allocatable_memory"].removesuffix("Mi")) + KEPT_MIB
    return {
        "name": name,
        "architecture": ARCHITECTURE,
        "operatingSystems": ["linux"],
        "resources": {"cpu": f"{millicores}m", "memory": f"{mib}Mi", "pods": row["max_pods"]},
        "offerings": [
            {
                "Price": round(price * share, 6),
                "Available": True,
                "Requirements": _requirements(row, capacity_type, zone),
            }
            for capacity_type, share in (("spot", spot_share), ("on-demand", 1.0))
            for zone in ZONES
        ],
    }


def _requirements(row: dict[str, str], capacity_type: str, zone: str) -> list[dict[str, Any]]:
    family, _, size = row["instance_type"].partition(".")
    found = re.match(r"([a-z]+)(\d+)", family)
    category, generation = found.groups() if found else (family, "0")
    labels = {
        "karpenter.sh/capacity-type": capacity_type,
        "topology.kubernetes.io/region": row["region"],
        "topology.kubernetes.io/zone": row["region"] + zone,
        "karpenter.k8s.aws/instance-category": category,
        "karpenter.k8s.aws/instance-generation": generation,
        "karpenter.k8s.aws/instance-family": family,
        "karpenter.k8s.aws/instance-size": size,
        "karpenter.k8s.aws/instance-cpu": row["vcpu"],
        "karpenter.k8s.aws/instance-memory": row["memory_mib"],
    }
    return [{"key": key, "operator": "In", "values": [value]} for key, value in labels.items()]


def main(arguments: list[str] | None = None) -> int:
    """Print the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("table", type=Path, help="CSV of prices")
    parser.add_argument("--spot-share", type=float, default=SPOT_SHARE, help="of on-demand")
    given = parser.parse_args(arguments)
    rows = [row for row in read_table(given.table) if row["arch"] == ARCHITECTURE]
    json.dump([instance_type(row, given.spot_share) for row in rows], sys.stdout, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
