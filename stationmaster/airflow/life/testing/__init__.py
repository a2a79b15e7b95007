"""A Kubernetes API server for tests: real HTTP, real watches, faults on demand, no cluster."""

from __future__ import annotations

from stationmaster.airflow.life.testing.faults import Faults, Refusal
from stationmaster.airflow.life.testing.scripts import (
    PodScript,
    fails,
    gets_short,
    runs,
    stuck,
    succeeds,
    unschedulable,
)
from stationmaster.airflow.life.testing.server import FakeCluster

__all__ = [
    "FakeCluster",
    "Faults",
    "PodScript",
    "Refusal",
    "fails",
    "gets_short",
    "runs",
    "stuck",
    "succeeds",
    "unschedulable",
]
