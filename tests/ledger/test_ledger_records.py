"""What a record takes, refuses and forces into shape."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from enum import StrEnum

import pytest
from pydantic import ValidationError

from stationmaster.ledger.records import LONGEST_TEXT, AttemptRecord
from stationmaster.step.protocol import Measurements, ResultStatus, StepResult
from tests.ledger.attempts import NOON, context, record, result


class _Verdict(StrEnum):
    SUCCEEDED = "succeeded"


def test_a_record_says_who_from_the_context() -> None:
    """Names, shard and trace come from what the step was told."""
    told = context(shard={"index": 2, "count": 5}, attempt=3, traceparent="00-a-b-01")

    found = AttemptRecord.of(told)

    assert found.key == (told.try_id, 2, 3)
    assert (found.shards, found.pipeline, found.traceparent) == (5, told.pipeline, "00-a-b-01")


def test_what_was_used_comes_from_the_result() -> None:
    """Measurements of the step's last word are columns of their own."""
    found = record(result=result(rows=7))

    assert (found.rows_written, found.cpu_seconds, found.wall_seconds) == (7, 1.25, 2.5)
    assert found.peak_memory_bytes == 90 * 2**20


def test_a_field_nobody_knows_is_refused() -> None:
    """A misspelled field is an error, not a value that is lost."""
    with pytest.raises(ValidationError, match="finishd_at"):
        record(finishd_at=NOON)


def test_times_are_kept_in_utc() -> None:
    """A moment in another zone is the same moment in UTC; one without a zone is refused."""
    paris = NOON.astimezone(dt.timezone(dt.timedelta(hours=1)))

    assert record(started_at=paris).started_at == NOON
    assert str(record(started_at=paris).started_at) == "2011-11-22 12:00:00+00:00"
    with pytest.raises(ValidationError, match="timezone"):
        record(started_at=NOON.replace(tzinfo=None))


def test_a_verdict_is_kept_as_plain_text() -> None:
    """An enum's member is stored as its value, whoever owns the enum."""
    assert type(record(verdict=_Verdict.SUCCEEDED).verdict) is str
    assert record(verdict=_Verdict.SUCCEEDED).verdict == "succeeded"


def test_a_foreign_steps_numbers_do_not_lose_the_attempt() -> None:
    """Too large, negative and infinite measurements are left out, and kept where they are said."""
    used = Measurements(rows_read=10**30, rows_written=-1, cpu_seconds=float("inf"))

    found = record(result=StepResult(status=ResultStatus.DONE, measurements=used))

    assert (found.rows_read, found.rows_written, found.cpu_seconds) == (None, None, None)
    assert set(found.doubted or {}) == {"rows_read", "rows_written", "cpu_seconds"}
    assert AttemptRecord.model_validate_json(found.model_dump_json()) == found


def test_a_text_is_made_storable() -> None:
    """NUL is replaced and a text without end is cut, in the result's own words too."""
    said = StepResult(status=ResultStatus.FAILED, phase="a\x00b")
    found = record(sentence="x" * 10_000, hint="a\x00b", result=said, evidence={"k": ["\x00"]})

    assert len(found.sentence) == LONGEST_TEXT
    assert "\x00" not in found.model_dump_json() + found.hint
    assert "\\u0000" not in found.model_dump_json()


@pytest.mark.parametrize("module", ["records", "local", "phases"])
def test_whoever_makes_records_imports_no_database(module: str) -> None:
    """DAG files are parsed all the time: what they import stays light."""
    code = f"import sys, stationmaster.ledger.{module}; print('sqlalchemy' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout.strip() == "False"
