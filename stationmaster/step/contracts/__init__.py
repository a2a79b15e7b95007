"""Contracts of datasets: Open Data Contract Standard 3.1, read and checked."""

from __future__ import annotations

from stationmaster.step.contracts.contract import Contract

__all__ = ["Contract"]
