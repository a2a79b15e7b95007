"""Which finding comes of which: by the graph of subjects, by the day, and by time.

A finding without a cause among the others is a root: it makes an incident, and what comes of it
belongs there. Nothing here depends on the order in which findings are handed in.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final, Protocol

from stationmaster.monitor.checks.finding import Layer
from stationmaster.monitor.incidents.seeing import SETTLING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from stationmaster.monitor.checks.finding import Finding, Subject
    from stationmaster.monitor.incidents.standing import StandingFinding

__all__ = ["AFTERMATH", "GRACE", "ComesOf", "Relations", "importance"]

GRACE: Final = dt.timedelta(minutes=30)
"""What was seen so long before a cause began did not come of it: watchers see some things late."""

AFTERMATH: Final = dt.timedelta(minutes=5)
"""What breaks later than that after infrastructure was mended broke for another reason."""

Order = tuple[bool, int, int, dt.datetime, str]


class ComesOf(Protocol):
    """Know what comes of what; `stationmaster.monitor.lineage.Lineage` does."""

    def comes_of(self, effect: Subject, cause: Subject) -> bool:
        """Tell whether trouble with one thing can be because of trouble with the other."""


def importance(each: StandingFinding) -> Order:
    """Return what sorts findings about one thing: the first of them explains the others.

    What has happened before what is foretold, what is deeper, what is worse, what began first.
    """
    finding = each.finding
    depth = list(Layer).index(finding.layer)
    return (finding.foretold, depth, -finding.severity.rank, finding.since, each.key)


class Relations:
    """Hold which of some findings come of which.

    Args:
        findings: All that count now.
        lineage: Knows the graph of subjects.
    """

    def __init__(self, findings: Iterable[StandingFinding], lineage: ComesOf) -> None:
        self.findings = {each.key: each for each in findings}
        self._lineage = lineage
        self._explaining: dict[Subject, frozenset[Subject]] = {}
        self._by_subject: dict[Subject, list[StandingFinding]] = {}
        for each in self.findings.values():
            self._by_subject.setdefault(each.finding.subject, []).append(each)
        self.causes: Mapping[str, frozenset[str]] = {
            key: self._causes_of(each) for key, each in self.findings.items()
        }
        self._roots = {key: self._roots_of(key) for key in self.findings}

    def roots_of(self, key: str) -> Sequence[str]:
        """Return the keys of what a finding comes of in the end, what began first at the front.

        Its own, where it comes of nothing.
        """
        return self._roots[key]

    def causes_among(self, key: str, keys: set[str]) -> frozenset[str]:
        """Return which of these a finding comes of; nothing where it counts no more, or is info."""
        return self.causes.get(key, frozenset()) & keys

    def _causes_of(self, effect: StandingFinding) -> frozenset[str]:
        subject = effect.finding.subject
        named = self._by_subject.keys() & set(effect.finding.caused_by)
        subjects = {subject} | self._explaining_of(subject) | named
        return frozenset(
            cause.key
            for each in subjects
            for cause in self._by_subject[each]
            if cause.key != effect.key and self._explains(cause, effect)
        )

    def _explains(self, cause: StandingFinding, effect: StandingFinding) -> bool:
        if not self._is_related(cause, effect):
            return False
        mutual = self._is_related(effect, cause)
        return not mutual or importance(cause) < importance(effect)

    def _is_related(self, cause: StandingFinding, effect: StandingFinding) -> bool:
        """Tell whether one may be why the other is, told by subject, day, kind and time.

        What has not happened yet explains nothing that has.
        """
        why, what = cause.finding, effect.finding
        same = why.subject == what.subject
        if _is_sibling(why, what):
            return _day(why) < _day(what)
        if not (same or self._may_explain(why.subject, what)):
            return False
        one_day = why.business_date == what.business_date is not None
        if not one_day and None not in {why.business_date, what.business_date}:
            return False
        came_true = _is_trend(why) and why.subject in what.caused_by
        if _is_trend(what) or (not came_true and (_is_trend(why) or why.foretold > what.foretold)):
            return False
        return _fits_in_time(cause, effect, one_day=one_day)

    def _may_explain(self, cause: Subject, effect: Finding) -> bool:
        return cause in effect.caused_by or cause in self._explaining_of(effect.subject)

    def _explaining_of(self, subject: Subject) -> frozenset[Subject]:
        """Return which of what is wrong may be why something else is; asked once a subject."""
        if subject not in self._explaining:
            comes_of = self._lineage.comes_of
            self._explaining[subject] = frozenset(
                each for each in self._by_subject if comes_of(subject, each)
            )
        return self._explaining[subject]

    def _roots_of(self, key: str) -> Sequence[str]:
        seen, queue = {key}, [key]
        while queue:
            for cause in self.causes[queue.pop()] - seen:
                seen.add(cause)
                queue.append(cause)
        roots = [each for each in seen if not self.causes[each]]
        # A circle has no root: what explains most in it is taken for one.
        roots = roots or [min(seen, key=lambda each: importance(self.findings[each]))]
        return sorted(roots, key=self._beginning)

    def _beginning(self, key: str) -> tuple[dt.datetime, str]:
        return self.findings[key].finding.since, key


def _fits_in_time(cause: StandingFinding, effect: StandingFinding, *, one_day: bool) -> bool:
    """Tell whether an effect was there when, or shortly after, its cause was."""
    since = cause.finding.since
    if effect.gone_at is not None and effect.gone_at < since:
        return False
    if cause.gone_at is not None:
        aftermath = SETTLING if one_day else AFTERMATH
        if effect.first_seen_at > cause.gone_at + aftermath:
            return False
    return one_day or effect.first_seen_at >= since - GRACE


def _is_sibling(one: Finding, other: Finding) -> bool:
    """Tell whether it is the same trouble with another day: one incident that goes on."""
    return one.key[:2] == other.key[:2] and one.business_date != other.business_date


def _day(finding: Finding) -> dt.date:
    return finding.business_date or dt.date.min


def _is_trend(finding: Finding) -> bool:
    """Tell whether it is foretold of no day: a trouble of its own, which explains nothing.

    A step that will outgrow its memory in a week fails today for another reason. Only what names
    it as its cause is what was foretold, come true.
    """
    return finding.foretold and finding.business_date is None
