"""Metrics as they are served: to Prometheus, to a probe, and while the ledger is away."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from stationmaster.ledger.engine import make_engine
from stationmaster.monitor.metrics.collecting import MOST_SERIES, LedgerCollector
from stationmaster.monitor.metrics.families import FAMILIES, Family, Kind, Sample
from stationmaster.monitor.metrics.serving import metrics_text, serve_metrics
from stationmaster.monitor.watching.pulse import Pulse
from stationmaster.step.errors import MisconfiguredError
from tests.monitor_metrics.scraping import Scraped, read

if TYPE_CHECKING:
    import sqlalchemy as sa

ROOT = Path(__file__).parents[2]


def test_prometheus_gets_its_text_and_a_probe_its_answer(engine: sa.Engine) -> None:
    """Both from one port; nothing else is there."""
    server = serve_metrics(engine, 0, "127.0.0.1")
    here = f"http://127.0.0.1:{server.port}"
    try:
        metrics = httpx.get(f"{here}/metrics")
        assert Scraped(metrics.text).ledger_up == 1
        assert metrics.headers["content-type"].startswith("text/plain; version=")
        assert httpx.get(f"{here}/healthz").status_code == 200
        assert httpx.get(f"{here}/secrets").status_code == 404
    finally:
        server.close()


def test_a_process_that_hangs_says_so_to_its_probe(engine: sa.Engine) -> None:
    """Kubernetes starts a watcher anew that has not come round; a slow look is none."""
    now = [0.0]
    pulse = Pulse(60, clock=lambda: now[0])
    server = serve_metrics(engine, 0, "127.0.0.1", trouble=pulse.trouble)
    try:
        now[0] = 599.0
        assert httpx.get(f"http://127.0.0.1:{server.port}/healthz").status_code == 200
        now[0] = 700.0
        answer = httpx.get(f"http://127.0.0.1:{server.port}/healthz")
        assert (answer.status_code, "for 700 s" in answer.text) == (503, True)
        pulse.beat()
        assert httpx.get(f"http://127.0.0.1:{server.port}/healthz").status_code == 200
    finally:
        server.close()


def test_a_ledger_that_is_away_is_said_to_be() -> None:
    """The scrape itself goes well: what is down is the ledger, not the metrics."""
    engine = make_engine("postgresql://nobody@127.0.0.1:1/none")

    told = Scraped(metrics_text(engine))

    assert told.value("ledger_up", database="127.0.0.1:1") == 0


def test_a_port_that_is_taken_is_a_sentence(engine: sa.Engine) -> None:
    """Whoever starts it knows what to do."""
    server = serve_metrics(engine, 0, "127.0.0.1")
    try:
        with pytest.raises(MisconfiguredError, match="a free port"):
            serve_metrics(engine, server.port, "127.0.0.1")
    finally:
        server.close()


def test_one_metric_has_a_limit_and_says_what_it_left_out(engine: sa.Engine) -> None:
    """Ten thousand steps do not fill Prometheus' disk unseen."""
    name = "stationmaster_attempts_total"
    many = [Sample(name, ("p", f"s{n:05}", "v"), n) for n in range(MOST_SERIES + 3)]

    kept = LedgerCollector(engine)._bounded(many)  # noqa: SLF001 (a whole ledger of it takes long)

    assert len(kept) == MOST_SERIES + 1
    assert kept[-1] == Sample("stationmaster_metrics_left_out", (name,), 3)


def test_a_scrape_waits_for_no_question_that_was_just_answered(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets what was read last, and has it read anew for the next one."""
    monkeypatch.setattr("stationmaster.monitor.metrics.collecting.KEPT_SECONDS", 0.0)
    asked: list[dt.datetime] = []

    def clock() -> dt.datetime:
        asked.append(dt.datetime.now(dt.UTC))
        return asked[-1]

    collector = LedgerCollector(engine, clock)
    read(collector)
    first = len(asked)
    read(collector)  # tells what it has, and begins to read
    until = time.monotonic() + 20
    while len(asked) == first:
        assert time.monotonic() < until, "nothing was read anew"
        time.sleep(0.02)
    assert first == 1


def test_a_reading_that_hangs_holds_no_scrape(engine: sa.Engine) -> None:
    """While the database does not answer, Prometheus hears what was read before."""
    collector = LedgerCollector(engine)
    before = read(collector).ledger_up
    with collector._lock:  # noqa: SLF001 (whoever reads holds it)
        assert read(collector).ledger_up == before == 1


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_names_are_as_prometheus_wants_them(family: Family) -> None:
    """Counters end with _total, nothing else does, and labels are plain words."""
    assert family.name.startswith("stationmaster_")
    assert family.name.endswith("_total") is (family.kind is Kind.COUNTER)
    assert family.help.endswith(".")
    assert all(label.islower() and label.isidentifier() for label in family.labels)


def test_the_page_of_metrics_has_each_of_them() -> None:
    """Name, kind, labels and meaning, as they are told."""
    page = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    lines = [
        f"| `{family.name}` | {family.kind} | "
        f"{', '.join(f'`{label}`' for label in family.labels)} | {family.help} |"
        for family in FAMILIES
    ]

    assert [line for line in lines if line not in page.splitlines()] == []
