"""Names and texts of somebody who wants to run scripts in others' browsers."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from stationmaster.ledger.engine import make_engine, transaction
from stationmaster.ledger.incidentmodels import check_state, finding, incident, incident_event
from stationmaster.ledger.records import AttemptRecord
from stationmaster.ledger.store import Ledger
from stationmaster.monitor.checks.finding import (
    Finding,
    Layer,
    Link,
    Severity,
    Subject,
    SubjectKind,
)
from stationmaster.monitor.dashboard.sample.shop import NOW

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EVIL", "EVIL_STEP", "fill_with_hostility"]

EVIL: Final = "<img src=x onerror=alert(1)><script>window.evil=1</script>\"'`{{7*7}}"
EVIL_STEP: Final = "step\"><script>window.evil=1</script>&'"


def fill_with_hostility(uri: str) -> None:
    """Add an attempt, an incident, its finding, event and check, all of hostile texts."""
    ledger, engine = Ledger.open(uri), make_engine(uri)
    ledger.record(AttemptRecord.model_validate(_attempt()))
    told = _finding()
    with transaction(engine, writes=True) as connection:
        connection.execute(sa.insert(incident).values(_incident(told)))
        connection.execute(sa.insert(finding).values(_row(told)))
        happened = {"incident_id": 666, "at": NOW, "kind": EVIL, "actor": EVIL, "sentence": EVIL}
        connection.execute(sa.insert(incident_event).values(happened))
        looked = {"check_name": EVIL, "looked_at": NOW, "outcome": "unknown", "why": EVIL}
        connection.execute(sa.insert(check_state).values(looked))
    ledger.close()
    engine.dispose()


def _attempt() -> dict[str, Any]:
    return {
        "try_id": "evil",
        "pipeline": EVIL,
        "run_id": EVIL,
        "step": EVIL_STEP,
        "job": EVIL,
        "business_date": NOW.date(),
        "started_at": NOW - dt.timedelta(minutes=5),
        "finished_at": NOW,
        "recorded_at": NOW,
        "verdict": EVIL[:64],
        "sentence": EVIL,
        "hint": EVIL,
        "node": EVIL,
        "size_why": EVIL,
    }


def _finding() -> Finding:
    return Finding(
        check="step-failed",
        layer=Layer.PIPELINE,
        severity=Severity.CRITICAL,
        subject=Subject(SubjectKind.STEP, f"{EVIL}/{EVIL_STEP}"),
        owner=EVIL,
        what=EVIL,
        next_action=EVIL,
        since=NOW,
        affected=(EVIL,),
        pipeline=EVIL,
        run_id=EVIL,
        step=EVIL_STEP,
        links=(Link("run me", "javascript:alert(1)"), Link(EVIL, "data:text/html,<script>")),
        expected=EVIL,
        got=EVIL,
        foretold=True,
    )


def _incident(told: Finding) -> Mapping[str, Any]:
    return {
        "id": 666,
        "uid": "evil",
        "cause": str(told.key),
        "state": "open",
        "severity": "critical",
        "owner": EVIL,
        "title": EVIL,
        "document": told.as_document(),
        "since": NOW,
        "opened_at": NOW,
        "updated_at": NOW,
        "acknowledged_by": EVIL,
    }


def _row(told: Finding) -> Mapping[str, Any]:
    return {
        "key": str(told.key),
        "check_name": told.check,
        "subject": str(told.subject),
        "layer": told.layer.value,
        "severity": told.severity.value,
        "document": told.as_document(),
        "incident_id": 666,
        "since": NOW,
        "first_seen_at": NOW,
        "last_seen_at": NOW,
    }
