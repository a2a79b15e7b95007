"""Who is told, and when: routes, quiet hours, silences, escalation, reminders."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from pydantic import ValidationError

from stationmaster.monitor.alerts.hours import is_quiet, next_at_work
from stationmaster.monitor.alerts.routing import Alerting, QuietHours
from stationmaster.monitor.checks.finding import Severity
from stationmaster.monitor.incidents.matching import Matcher
from tests.monitor_alerts.offices import LONDON, Office, at
from tests.monitor_incidents.situations import APP, ELSEWHERE, REPORT, WEB, found

NIGHT: dict[str, Any] = {"from": "19:00", "until": "07:30"}
QUIET = {"teams": {"analytics": {"to": ["chat"], "quiet": NIGHT}}}
"""06:40 on a Tuesday, where tests begin, is before work."""

CRITICAL = Severity.CRITICAL
ESCALATING = {
    "routes": [{"to": ["chat"], "escalate": [{"after_minutes": 15, "to": ["call"]}]}],
}


def test_a_warning_at_night_waits_for_the_morning_and_comes_as_one_message(uri: str) -> None:
    """Everything that waited for the team comes at once, when the team comes."""
    office = Office(uri, dict(QUIET))
    office.look(found(WEB), found(ELSEWHERE))
    assert office.send(0).sent == 0
    office.send(49)
    assert office.chat.batches == []
    office.send(50)
    (batch,) = office.chat.batches
    assert len(batch.messages) == 2


def test_what_is_critical_passes_the_night(uri: str) -> None:
    """Somebody must look now."""
    office = Office(uri, dict(QUIET))
    office.look(found(WEB, severity=CRITICAL))
    office.send(0)
    assert office.chat.kinds == ["opened"]


def test_what_began_and_ended_at_night_is_no_news_in_the_morning(uri: str) -> None:
    """Nobody was told, and there is nothing to do."""
    office = Office(uri, dict(QUIET))
    office.look(found(WEB))
    office.look(minute=10)
    office.send(50)
    assert office.chat.batches == []
    assert office.states() == [("chat", "not-needed")] * 2


def test_what_gets_critical_at_night_is_told_at_once_and_not_again(uri: str) -> None:
    """The message that waited is needless: the channel knows more already."""
    office = Office(uri, dict(QUIET))
    office.look(found(WEB))
    office.look(found(WEB, severity=CRITICAL), minute=5)
    office.send(5)
    office.send(60)
    assert office.chat.kinds == ["worsened"]


def test_the_first_route_that_fits_is_taken(local_uri: str) -> None:
    """By owner, severity, layer, pipeline, check; else the team's channels, else the others."""
    routes = [
        {"owner": "analytics", "severity": "critical", "to": ["call"]},
        {"check": "la*", "pipeline": "night*", "to": []},
    ]
    office = Office(local_uri, {"routes": routes, "teams": {"analytics": {"to": ["chat"]}}})
    office.look(found(WEB, severity=CRITICAL), found(APP, pipeline="nightly"), found(ELSEWHERE))
    office.send(0)
    assert [batch.messages[0].where for batch in office.call.batches] == ["source web"]
    assert [batch.messages[0].where for batch in office.chat.batches] == ["dataset weather"]


def test_nobody_is_told_of_what_is_silenced(uri: str) -> None:
    """Until the silence is over and it is still there."""
    office = Office(uri, {"otherwise": ["chat"]})
    office.desk(0).silence(Matcher(subject="source:web"), ends_at=at(10), why="a known outage")
    office.look(found(WEB), found(REPORT), minute=1)
    office.send(1)
    office.look(found(WEB), found(REPORT), minute=9)
    assert office.chat.batches == []
    office.look(found(WEB), minute=11)
    office.send(11)
    assert office.chat.kinds == ["silence-over"]


def test_a_silence_of_warnings_lets_what_is_critical_pass(local_uri: str) -> None:
    """A silence says up to which severity it holds."""
    office = Office(local_uri, {"otherwise": ["chat"]})
    warnings = Matcher(check="late", severity=Severity.WARNING)
    office.desk(0).silence(warnings, ends_at=at(60), why="noisy")
    office.look(found(WEB), minute=1)
    office.look(found(WEB, severity=CRITICAL), minute=2)
    office.look(found(WEB, severity=CRITICAL), minute=3)
    office.send(3)
    assert office.chat.kinds == ["silence-over"]


