"""The deadline's alert."""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
from typing import TYPE_CHECKING, Any

from airflow.serialization.encoders import encode_deadline_alert

from stationmaster.airflow.alerts import deadline_missed, deadline_sentence, due_after
from stationmaster.airflow.retries import StepRetryPolicy

if TYPE_CHECKING:
    import pytest

RUN = {
    "dag_id": "morning_analytics",
    "dag_run_id": "scheduled__2011-11-22T06:00:00+00:00",
    "logical_date": "2011-11-22T06:00:00Z",
    "run_after": "2011-11-22T06:00:00Z",
    "queued_at": "2011-11-22T06:00:01Z",
    "state": "running",
}
DUE = dt.datetime(2011, 11, 22, 6, 35, tzinfo=dt.UTC)
SAID = {"product": "morning report", "readers": "management and finance"}


def context(**changes: object) -> dict[str, Any]:
    """Return what Airflow hands a deadline's callback."""
    return {"dag_run": {**RUN, **changes}, "deadline": {"id": "1", "deadline_time": DUE}}


def test_the_deadlines_alert_says_all_five_things() -> None:
    """What, where, since when, who is affected, what to do next: in one text."""
    assert deadline_sentence(**SAID, context=context()) == (
        "The morning report of 2011-11-21 is not up: morning_analytics, run "
        "scheduled__2011-11-22T06:00:00+00:00 (running). Late since 2011-11-22 06:35 GMT. "
        "Affected: management and finance; they still see the last one that was published. "
        "Next: open the run and read its first red or deferred task: its message says what is "
        "missing and what to do; when that is done, clear the task."
    )


def test_catching_up_old_days_alerts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """A run made after it was due is an old day: it is noted, not alerted."""
    caplog.set_level("INFO")

    sentence = asyncio.run(
        deadline_missed(**SAID, context=context(queued_at="2011-12-01T00:00:00Z"))
    )

    assert sentence.startswith("Catching up: the morning report of 2011-11-21 was due")
    assert [record.levelname for record in caplog.records] == ["INFO"]


def test_the_alert_is_logged_as_an_error(caplog: pytest.LogCaptureFixture) -> None:
    """Today's trouble reaches whoever watches the triggerer's log for errors."""
    asyncio.run(deadline_missed(**SAID, context=context()))

    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_the_deadlines_callback_can_be_found_in_the_triggerer() -> None:
    """The callback is named by a path of the installed library, not of a DAG file."""
    alert = due_after(dt.timedelta(minutes=35), **SAID)
    assert alert is not None

    callback = str(encode_deadline_alert(alert))

    assert "stationmaster.airflow.alerts.deadline_missed" in callback


def test_no_deadline_in_dags_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """`airflow dags test` of 3.3.2 crashes over deadlines, so that it gets none."""
    monkeypatch.setattr(sys, "argv", ["airflow", "dags", "test", "morning_analytics"])

    assert due_after(dt.timedelta(minutes=35), **SAID) is None


def test_the_retry_policy_travels() -> None:
    """The policy survives Airflow's serialisation."""
    policy = StepRetryPolicy()

    assert isinstance(StepRetryPolicy.deserialize(policy.serialize()), StepRetryPolicy)
