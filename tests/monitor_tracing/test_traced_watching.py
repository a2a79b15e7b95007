"""What the watcher does, as one trace; and from an alert to the trace of the run it is about."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from stationmaster.ledger.store import Ledger
from stationmaster.monitor.alerts.channels import FileChannel
from stationmaster.monitor.alerts.outbox import Outbox
from stationmaster.monitor.alerts.plan import AlertPlan
from stationmaster.monitor.alerts.routing import Alerting
from stationmaster.monitor.alerts.sending import Sender
from stationmaster.monitor.checks.check import check
from stationmaster.monitor.checks.finding import Finding, Layer, Severity, Subject, SubjectKind
from stationmaster.monitor.facts.facts import Facts
from stationmaster.monitor.incidents.store import IncidentStore
from stationmaster.monitor.tracing.channels import traced_channels
from stationmaster.monitor.tracing.settings import TracingSettings
from stationmaster.monitor.tracing.spans import span, tracing
from stationmaster.monitor.watching.watcher import Watcher
from tests.launcher.otlp_receiver import OtlpReceiver, attributes_of
from tests.ledger.attempts import NOON, record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ALERTING = {"channels": {"here": {"kind": "file", "path": "told.jsonl"}}, "otherwise": ["here"]}


@check("step-lost", layer=Layer.PIPELINE, severity=Severity.CRITICAL, owner="data")
def step_lost(facts: Facts) -> Iterator[Finding]:
    """A step of a run is lost."""
    yield step_lost.finding(
        Subject(SubjectKind.STEP, "morning_analytics/extract_web"),
        what="extract_web failed.",
        next_action="Read its log.",
        since=facts.now,
        pipeline="morning_analytics",
        run_id="scheduled__2011-11-22",
    )


def watch_once(folder: Path, receiver: OtlpReceiver) -> None:
    """Let a watcher look once at a ledger with one failed attempt, and send what follows."""
    uri = f"sqlite:///{folder}/ledger.db"
    ledger = Ledger.open(uri)
    ledger.migrate()
    failed = record(verdict="step_failed", finished_at=NOON)
    ledger.record(failed.model_copy(update={"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}))
    plan = AlertPlan(Alerting.model_validate(ALERTING), ZoneInfo("Europe/London"))
    store = IncidentStore.open(uri, plan)
    now = NOON + dt.timedelta(minutes=1)
    with tracing("watcher", TracingSettings(exporter_otlp_endpoint=receiver.url)):
        files = {"here": FileChannel(folder / "told.jsonl")}
        channels = traced_channels(files, lambda: store.engine)
        sender = Sender(lambda: Outbox(store.engine), plan, channels)
        watcher = Watcher(store, sender, lambda at: Facts(now=at), [step_lost])
        with span("stationmaster.look"):
            watcher.look(now)
    store.engine.dispose()
    ledger.close()


def test_an_alert_is_linked_to_the_trace_of_its_run(tmp_path: Path) -> None:
    """Look, check and message are one trace; the message names the run's own."""
    with OtlpReceiver() as receiver:
        watch_once(tmp_path, receiver)

    by_name = {each.name: each for each in receiver.spans}
    look, looked, sent = (by_name[f"stationmaster.{name}"] for name in ("look", "check", "send"))
    assert looked.parent_span_id == sent.parent_span_id == look.span_id
    assert attributes_of(looked)["stationmaster.outcome"] == "found"
    assert attributes_of(sent)["stationmaster.channel"] == "here"
    assert [each.trace_id.hex() for each in sent.links] == [TRACE]
    assert "extract_web failed" in (tmp_path / "told.jsonl").read_text()
