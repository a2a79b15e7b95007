"""What lineage adds to findings: who is affected by what they are about."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from stationmaster.monitor.facts.missing import FactsNotHereError, FactsUnavailableError
from stationmaster.monitor.lineage import Lineage

if TYPE_CHECKING:
    from stationmaster.monitor.checks.finding import Finding
    from stationmaster.monitor.checks.looking import Look
    from stationmaster.monitor.facts.facts import Facts

__all__ = ["lineage_of_look", "with_affected"]

log = logging.getLogger(__name__)


def lineage_of_look(facts: Facts) -> Lineage:
    """Return what comes of what; where nobody knows, only what stands on the platform."""
    try:
        return facts.lineage
    except FactsNotHereError:
        pass
    except FactsUnavailableError as error:
        log.warning("What comes of what is not known: %s", error)
    except Exception:
        log.exception("What comes of what is not known")
    return Lineage(causes={}, readers={})


def with_affected(look: Look, lineage: Lineage) -> Look:
    """Return the look with those named in each finding who are affected: readers, then reports."""
    return replace(
        look,
        checks=tuple(
            replace(each, findings=tuple(_enriched(one, lineage) for one in each.findings))
            for each in look.checks
        ),
    )


def _enriched(finding: Finding, lineage: Lineage) -> Finding:
    affected = lineage.affected(finding.subject)
    reports = [f"report {name}" for name in affected.reports]
    names = dict.fromkeys([*finding.affected, *affected.readers, *reports])
    return finding.model_copy(update={"affected": tuple(names)})
