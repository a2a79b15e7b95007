"""Object stores, or the folders that stand for them: away, or refusing."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.check import check
from stationmaster.monitor.checks.finding import Finding, Layer, Severity, Subject, SubjectKind
from stationmaster.monitor.checks.infrastructure.underneath import causes_of_server
from stationmaster.monitor.checks.infrastructure.wording import OWNER, ago, said
from stationmaster.monitor.checks.saying import listed
from stationmaster.monitor.facts.trouble import TroubleKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.monitor.checks.check import Check
    from stationmaster.monitor.facts.facts import Facts
    from stationmaster.monitor.facts.stores import ObjectStoreState
    from stationmaster.monitor.facts.trouble import Trouble

__all__ = ["object_store_refused", "object_store_unreachable"]

REFUSALS: Final = frozenset(
    {
        *(TroubleKind.LOGIN, TroubleKind.FORBIDDEN, TroubleKind.MISSING),
        *(TroubleKind.FULL, TroubleKind.READ_ONLY),
    }
)
REMEDIES: Final = {
    TroubleKind.NAME: "Look at STATIONMASTER_S3_ENDPOINT, and whether DNS answers.",
    TroubleKind.ROUTE: "Look whether the store runs, and what network policies let through.",
    TroubleKind.CLOSED: "Start the store, or see why it does not stay up: read its log.",
    TroubleKind.TLS: "Look at its certificate, and at the authorities that we trust.",
    TroubleKind.SILENT: "It takes connections and says nothing: read its log, then restart it.",
    TroubleKind.BUSY: "It asks us to slow down: look who asks so much, and wait.",
    TroubleKind.LOGIN: "Give valid keys: look at the secret with AWS_ACCESS_KEY_ID or the role of "
    "the service account, and at this machine's clock.",
    TroubleKind.FORBIDDEN: "Let this identity in: compare the bucket's policy and the role's with "
    "docs/chart.md.",
    TroubleKind.MISSING: "Make the bucket, or correct its name in the settings.",
    TroubleKind.READ_ONLY: "It can be read and takes nothing: look whether it is full, and whether "
    "all of its parts run; then make room (the DAG maintain_datasets), or enlarge it.",
    TroubleKind.FULL: "Make room: expire old snapshots (the DAG maintain_datasets), or enlarge it.",
}


@check(
    "object-store-unreachable",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.CRITICAL,
    owner=OWNER,
    hold=dt.timedelta(seconds=90),
    clear_after=dt.timedelta(minutes=2),
)
def object_store_unreachable(facts: Facts) -> Iterator[Finding]:
    """An object store does not answer."""
    first: dict[str, Subject] = {}
    for state in facts.stores.object_stores():
        if state.trouble is not None and state.trouble.kind not in REFUSALS:
            mine = Subject(SubjectKind.OBJECT_STORE, state.name)
            network = Subject(SubjectKind.NETWORK, state.server)
            why = (network,) if state.trouble.kind.is_network and state.server else ()
            # One server that is away is one incident, however many buckets are on it.
            if state.server and first.setdefault(state.server, mine) != mine:
                why = (*why, first[state.server])
            why = (*why, *(causes_of_server(facts, state.server) if state.server else ()))
            what = f"{_named(state)} has not answered {ago(state.trouble.since, facts.now)}"
            yield _finding(object_store_unreachable, state, state.trouble, what, why)


@check(
    "object-store-refused",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.CRITICAL,
    owner=OWNER,
    hold=dt.timedelta(minutes=1),
    clear_after=dt.timedelta(minutes=2),
)
def object_store_refused(facts: Facts) -> Iterator[Finding]:
    """An object store answers, and does not let us read or write."""
    for state in facts.stores.object_stores():
        if state.trouble is not None and state.trouble.kind in REFUSALS:
            what = f"{_named(state)} has refused us {ago(state.trouble.since, facts.now)}"
            yield _finding(object_store_refused, state, state.trouble, what, ())


def _finding(
    own: Check, state: ObjectStoreState, trouble: Trouble, what: str, why: tuple[Subject, ...]
) -> Finding:
    return own.finding(
        Subject(SubjectKind.OBJECT_STORE, state.name),
        what=f"{what} {said(trouble)}.",
        next_action=REMEDIES.get(trouble.kind, REMEDIES[TroubleKind.CLOSED]),
        since=trouble.since,
        got=trouble.sentence,
        caused_by=why,
        evidence={"kind": trouble.kind.value, "during": trouble.during, "server": state.server},
    )


def _named(state: ObjectStoreState) -> str:
    what = "The bucket" if state.server else "The folder"
    return f"{what} {state.name} ({listed(state.uses)})"
