"""Each infrastructure check has a page that somebody can act on, and that tells the truth."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from stationmaster.monitor.checks.finding import Layer
from stationmaster.monitor.checks.infrastructure.listed import INFRASTRUCTURE_CHECKS
from stationmaster.monitor.checks.runbooks import runbook_text

if TYPE_CHECKING:
    import datetime as dt

    from stationmaster.monitor.checks.check import Check

PARTS = ("How it is found", "Look first", "Mend", "Closes", "Affected", "Silence or tune")
PAGES = [pytest.param(each, id=each.name) for each in INFRASTRUCTURE_CHECKS]


def in_words(span: dt.timedelta) -> str:
    """Return a span as the pages write it."""
    seconds = int(span.total_seconds())
    if seconds % 60:
        return f"{seconds} seconds"
    return "a minute" if seconds == 60 else f"{seconds // 60} minutes"


@pytest.mark.parametrize("check", PAGES)
def test_a_page_says_what_to_look_at_and_how_to_mend(check: Check) -> None:
    """Every part is there, with commands, and the page is of this check."""
    page = runbook_text(check)

    assert page.startswith(f"# {check.name}\n")
    assert [part for part in PARTS if f"**{part}" not in page] == []
    assert "```sh\n" in page


@pytest.mark.parametrize("check", PAGES)
def test_a_page_names_the_times_that_the_check_has(check: Check) -> None:
    """How long it must stand, and how long it must be gone, are those of the code."""
    page = runbook_text(check)
    closes = re.search(r"\*\*Closes\*\*(.*)", page)

    assert closes is not None
    if check.hold:
        assert in_words(check.hold) in page
    if check.clear_after:
        assert in_words(check.clear_after) in closes[1]


@pytest.mark.parametrize("check", PAGES)
def test_a_check_belongs_to_the_infrastructure(check: Check) -> None:
    """Its layer, its owner and its first sentence are said."""
    assert check.layer is Layer.INFRASTRUCTURE
    assert check.owner in {"platform", "data-engineering"}
    assert check.summary.endswith(".")
