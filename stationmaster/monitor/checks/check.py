"""A check: a function over facts that yields findings, with a name, an owner and a runbook.

@check("dataset-late", layer=Layer.BUSINESS, severity=Severity.CRITICAL, owner="analytics")
def dataset_late(facts: Facts) -> Iterator[Finding]:
\"\"\"A dataset has not been published by the time its readers expect it.\"\"\"
for late in facts.…:
yield dataset_late.finding(
Subject(SubjectKind.DATASET, late.name), what=…, next_action=…, since=…
)
"""

from __future__ import annotations

import datetime as dt
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from stationmaster.monitor.checks.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from stationmaster.monitor.checks.finding import Layer, Severity, Subject
    from stationmaster.monitor.facts.facts import Facts

__all__ = ["AT_ONCE", "Check", "check"]

AT_ONCE: Final = dt.timedelta(0)


@dataclass(frozen=True, kw_only=True)
class Check:
    """Hold one check; its page is `docs/runbooks/<name>.md`.

    Args:
        name: In kebab-case; never used for another check.
        layer: What it looks at.
        severity: Of its findings, where they do not say otherwise.
        owner: Who is told, where the subject has no owner.
        summary: What is wrong when it finds something, in one sentence.
        look: Yields what is wrong now; a plain function of its facts, clock included.
        hold: A finding must stand so long before it opens an incident: what mends itself is no
            alert.
        clear_after: A finding must be gone so long before its incident closes: what flaps is one
            incident.
        every: Looks are at least so far apart, for what is dear to look at.
    """

    name: str
    layer: Layer
    severity: Severity
    owner: str
    summary: str
    look: Callable[[Facts], Iterable[Finding]]
    hold: dt.timedelta = AT_ONCE
    clear_after: dt.timedelta = AT_ONCE
    every: dt.timedelta = AT_ONCE

    @property
    def runbook(self) -> str:
        """Return the path of its page below `docs/`."""
        return f"runbooks/{self.name}.md"

    def finding(self, subject: Subject, **fields: Any) -> Finding:  # noqa: ANN401 (Finding's fields)
        """Return a finding of this check.

        Args:
            subject: What is wrong.
            **fields: Of Finding; severity and owner only where they differ.
        """
        own = {"severity": self.severity, "owner": self.owner} | fields
        return Finding(check=self.name, layer=self.layer, subject=subject, **own)


def check(  # noqa: PLR0913 (what a check is)
    name: str,
    *,
    layer: Layer,
    severity: Severity,
    owner: str,
    hold: dt.timedelta = AT_ONCE,
    clear_after: dt.timedelta = AT_ONCE,
    every: dt.timedelta = AT_ONCE,
) -> Callable[[Callable[[Facts], Iterable[Finding]]], Check]:
    """Make a check of a function; the first line of its docstring is the summary."""

    def of(function: Callable[[Facts], Iterable[Finding]]) -> Check:
        summary = (inspect.getdoc(function) or "").partition("\n")[0]
        return Check(
            name=name,
            layer=layer,
            severity=severity,
            owner=owner,
            summary=summary,
            look=function,
            hold=hold,
            clear_after=clear_after,
            every=every,
        )

    return of
