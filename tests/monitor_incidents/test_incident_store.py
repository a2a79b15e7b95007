"""Incidents in a database: what a look and what people do is one transaction each."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from stationmaster.monitor.incidents.desk import Desk
from stationmaster.monitor.incidents.events import EventKind
from stationmaster.monitor.incidents.leasing import LeaseLostError, give_back
from stationmaster.monitor.incidents.matching import Matcher
from stationmaster.monitor.incidents.operators import (
    NotAllowedError,
    Operator,
    Role,
    UnknownIncidentError,
)
from stationmaster.monitor.incidents.reading import (
    check_states,
    events_of,
    findings_of,
    incident_of,
    incidents,
    last_actions,
    lease,
    other_findings,
    silences,
)
from stationmaster.monitor.incidents.standing import IncidentState
from stationmaster.step.errors import MisconfiguredError
from tests.monitor_incidents.looks import hold_lease, look_into
from tests.monitor_incidents.situations import (
    DAY,
    LATE,
    MINUTE,
    NOW,
    REPORT,
    WEB,
    a_check,
    found,
)

if TYPE_CHECKING:
    from stationmaster.monitor.incidents.store import IncidentStore

ANN = Operator(name="ann", role=Role.OPERATOR, via="cli")
VIC = Operator(name="vic", role=Role.VIEWER, via="dashboard")


def desk(store: IncidentStore, who: Operator = ANN, minute: float = 1) -> Desk:
    """Return somebody's desk some minutes after `NOW`."""
    return Desk(store, who, lambda: NOW + minute * MINUTE)


def test_an_incident_lives_in_the_database(store: IncidentStore) -> None:
    """What a look opens, the next one finds, and a later one closes."""
    look_into(store, found(WEB), found(REPORT))
    (incident,) = incidents(store.engine)
    assert (incident.cause, incident.state) == (f"late {WEB} {DAY}", IncidentState.OPEN)
    assert {each.key for each in findings_of(store.engine, incident.id)} == {
        f"late {WEB} {DAY}",
        f"late {REPORT} {DAY}",
    }
    assert look_into(store, found(WEB), found(REPORT), minute=1) == []
    look_into(store, minute=2)
    assert incidents(store.engine) == []
    (closed,) = incidents(store.engine, closed=True)
    assert closed.closed_at == NOW + 2 * MINUTE
    assert [each.kind for each in events_of(store.engine, closed.id)] == ["opened", "closed"]


def test_a_look_says_when_each_check_could_look(store: IncidentStore) -> None:
    """A check that could not look is known as such, with the moment when it last could."""
    look_into(store, found(WEB))
    look_into(store, minute=3, unknown=["late"])
    (state,) = check_states(store.engine)
    assert (state.outcome, state.looked_at, state.answered_at) == (
        "unknown",
        NOW + 3 * MINUTE,
        NOW,
    )


def test_only_who_has_the_lease_changes_anything(store: IncidentStore) -> None:
    """A watcher whose lease is over writes nothing, whatever it saw."""
    hold_lease(store, "one")
    assert hold_lease(store, "two") == "one"
    with pytest.raises(LeaseLostError, match="one until"):
        look_into(store, found(WEB), holder="two")
    give_back(store.engine, "one", now=NOW)
    look_into(store, found(WEB), holder="two")
    held = lease(store.engine)
    assert held is not None
    assert (held.holder, held.looked_at) == ("two", NOW)


def test_looks_go_forward_only(store: IncidentStore) -> None:
    """An older look than the last one is refused with what to do."""
    look_into(store, found(WEB), minute=5)
    with pytest.raises(MisconfiguredError, match="Incidents go forward only"):
        look_into(store, minute=1)