def test_what_nobody_acknowledges_is_escalated_once(uri: str) -> None:
    """After its time the next channel is told, and told when it is over."""
    office = Office(uri, dict(ESCALATING))
    for minute in (0, 14, 15, 16, 30):
        office.look(found(WEB), minute=minute)
        office.send(minute)
    office.look(minute=31)
    office.send(31)
    assert office.call.kinds == ["escalated", "closed"]
    assert office.chat.kinds == ["opened", "closed"]


def test_what_somebody_acknowledges_is_not_escalated(uri: str) -> None:
    """The channels that know it are told who looks after it."""
    office = Office(uri, dict(ESCALATING))
    office.look(found(WEB))
    office.send(0)
    office.desk(5).acknowledge(office.number)
    office.look(found(WEB), minute=20)
    office.send(20)
    assert office.call.batches == []
    assert office.chat.kinds == ["opened", "acknowledged"]
    assert office.chat.batches[1].messages[0].actor == "ann"


def test_it_is_told_again_while_nobody_looks_after_it(uri: str) -> None:
    """Each so many hours, and not after it was acknowledged."""
    office = Office(uri, {"routes": [{"to": ["chat"], "repeat_hours": 4}]})
    for hour in range(10):
        office.look(found(WEB), minute=60 * hour)
        office.send(60 * hour)
    assert office.chat.kinds == ["opened", "reminded", "reminded"]


def test_a_digest_tells_each_morning_what_nobody_acknowledged(local_uri: str) -> None:
    """One message a day, at the team's time on the team's clock."""
    office = Office(local_uri, {"teams": {"analytics": {"to": ["chat"], "digest": "08:00"}}})
    for minute in (0, 79, 80, 81, 24 * 60, 24 * 60 + 80):
        office.look(found(WEB), found(ELSEWHERE), minute=minute)
        office.send(minute)
    assert [len(each.messages) for each in office.chat.batches] == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"otherwise": ["nobody"]}, "`otherwise` names the channel `nobody`"),
        ({"channels": {"chat": {"kind": "apprise"}}}, "needs `secret`"),
        ({"channels": {"log": {"kind": "file"}}}, "give yours another name"),
        ({"channels": {"f": {"kind": "file", "path": "../x"}}}, "below STATIONMASTER_HOME"),
        ({"teams": {"a": {"zone": "Mars/Base"}}}, "a name such as Europe/London"),
        ({"teams": {"a": {"quiet": {"from": 1140, "until": "07:30"}}}}, "in quotes"),
    ],
)
def test_a_mistake_in_the_file_is_named(document: dict[str, Any], said: str) -> None:
    """What was expected stands in the error."""
    with pytest.raises(ValidationError, match=said):
        Alerting.model_validate(document)


def test_quiet_hours_follow_the_clock_of_the_team_when_it_changes() -> None:
    """The morning after the clocks went forward begins at 07:30 of the new time."""
    quiet = QuietHours.model_validate(NIGHT | {"weekends": False})
    night = dt.datetime(2011, 3, 27, 0, 30, tzinfo=dt.UTC)
    assert is_quiet(night, quiet, LONDON)
    assert next_at_work(night, quiet, LONDON) == dt.datetime(2011, 3, 27, 6, 30, tzinfo=dt.UTC)


def test_a_weekend_is_quiet_until_monday() -> None:
    """Unless the file says otherwise."""
    quiet = QuietHours.model_validate(NIGHT)
    saturday = dt.datetime(2011, 11, 26, 12, 0, tzinfo=dt.UTC)
    assert next_at_work(saturday, quiet, LONDON) == dt.datetime(2011, 11, 28, 7, 30, tzinfo=dt.UTC)


def test_a_team_that_is_never_at_work_is_told_at_once() -> None:
    """What nobody would ever be told is worse than a message at night."""
    always = QuietHours.model_validate({"from": "00:00", "until": "23:59:59.999999"})
    noon = dt.datetime(2011, 11, 26, 12, 0, tzinfo=dt.UTC)
    assert next_at_work(noon, always, LONDON) >= noon


def test_a_morning_that_comes_twice_is_not_slept_through() -> None:
    """Where the clock goes back before work begins, it begins at the later of the two."""
    early = QuietHours.model_validate({"from": "22:00", "until": "01:30", "weekends": False})
    second = dt.datetime(2011, 10, 30, 1, 15, tzinfo=dt.UTC)
    assert is_quiet(second, early, LONDON)
    assert next_at_work(second, early, LONDON) == dt.datetime(2011, 10, 30, 1, 30, tzinfo=dt.UTC)
