"""Datasets as Iceberg tables: read pinned snapshots; publish one partition exactly once.

Heavy (pyiceberg, polars): imported by what reads or writes tables, never by a DAG file.
"""

from __future__ import annotations

from stationmaster.step.datasets.forgetting import ForgetReport, Identifier
from stationmaster.step.datasets.maintaining import MaintenancePolicy, MaintenanceReport
from stationmaster.step.datasets.store import Staged, Store, TableRead

__all__ = [
    "ForgetReport",
    "Identifier",
    "MaintenancePolicy",
    "MaintenanceReport",
    "Staged",
    "Store",
    "TableRead",
]
