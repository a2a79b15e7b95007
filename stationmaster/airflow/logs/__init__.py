"""Logs of steps in Airflow: written in chunks, read together, live."""

from __future__ import annotations

__all__: list[str] = []
