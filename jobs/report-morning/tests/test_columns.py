"""What is read is what the contracts of the other jobs promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from report_morning.read import COLUMNS
from stationmaster.step.contracts import Contract

_JOBS = Path(__file__).parents[2]


@pytest.mark.parametrize("dataset", COLUMNS)
def test_columns_are_promised(dataset: str) -> None:
    """Each column read is in its dataset's contract, of the type that is expected."""
    (path,) = _JOBS.glob(f"*/src/*/contracts/{dataset}.odcs.yaml")
    promised = Contract.load(path).empty_frame().schema

    assert {name: promised[name] for name in COLUMNS[dataset]} == COLUMNS[dataset]
