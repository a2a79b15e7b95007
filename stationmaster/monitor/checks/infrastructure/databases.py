"""Databases: away, slow, held by an open transaction, nearly out of connections."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.check import check
from stationmaster.monitor.checks.finding import Finding, Layer, Severity, Subject, SubjectKind
from stationmaster.monitor.checks.infrastructure.underneath import causes_of_server
from stationmaster.monitor.checks.infrastructure.wording import OWNER, ago, if_known, said
from stationmaster.monitor.checks.saying import listed
from stationmaster.monitor.facts.trouble import TroubleKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.monitor.facts.facts import Facts
    from stationmaster.monitor.facts.stores import DatabaseState, LongTransaction
    from stationmaster.monitor.facts.trouble import Trouble

__all__ = [
    "database_connections_running_out",
    "database_slow",
    "database_transaction_open",
    "database_unreachable",
]

SLOW_SECONDS: Final = 0.25
"""The best of three tiny questions: 1 ms in one zone, 3 ms across two; more is the database's."""

MANY: Final = 0.85
NEARLY_ALL: Final = 0.95
IDLE_OPEN: Final = dt.timedelta(minutes=30)
BUSY_OPEN: Final = dt.timedelta(hours=6)

REMEDIES: Final = {
    TroubleKind.NAME: "Look whether its service still exists, and whether DNS answers.",
    TroubleKind.ROUTE: "Look whether its pod or instance runs, and what network policies and "
    "security groups let through.",
    TroubleKind.CLOSED: "Start it, or see why it does not stay up: read its log.",
    TroubleKind.TLS: "Look at its certificate, and at sslmode in the URI.",
    TroubleKind.SILENT: "It takes connections and says nothing: look at its disk and processor, "
    "then restart it.",
    TroubleKind.LOGIN: "Correct user or password in the secret that holds the URI.",
    TroubleKind.MISSING: "Make the database, or correct its name in the URI.",
    TroubleKind.FORBIDDEN: "Give this user the right to read and write it.",
    TroubleKind.BUSY: "It starts, stops or recovers: wait, and read its log if it lasts.",
}


@check(
    "database-unreachable",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.CRITICAL,
    owner=OWNER,
    hold=dt.timedelta(seconds=90),
    clear_after=dt.timedelta(minutes=2),
)
def database_unreachable(facts: Facts) -> Iterator[Finding]:
    """A database does not let us in, or does not answer."""
    states = facts.stores.databases()
    for state in states:
        trouble = state.trouble
        if trouble is not None and trouble.kind is not TroubleKind.FULL:
            yield _unreachable(facts, state, trouble)
    told = any("airflow" in state.names for state in states)
    if not told and _airflow_is_cut_off(facts):
        yield database_unreachable.finding(
            Subject(SubjectKind.DATABASE, "airflow"),
            what="Airflow says that it cannot reach its own database.",
            next_action=f"Read the api-server's log, then look at the database. "
            f"{REMEDIES[TroubleKind.CLOSED]}",
            since=facts.now,
        )


@check(
    "database-slow",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.WARNING,
    owner=OWNER,
    hold=dt.timedelta(minutes=5),
    clear_after=dt.timedelta(minutes=10),
)
def database_slow(facts: Facts) -> Iterator[Finding]:
    """A database takes long for the smallest question."""
    for state in facts.stores.databases():
        seconds = state.round_trip_seconds
        if seconds is not None and seconds > SLOW_SECONDS:
            yield database_slow.finding(
                _subject(state),
                what=f"{_named(state)} takes {seconds * 1000:.0f} ms for the smallest question; "
                f"{SLOW_SECONDS * 1000:.0f} ms is slow already.",
                next_action="Look at its processor, its disk's queue and who is busy: `SELECT pid, "
                "state, wait_event, query FROM pg_stat_activity WHERE state <> 'idle'`.",
                since=facts.now,
                expected=f"below {SLOW_SECONDS * 1000:.0f} ms",
                got=f"{seconds * 1000:.0f} ms",
                evidence={"round_trip_seconds": round(seconds, 4)},
            )


@check(
    "database-transaction-open",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.WARNING,
    owner=OWNER,
    hold=dt.timedelta(minutes=2),
)
def database_transaction_open(facts: Facts) -> Iterator[Finding]:
    """A transaction has been open for so long that rows behind it cannot be cleared away."""
    for state in facts.stores.databases():
        longest = state.longest
        if longest is not None and facts.now - longest.began_at >= _bound(longest):
            who = longest.application or longest.user or "somebody"
            yield database_transaction_open.finding(
                _subject(state),
                what=f"{who} has had a transaction open in {_named(state)} "
                f"{ago(longest.began_at, facts.now)} ({longest.state}): nothing that was deleted "
                "since can be cleared away, and others may wait for its locks.",
                next_action=f"Ask whose it is; end it with `SELECT pg_terminate_backend("
                f"{longest.pid})`.",
                since=longest.began_at,
                evidence={"pid": longest.pid, "user": longest.user},
            )


@check(
    "database-connections-running-out",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.WARNING,
    owner=OWNER,
    hold=dt.timedelta(minutes=2),
    clear_after=dt.timedelta(minutes=5),
)
def database_connections_running_out(facts: Facts) -> Iterator[Finding]:
    """A database has few connections left, or none."""
    for state in facts.stores.databases():
        used, most = state.connections, state.most_connections
        full = state.trouble is not None and state.trouble.kind is TroubleKind.FULL
        if not full and not (used and most and used >= MANY * most):
            continue
        none_left = full or bool(used and most and used >= NEARLY_ALL * most)
        count = "all of its connections" if full else f"{used} of its {most} connections"
        yield database_connections_running_out.finding(
            _subject(state),
            severity=Severity.CRITICAL if none_left else Severity.WARNING,
            what=f"{_named(state)} has {count} in use; without one, steps are neither started "
            "nor recorded.",
            next_action="See who holds them (`SELECT application_name, state, count(*) FROM "
            "pg_stat_activity GROUP BY 1, 2 ORDER BY 3 DESC`); raise max_connections or put "
            "PgBouncer in front.",
            since=state.trouble.since if full and state.trouble else facts.now,
            expected=f"below {MANY:.0%}",
            evidence={"used": used, "most": most},
        )


def _unreachable(facts: Facts, state: DatabaseState, trouble: Trouble) -> Finding:
    network = Subject(SubjectKind.NETWORK, state.server)
    way = (network,) if trouble.kind.is_network else ()
    return database_unreachable.finding(
        _subject(state),
        what=f"{_named(state)} has not answered {ago(trouble.since, facts.now)} {said(trouble)}.",
        next_action=REMEDIES.get(trouble.kind, REMEDIES[TroubleKind.CLOSED]),
        since=trouble.since,
        got=trouble.sentence,
        caused_by=(*way, *causes_of_server(facts, state.server)),
        evidence={"kind": trouble.kind.value},
    )


def _subject(state: DatabaseState) -> Subject:
    return Subject(SubjectKind.DATABASE, state.server)


def _named(state: DatabaseState) -> str:
    return f"The database {state.server} ({listed(state.names)})"


def _airflow_is_cut_off(facts: Facts) -> bool:
    parts = if_known(facts, lambda f: f.airflow.parts()) or ()
    return any(part.name == "metadatabase" and part.healthy is False for part in parts)


def _bound(transaction: LongTransaction) -> dt.timedelta:
    return IDLE_OPEN if transaction.state.startswith("idle") else BUSY_OPEN
