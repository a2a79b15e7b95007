"""What a step says of itself is believed where it can be true."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.ledger.doubts import ONLY_EVIDENCE
from stationmaster.ledger.records import AttemptRecord
from stationmaster.step.protocol import Measurements, ResultStatus, StepResult
from tests.ledger.attempts import NOON, context, record

CLAIMS = st.fixed_dictionaries(
    {
        name: st.floats() if name.endswith("_seconds") else st.integers(-(10**30), 10**30)
        for name in Measurements.model_fields
    }
)
GIB = 2**30


def said(**measurements: float) -> StepResult:
    """Return the last word of a step that claims to have used this."""
    used = Measurements.model_validate(measurements)
    return StepResult(status=ResultStatus.DONE, measurements=used)


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("rows_written", -1, "negative"),
        ("cpu_seconds", float("nan"), "no finite number"),
        ("peak_memory_bytes", 3 * GIB, "twice the limit"),
        ("rows_read", 10**30, "1e.15 rows"),
        ("bytes_read", 10**19, "1e.18 bytes"),
        ("wall_seconds", 7200.0, "longer than the 60 s"),
        ("cpu_seconds", 1e6, "1024 cores"),
        ("throttled_seconds", -0.5, "negative"),
    ],
)
def test_what_cannot_be_true_is_kept_aside(field: str, value: float, why: str) -> None:
    """Its column is empty or the platform's own, and the row says what was told and why not."""
    times = {"started_at": NOON, "finished_at": NOON + dt.timedelta(seconds=60)}

    found = record(result=said(**{field: value}), asked_memory_bytes=GIB, **times)

    assert getattr(found, field) in {None, 60.0}
    assert found.doubted is not None
    doubt = found.doubted[field]
    assert isinstance(doubt, dict)
    assert pytest.approx(float(str(doubt["told"])), nan_ok=True) == value
    assert why.replace("1e.", "1e+") in str(doubt["why"])


def test_what_can_be_true_is_believed() -> None:
    """An honest step has no doubts, and says who measured."""
    used = said(wall_seconds=59.5, cpu_seconds=100.0, peak_memory_bytes=GIB, rows_read=5)
    times = {"started_at": NOON, "finished_at": NOON + dt.timedelta(seconds=60)}

    found = record(result=used, asked_memory_bytes=GIB, **times)

    assert (found.doubted, found.measured_by) == (None, "step")
    assert (found.wall_seconds, found.cpu_seconds, found.rows_read) == (59.5, 100.0, 5)


def test_a_step_that_did_not_measure_is_not_said_to_have_used_nothing() -> None:
    """Without measurements the columns are empty and the time is the container's."""
    times = {"started_at": NOON, "finished_at": NOON + dt.timedelta(seconds=60)}

    found = record(result=StepResult(status=ResultStatus.DONE), **times)

    assert (found.wall_seconds, found.peak_memory_bytes, found.rows_read) == (60.0, None, None)
    assert found.measured_by == ""


def test_clocks_that_disagree_are_said() -> None:
    """A start before the creation stays as told, with a sentence, and no time is negative."""
    early = NOON - dt.timedelta(seconds=30)

    found = record(created_at=NOON, started_at=early, finished_at=early - dt.timedelta(seconds=9))

    assert found.doubted is not None
    assert set(found.doubted) == {"started_at", "finished_at"}
    assert "30 s before created_at" in str(found.doubted["started_at"])
    assert found.wall_seconds is None


@given(values=CLAIMS)
def test_no_claim_loses_an_attempt(values: dict[str, float]) -> None:
    """Whatever numbers a step writes, there is a record, and it survives a round trip."""
    found = AttemptRecord.of(context(), result=said(**values), asked_memory_bytes=GIB)

    assert AttemptRecord.model_validate_json(found.model_dump_json()) == found
    for name in Measurements.model_fields.keys() - ONLY_EVIDENCE:
        told = getattr(found, name)
        assert told is None or told >= 0
