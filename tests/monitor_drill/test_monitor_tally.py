"""The drill's table tells what was found last, and hides nothing that was wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.monitor_drill.tally import last_of_each, table

if TYPE_CHECKING:
    from pathlib import Path

FAULT: dict[str, Any] = {
    "part": "data",
    "fault": "late file",
    "check": "source-late",
    "subject": "source:web",
    "noticed_s": 300,
    "incidents": 1,
    "wrong": [],
}
QUIET: dict[str, Any] = {
    "part": "quiet",
    "quiet": "autumn",
    "first": "2011-09-13",
    "days": 10,
    "looks": 400,
    "messages": 0,
    "wrong": [],
}


def test_only_the_last_trial_of_each_counts(tmp_path: Path) -> None:
    """A fault that was found wrongly once, and rightly since, is right."""
    record = tmp_path / "monitor.jsonl"
    before = FAULT | {"wrong": ["expected one incident, got 2"]}
    record.write_text("\n".join(json.dumps(each) for each in (before, QUIET, FAULT)) + "\n")

    assert last_of_each(record) == [FAULT, QUIET]


def test_what_is_wrong_stands_in_the_table() -> None:
    """A fault that was not found as it must be, and an alert on a quiet day, are both told."""
    wrong = FAULT | {"wrong": ["expected check source-late, got run-late"]}
    loud = QUIET | {"wrong": ["an incident"], "messages": 2}

    told = table([wrong, loud])

    assert "| 5 min | 1 | **no** (1 of 1) |" in told
    assert "0 of 1 faults" in told
    assert "| autumn | 2011-09-13 | 10 | 400 | **2** |" in told


def test_a_fault_is_right_when_it_is_with_every_seed() -> None:
    """Its row says the shortest and the longest time, and in how many seeds it went wrong."""
    slower = FAULT | {"seed": 2, "noticed_s": 600}

    told = table([FAULT | {"seed": 1}, slower])

    assert (
        "| late file | laptop | `source-late` | source `web` | 5 min to 10 min | 1 | yes |" in told
    )
    assert "1 of 1 faults found as they must be, in 2 trials" in told


def test_a_subject_of_one_runs_own_folder_is_left_out() -> None:
    """The table is the same wherever the drill ran."""
    told = table([FAULT | {"subject": "volume:…/disk/home"}])

    assert "| volume | 5 min |" in told
