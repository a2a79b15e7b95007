"""Datasets as Iceberg tables: read pinned snapshots; publish one partition exactly once.

Heavy (pyiceberg, polars): imported by what reads or writes tables, never by a DAG file.
"""

from __future__ import annotations

from stationmaster.step.datasets.store import Staged, Store, TableRead

__all__ = ["Staged", "Store", "TableRead"]
