"""The drill, small: a quiet day, and five faults, each found by the right check as one incident."""

from __future__ import annotations

import pytest

from tests.monitor_drill.laptop import FAULTS
from tests.monitor_drill.quiet import quiet_days
from tests.monitor_drill.scene import tried
from tests.monitor_drill.stores import tried_for_real

SMALL = ("late file", "renamed field", "step failing", "out of memory")


def test_a_quiet_day_makes_no_alert() -> None:
    """What happens on a day on which nothing is wrong opens no incident and sends no message."""
    line = quiet_days("clock goes back", days=1, minutes=20)

    assert line["wrong"] == []
    assert line["messages"] == 0


@pytest.mark.parametrize("name", SMALL)
def test_a_fault_is_one_incident_of_the_right_check(name: str) -> None:
    """It is found in time, names what to do, takes all that comes of it along, and closes."""
    fault = next(each for each in FAULTS if each.name == name)

    assert tried(fault)["wrong"] == []


def test_a_database_that_is_away_is_told_without_it() -> None:
    """The alert goes out once while the ledger is away, and the incident is there afterwards."""
    line = tried_for_real("database stopped")

    assert line["wrong"] == []
    assert line["messages"] == 2
