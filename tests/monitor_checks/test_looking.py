"""One look at everything: a check that fails, or cannot look, is told from one that is clear."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from stationmaster.monitor.checks.check import check
from stationmaster.monitor.checks.finding import Finding, Layer, Severity, Subject, SubjectKind
from stationmaster.monitor.checks.looking import Outcome, look_at
from stationmaster.monitor.facts.facts import Facts
from stationmaster.monitor.facts.missing import FactsNotHereError, FactsUnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = dt.datetime(2011, 11, 22, 6, 40, tzinfo=dt.UTC)
WEB = Subject(SubjectKind.SOURCE, "web")


@check("web-late", layer=Layer.BUSINESS, severity=Severity.CRITICAL, owner="analytics")
def web_late(facts: Facts) -> Iterator[Finding]:
    """The web shop has not delivered."""
    yield web_late.finding(
        WEB,
        what="Web has not delivered the 21st.",
        next_action="Ask the web shop's team.",
        since=facts.now,
        business_date=dt.date(2011, 11, 21),
    )


@check("all-well", layer=Layer.PIPELINE, severity=Severity.WARNING, owner="platform")
def all_well(facts: Facts) -> Iterator[Finding]:
    """Nothing is ever wrong."""
    del facts
    yield from ()


@check("no-cluster", layer=Layer.INFRASTRUCTURE, severity=Severity.WARNING, owner="platform")
def no_cluster(facts: Facts) -> Iterator[Finding]:
    """A node is away."""
    message = f"no cluster at {facts.now}"
    raise FactsNotHereError(message)


@check("dumb", layer=Layer.INFRASTRUCTURE, severity=Severity.WARNING, owner="platform")
def dumb(facts: Facts) -> Iterator[Finding]:
    """A database is full."""
    message = f"the database did not answer at {facts.now}"
    raise FactsUnavailableError(message)


@check("broken", layer=Layer.PIPELINE, severity=Severity.WARNING, owner="platform")
def broken(facts: Facts) -> Iterator[Finding]:
    """A check with a mistake."""
    yield from ()
    raise ZeroDivisionError(str(facts.now))


def test_each_check_has_its_own_end() -> None:
    """Clear, found, not here, unknown: one that fails stops no other, and is not clear."""
    look = look_at(Facts(now=NOW), [broken, dumb, no_cluster, all_well, web_late])
    assert [each.outcome for each in look.checks] == [
        Outcome.UNKNOWN,
        Outcome.UNKNOWN,
        Outcome.NOT_HERE,
        Outcome.CLEAR,
        Outcome.FOUND,
    ]
    assert "ZeroDivisionError" in look.checks[0].why
    assert "did not answer" in look.checks[1].why
    assert [each.what for each in look.findings] == ["Web has not delivered the 21st."]


def test_a_finding_is_what_its_check_says() -> None:
    """Name, layer, severity and owner come of the check; summary and runbook of its function."""
    (found,) = look_at(Facts(now=NOW), [web_late]).findings
    assert str(found.key) == "web-late source:web 2011-11-21"
    assert (found.layer, found.severity, found.owner) == ("business", "critical", "analytics")
    assert web_late.summary == "The web shop has not delivered."
    assert web_late.runbook == "runbooks/web-late.md"


def test_a_finding_comes_back_from_json_as_it_was() -> None:
    """What the ledger keeps of a finding is the finding."""
    (found,) = look_at(Facts(now=NOW), [web_late]).findings
    assert Finding.model_validate(found.as_document()) == found
    assert Subject.parse(str(found.subject)) == WEB
