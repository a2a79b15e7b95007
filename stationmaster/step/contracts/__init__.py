"""Contracts of datasets: Open Data Contract Standard 3.1, read and checked."""

from __future__ import annotations

from stationmaster.step.contracts.check import KEY_RULE, RowCheck, Split, check_schema
from stationmaster.step.contracts.columns import BUSINESS_DATE, Column
from stationmaster.step.contracts.contract import Contract
from stationmaster.step.contracts.rules import RowRule, TableRule

__all__ = [
    "BUSINESS_DATE",
    "KEY_RULE",
    "Column",
    "Contract",
    "RowCheck",
    "RowRule",
    "Split",
    "TableRule",
    "check_schema",
]