def test_people_acknowledge_comment_and_judge(store: IncidentStore) -> None:
    """Each act is an event of the incident, and an action of its actor."""
    look_into(store, found(WEB))
    (incident,) = incidents(store.engine)
    desk(store).acknowledge(incident.id, note="I call them.")
    desk(store, minute=2).comment(incident.id, "They are on it.")
    desk(store, minute=3).judge(incident.id, "real")
    now = incident_of(store.engine, incident.id)
    assert now is not None
    assert (now.state, now.acknowledged_by, now.judged) == ("acknowledged", "ann", "real")
    events = events_of(store.engine, incident.id)
    assert [(each.kind, each.actor) for each in events[1:]] == [
        ("acknowledged", "ann"),
        ("commented", "ann"),
        ("judged", "ann"),
    ]
    assert [each.action for each in last_actions(store.engine)] == [
        "judge",
        "comment",
        "acknowledge",
    ]


def test_a_viewer_only_reads_and_his_try_is_written_down(store: IncidentStore) -> None:
    """What the role does not allow changes nothing, and is known."""
    look_into(store, found(WEB))
    (incident,) = incidents(store.engine)
    with pytest.raises(NotAllowedError, match="the role operator, got vic"):
        desk(store, VIC).close(incident.id)
    assert incidents(store.engine) == [incident]
    (action,) = last_actions(store.engine)
    assert (action.actor, action.action, action.via) == ("vic", "close", "dashboard")
    assert action.document == {"refused": "the role viewer may only read"}


def test_a_silence_holds_for_its_time(store: IncidentStore) -> None:
    """The incident knows it; when it is over, and the trouble is not, that is an event."""
    look_into(store, found(WEB))
    (incident,) = incidents(store.engine)
    ends = NOW + 10 * MINUTE
    number = desk(store).silence(Matcher(subject="source:*"), ends_at=ends, why="known")
    assert incidents(store.engine)[0].silence_id == number
    assert [each.why for each in silences(store.engine, NOW)] == ["known"]
    look_into(store, found(WEB), minute=5)
    look_into(store, found(WEB), minute=11)
    kinds = [each.kind for each in events_of(store.engine, incident.id)]
    assert kinds == ["opened", "silenced", "silence-over"]


def test_a_silence_can_be_ended_and_cannot_be_for_ever(store: IncidentStore) -> None:
    """Ending it tells of what is still there."""
    look_into(store, found(WEB))
    number = desk(store).silence(Matcher(check="late"), ends_at=NOW + 60 * MINUTE, why="")
    desk(store, minute=2).unsilence(number)
    assert incidents(store.engine)[0].silence_id is None
    with pytest.raises(UnknownIncidentError, match="silence 99"):
        desk(store).unsilence(99)
    with pytest.raises(MisconfiguredError, match="at most 30 days"):
        desk(store).silence(Matcher(check="late"), ends_at=NOW + dt.timedelta(days=31), why="")


def test_what_people_close_stays_closed_while_it_is_still_found(store: IncidentStore) -> None:
    """It opens again only after it was gone and came back."""
    look_into(store, found(WEB))
    (incident,) = incidents(store.engine)
    desk(store).close(incident.id, why="Not ours.")
    assert look_into(store, found(WEB), minute=50) == []
    assert incidents(store.engine) == []
    look_into(store, minute=51)
    (event,) = look_into(store, found(WEB), minute=90)
    assert event.kind is EventKind.OPENED
    with pytest.raises(MisconfiguredError, match="an open incident"):
        desk(store).close(incident.id)


def test_a_finding_that_holds_is_kept_between_looks(store: IncidentStore) -> None:
    """How long it has stood is known to the next watcher too."""
    slow = a_check("late", hold=5)
    look_into(store, found(WEB, slow), checks=[slow])
    assert [each.key for each in other_findings(store.engine)] == [f"late {WEB} {DAY}"]
    (event,) = look_into(store, found(WEB, slow), minute=5, checks=[slow])
    assert (event.kind, event.incident_id) == (EventKind.OPENED, 1)


def test_an_incident_can_be_told_from_others_before_it_has_a_number(store: IncidentStore) -> None:
    """The same finding, first seen at the same moment, makes the same name."""
    look_into(store, found(WEB))
    (one,) = incidents(store.engine)
    look_into(store, minute=1)
    look_into(store, found(WEB), minute=40)
    (other,) = incidents(store.engine)
    assert one.uid != other.uid
    assert LATE.name in other.cause
