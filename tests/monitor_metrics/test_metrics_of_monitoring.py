"""Incidents, checks and the outbox as Prometheus sees them."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from stationmaster.ledger.incidentmodels import (
    check_state,
    finding,
    incident,
    notification,
    watch_lease,
)
from stationmaster.monitor.metrics.collecting import LedgerCollector
from stationmaster.monitor.metrics.settings import MetricsSettings
from stationmaster.step.protocol import OutputRef
from tests.ledger.attempts import NOON, record, result
from tests.monitor_metrics.scraping import read, scrape

if TYPE_CHECKING:
    from stationmaster.ledger.store import Ledger

MINUTE = dt.timedelta(minutes=1)


def put(engine: sa.Engine, table: sa.Table, **values: Any) -> None:  # noqa: ANN401 (any column)
    """Write one row."""
    with engine.begin() as connection:
        connection.execute(sa.insert(table).values(**values))


def opened(engine: sa.Engine, minutes: int, **values: Any) -> None:  # noqa: ANN401 (any column)
    """Open an incident so many minutes after its trouble began."""
    told = {
        "uid": uuid.uuid4().hex,
        "state": "open",
        "severity": "critical",
        "owner": "platform",
        "title": "No scheduler",
        "document": {"layer": "infrastructure"},
        "since": NOON,
        "opened_at": NOON + minutes * MINUTE,
        "updated_at": NOON,
    }
    put(engine, incident, **{**told, **values})


def test_open_incidents_are_told_by_who_must_look(engine: sa.Engine) -> None:
    """A closed one is only in the sum of all."""
    opened(engine, 1)
    opened(engine, 90, closed_at=NOON, state="closed", judged="real")

    told = scrape(engine, NOON)

    labels = {"layer": "infrastructure", "owner": "platform", "state": "open"}
    assert told.value("open_incidents", severity="critical", **labels) == 1
    assert told.value("incidents_total", severity="critical") == 2
    assert told.value("incidents_judged_total", judged="real") == 1


def test_the_time_to_notice_is_a_histogram(engine: sa.Engine) -> None:
    """One noticed within two minutes, one after an hour and a half: median and worst are there."""
    opened(engine, 2)
    opened(engine, 90)

    told = scrape(engine, NOON)

    assert told.value("incident_notice_seconds_bucket", le="60.0") == 0
    assert told.value("incident_notice_seconds_bucket", le="120.0") == 1
    assert told.value("incident_notice_seconds_bucket", le="+Inf") == 2
    assert abs((told.value("incident_notice_seconds_sum") or 0) - 92 * 60) < 1


def test_a_check_that_cannot_look_is_told(engine: sa.Engine) -> None:
    """Its outcome, when it looked last, and when it last could."""
    times = {"looked_at": NOON, "answered_at": NOON - 10 * MINUTE}
    put(engine, check_state, check_name="run-late", outcome="unknown", **times)
    put(engine, watch_lease, name="watcher", holder="one", until=NOON, looked_at=NOON)

    told = scrape(engine, NOON)

    assert told.value("check_outcome", check="run-late", outcome="unknown") == 1
    answered = told.value("check_answered_timestamp_seconds", check="run-late")
    assert answered == (NOON - 10 * MINUTE).timestamp()
    assert told.value("watcher_looked_timestamp_seconds") == NOON.timestamp()


def test_the_outbox_tells_what_waits_and_since_when(engine: sa.Engine) -> None:
    """A channel that is down shows: what waits gets older."""
    common = {"incident_id": 1, "document": {}, "made_at": NOON, "due_at": NOON, "channel": "mail"}
    put(engine, notification, event_id=1, state="waiting", **common)
    put(engine, notification, event_id=2, state="sent", sent_at=NOON, **common)
    put(engine, notification, event_id=3, state="given-up", **common)

    told = scrape(engine, NOON)

    assert told.value("notifications_waiting", channel="mail") == 1
    due = told.value("notification_oldest_due_timestamp_seconds", channel="mail")
    assert due == NOON.timestamp()
    assert told.value("notifications_total", channel="mail", end="given-up") == 1


def test_what_checks_find_now_is_counted(engine: sa.Engine) -> None:
    """Gone findings are not."""
    common = {"check_name": "run-late", "subject": "pipeline:a", "layer": "pipeline"}
    times = {"since": NOON, "first_seen_at": NOON, "last_seen_at": NOON, "document": {}}
    put(engine, finding, key="a", severity="warning", **common, **times)
    put(engine, finding, key="b", severity="warning", gone_at=NOON, **common, **times)

    told = scrape(engine, NOON)

    labels = {"check": "run-late", "layer": "pipeline", "severity": "warning"}
    assert told.value("findings", **labels) == 1


def test_a_dataset_s_newest_business_date_is_told(ledger: Ledger, engine: sa.Engine) -> None:
    """A catch-up run of an old day publishes later, and makes nothing newer."""
    for number, day in enumerate((21, 3)):
        output = OutputRef(dataset="web_orders", business_date=dt.date(2011, 11, day), rows=7)
        said = result().model_copy(update={"outputs": (output,)})
        one = record(verdict="succeeded", finished_at=NOON + number * MINUTE, result=said)
        ledger.record(one.model_copy(update={"attempt": number + 1}))

    told = scrape(engine, NOON)

    wanted = dt.datetime(2011, 11, 21, tzinfo=dt.UTC).timestamp()
    assert told.value("dataset_business_date_timestamp_seconds", dataset="web_orders") == wanted
    assert told.value("dataset_rows", dataset="web_orders") == 7


def test_what_the_business_earns_is_told_only_where_that_is_wanted(
    ledger: Ledger, engine: sa.Engine
) -> None:
    """Metrics have no login: a figure is one switch away, and never there by itself."""
    said = result().model_copy(update={"figures": {"report/revenue": 12.5}})
    ledger.record(record(verdict="succeeded", finished_at=NOON, result=said))

    plain = scrape(engine, NOON)
    wanted = read(LedgerCollector(engine, lambda: NOON, MetricsSettings(figures=True)))

    assert plain.value("figure", figure="report/revenue") is None
    assert wanted.value("figure", figure="report/revenue") == 12.5
