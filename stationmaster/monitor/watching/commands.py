"""The command `stationmaster watch`: look, again and again, and tell who must know."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import logging
import os
import re
import signal
import socket
import threading
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from stationmaster.monitor.alerts.opening import opened_store
from stationmaster.monitor.alerts.outbox import Outbox
from stationmaster.monitor.alerts.sending import Sender
from stationmaster.monitor.checks.every import all_checks
from stationmaster.monitor.checks.looking import Outcome
from stationmaster.monitor.facts.gathering import Gathering
from stationmaster.monitor.monitoringreading import KeptMonitoring
from stationmaster.monitor.tracing.spans import span, tracing
from stationmaster.monitor.watching.away import Away
from stationmaster.monitor.watching.pulse import Pulse
from stationmaster.monitor.watching.rereading import LiveAlerting
from stationmaster.monitor.watching.watcher import Watcher
from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.monitor.facts.facts import Facts
    from stationmaster.monitor.incidents.store import IncidentStore
    from stationmaster.monitor.watching.watcher import Watched

__all__ = ["watch"]

SPOOL: Final = "watch-spool.json"
UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600}
SHORTEST: Final = 5
LONGEST: Final = 86400

log = logging.getLogger(__name__)


def watch(
    *,
    once: Annotated[bool, typer.Option("--once", help="Look once, send what is due, end.")] = False,
    every: Annotated[str, typer.Option(help="How often to look: 60s, 5m.")] = "60s",
    at: Annotated[
        str | None, typer.Option(help="Look as of this moment, with its zone, once: a replay.")
    ] = None,
    metrics_port: Annotated[
        int,
        typer.Option(
            min=0, max=65535, envvar="STATIONMASTER_METRICS_PORT", help="For Prometheus; 0: none."
        ),
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON line a look.")] = False,
) -> None:
    """Look at everything, open and close incidents, and send alerts."""
    seconds = _seconds(every)
    moment = None if at is None else _moment(at)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    for noisy in ("alembic", "httpx", "httpcore", "apprise", "kubernetes"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    settings = Settings()
    with (
        tracing("stationmaster-watcher"),
        opened_store(settings) as store,
        _watcher(settings, store, seconds) as watcher,
    ):
        try:
            if once or moment is not None:
                _tell(_turn(watcher, moment), as_json=as_json)
                return
            pulse = Pulse(seconds)
            with _metrics(store, metrics_port, pulse):
                _watch_on(watcher, seconds, pulse, as_json=as_json)
        finally:
            watcher.give_back(_now())


def _watch_on(watcher: Watcher, seconds: float, pulse: Pulse, *, as_json: bool) -> None:
    """Look until somebody asks to stop; what is being done is finished."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    log.info("Watching, every %g s.", seconds)
    waited = ""
    while not stop.is_set():
        begun = _now()
        try:
            turn = _turn(watcher, None)
        except MisconfiguredError:
            raise
        except Exception:
            # Whatever it is: a watcher that ends tells nobody anything.
            log.exception("This look failed; the next one comes")
        else:
            other = turn.holder if turn.look is None else ""
            if turn.look is not None or other != waited:
                _tell(turn, as_json=as_json)
            waited = other
        pulse.beat()
        stop.wait(max(0.0, seconds - (_now() - begun).total_seconds()))
    log.info("Stopped; another watcher may look at once.")


@contextlib.contextmanager
def _watcher(settings: Settings, store: IncidentStore, seconds: float) -> Iterator[Watcher]:
    kept = KeptMonitoring(settings)
    live = LiveAlerting(settings, kept, lambda: store.engine)
    plan, channels = live.plan, live.channels
    store.plan = plan
    with Gathering(settings, expectations=kept) as gathering:

        def gather(now: dt.datetime) -> Facts:
            live.refresh()
            return gathering.facts(now)

        yield Watcher(
            store,
            Sender(lambda: Outbox(store.engine), plan, channels),
            gather,
            all_checks(settings),
            away=Away(settings.home.absolute() / SPOOL, plan, channels),
            holder=f"{socket.gethostname()}/{os.getpid()}",
            lease=dt.timedelta(seconds=max(3 * seconds, 180)),
            about={"host": socket.gethostname(), "process": os.getpid(), "every_seconds": seconds},
            look_seconds=max(20.0, min(seconds * 0.7, 120.0)),
        )


@contextlib.contextmanager
def _metrics(store: IncidentStore, port: int, pulse: Pulse) -> Iterator[None]:
    if port == 0:
        yield
        return
    from stationmaster.monitor.metrics.serving import serve_metrics  # noqa: PLC0415 (only where asked)

    server = serve_metrics(store.engine, port, trouble=pulse.trouble)
    try:
        yield
    finally:
        server.close()


def _turn(watcher: Watcher, at: dt.datetime | None) -> Watched:
    now = _now()
    with span("stationmaster.look") as made:
        turn = watcher.look(at or now, wall=now)
        if turn.look is not None:
            made.set(checks=len(turn.look.checks), findings=len(turn.look.findings))
        made.set(incident_events=len(turn.events), messages_sent=turn.sent.sent)
        if turn.away:
            made.fail("the database is away")
    return turn


def _tell(turn: Watched, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_document(turn)))
        return
    if turn.look is None:
        log.info("%s", f"{turn.holder} looks." if turn.holder else f"Nobody looks: {turn.away}")
        return
    for event in turn.events:
        log.info("Incident %s %s: %s", event.incident_id, event.kind, event.sentence)
    log.info("%s", _summary(turn))


def _summary(turn: Watched) -> str:
    look = turn.look
    if look is None:
        return "Nobody looked."
    count = {each: sum(one.outcome is each for one in look.checks) for each in Outcome}
    unknown = [each.check.name for each in look.checks if each.outcome is Outcome.UNKNOWN]
    words = [
        f"Looked: {len(look.checks)} checks",
        f"{len(look.findings)} found",
        f"{count[Outcome.NOT_HERE]} not here",
        f"{len(unknown)} could not look" + (f" ({', '.join(unknown)})" if unknown else ""),
        f"{turn.sent.sent} sent",
    ]
    if turn.sent.failed:
        words.append(f"{turn.sent.failed} not taken")
    if turn.away:
        words.append(f"the ledger is away: {turn.away}")
    return ", ".join(words) + "."


def _document(turn: Watched) -> dict[str, Any]:
    looks = () if turn.look is None else turn.look.checks
    return {
        "at": None if turn.look is None else turn.look.at.isoformat(),
        "holder": turn.holder,
        "away": turn.away,
        "checks": {each.check.name: each.outcome.value for each in looks},
        "findings": [one.as_document() for each in looks for one in each.findings],
        "events": [
            {"incident": each.incident_id, "kind": each.kind.value, "sentence": each.sentence}
            for each in turn.events
        ],
        "sent": turn.sent.sent,
        "not_taken": turn.sent.failed,
    }


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+)([smh]?)", text.strip())
    seconds = int(found[1]) * UNITS[found[2]] if found else 0
    if not SHORTEST <= seconds <= LONGEST:
        raise MisconfiguredError(
            where="--every",
            expected="a time from 5 s to a day, such as 60s or 5m",
            got=text,
            hint="Write it as a number and s, m or h.",
        )
    return float(seconds)


def _moment(text: str) -> dt.datetime:
    try:
        found: dt.datetime | None = dt.datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise MisconfiguredError(
            where="--at",
            expected="a moment with its zone, such as 2011-11-22T06:40:00+00:00",
            got=text,
            hint="Write it so.",
        )
    return found.astimezone(dt.UTC)
