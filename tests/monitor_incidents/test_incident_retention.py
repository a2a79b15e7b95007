"""What is known of old incidents goes with the attempts of their days."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from stationmaster.ledger.engine import make_engine, transaction
from stationmaster.ledger.incidentmodels import finding, incident_event, operator_action
from stationmaster.ledger.incidentretention import prune_incidents
from stationmaster.monitor.incidents.desk import Desk
from stationmaster.monitor.incidents.operators import Operator, Role
from stationmaster.monitor.incidents.reading import incidents
from tests.monitor_incidents.looks import look_into
from tests.monitor_incidents.situations import APP, MINUTE, NOW, WEB, found

if TYPE_CHECKING:
    from stationmaster.monitor.incidents.store import IncidentStore


def counts(uri: str) -> list[int]:
    """Return how many findings, events and actions there are."""
    tables = (finding, incident_event, operator_action)
    with transaction(make_engine(uri)) as connection:
        return [
            connection.execute(sa.select(sa.func.count()).select_from(each)).scalar_one()
            for each in tables
        ]


def test_closed_incidents_go_and_open_ones_stay(uri: str, store: IncidentStore) -> None:
    """With findings, events, messages and acts; however old an open one is, it stays."""
    look_into(store, found(WEB), found(APP))
    ann = Operator(name="ann", role=Role.OPERATOR, via="cli")
    Desk(store, ann, lambda: NOW).comment(2, "old")
    look_into(store, found(APP), minute=5)
    assert prune_incidents(store.engine, NOW + 5 * MINUTE) == 0
    assert prune_incidents(store.engine, NOW + 6 * MINUTE) == 1
    (kept,) = incidents(store.engine, closed=True)
    assert kept.finding.subject == APP
    assert counts(uri) == [1, 1, 0]
