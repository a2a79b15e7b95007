"""Contracts of what sources send: nested payloads, learned, checked, and compared.

Light on purpose: it runs inside steps' images and needs neither polars nor Airflow.
"""

from __future__ import annotations

from stationmaster.step.payloads.checking import Checker
from stationmaster.step.payloads.diffing import differences
from stationmaster.step.payloads.document import PayloadContract
from stationmaster.step.payloads.fields import Field
from stationmaster.step.payloads.findings import Change, Finding, Severity, rendered
from stationmaster.step.payloads.importing import imported
from stationmaster.step.payloads.learning import Learner

__all__ = [
    "Change",
    "Checker",
    "Field",
    "Finding",
    "Learner",
    "PayloadContract",
    "Severity",
    "differences",
    "imported",
    "rendered",
]
