"""Every fault of every source, from the played system to the sentence that somebody reads."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from stationmaster.sources.faults import FAULTS, inject
from stationmaster.sources.support_api import running_api
from stationmaster.step.testing import run_job
from tests.pipeline.mornings import EXTRACTS, Mornings, days_from

if TYPE_CHECKING:
    from pathlib import Path

    from stationmaster.sources.world import World
    from stationmaster.step.testing import JobRun

DAY = dt.date(2011, 11, 21)
SOURCES = ("web", "app", "delivery", "support")
IMPATIENT = {"answer_seconds": 0.3, "patience_seconds": 3.0}

STOPS = {
    "web:late": (69, "missing since 2011-11-21, the last complete day is 2011-11-20"),
    "web:truncated": (69, "as _SUCCESS says, got 19,939 bytes (cut off)"),
    "web:cut-at-source": (65, "expected a whole gzip file, got one that ends early"),
    "web:renamed": (65, "`placed_at` is gone from 69 of 69 records, `placedAt` is new"),
    "web:retyped": (65, "`placed_at` is an object in 69 of 69 records"),
    "app:late": (69, "landing app 2011-11-21: expected _SUCCESS"),
    "app:truncated": (69, "The upload is not complete: the step tries again later"),
    "app:cut-at-source": (65, "Ask the owner of the source to deliver the file again"),
    "app:renamed": (
        65,
        "`ts` is gone from 31 of 31 records, `timestamp` is new and looks the same",
    ),
    "app:retyped": (65, "expected `ts` (integer), got `ts` is text in 31 of 31 records"),
    "delivery:late": (69, "landing delivery 2011-11-21: expected _SUCCESS"),
    "delivery:truncated": (69, "expected 41,718 bytes, as _SUCCESS says, got 20,859 bytes"),
    "delivery:cut-at-source": (65, "expected 163 records, as _SUCCESS says, got 164 records"),
    "delivery:renamed": (65, "`event_time` is gone from 335 of 335 records"),
    "delivery:retyped": (65, "`event_time` is text (date-time-local) in 335 of 335 records"),
    "support:late": (69, "tickets complete through 2011-11-21T23:59:59Z, got complete through"),
    "support:renamed": (65, "`created_at` is gone from 21 of 21 records, `createdAt` is new"),
    "support:retyped": (65, "`ticket_id` is a whole number in 21 of 21 records"),
    "support:429": (69, "got status 429 Too Many Requests, which asks to wait 1 s"),
    "support:500": (69, "got status 500 Internal Server Error"),
    "support:hanging": (69, "got no whole answer in time (ReadTimeout)"),
    "support:malformed": (65, "expected a JSON object, got 31 bytes that are none"),
}
"""Fault, exit code, and what its sentence says."""

GOES_ON = {
    "web:duplicated": (69, {}, "7 repeats dropped"),
    "web:empty": (0, {}, "without records"),
    "web:malformed": (67, {"not_json": 2}, "2 kept aside"),
    "app:duplicated": (31, {}, "4 repeats dropped"),
    "app:empty": (0, {}, "without records"),
    "app:malformed": (30, {"not_json": 1}, "1 kept aside"),
    "delivery:duplicated": (335, {}, "34 repeats dropped"),
    "delivery:empty": (0, {}, "without records"),
    "delivery:malformed": (328, {"not_csv": 7}, "7 kept aside"),
    "support:duplicated": (21, {}, "3 repeats dropped"),
    "support:empty": (0, {}, "without records"),
}
"""Fault, rows of the first dataset, rows kept aside by rule, and what the note says."""


def extract(world: World, home: Path, fault: str) -> JobRun:
    """Play a day, put the fault in, and extract its source."""
    source, name = fault.split(":")
    mornings = Mornings(home)
    mornings.play_sources(world, days_from(DAY - dt.timedelta(days=1), 2))
    inject(mornings.settings, name, source, DAY)
    with running_api(mornings.settings) as url:
        return run_job(
            EXTRACTS[SOURCES.index(source)],
            DAY,
            home=home,
            params=IMPATIENT if source == "support" else {},
            settings={"data": mornings.settings.data, "support_api_url": url},
        )


def test_every_fault_has_its_test() -> None:
    """A fault that can be injected is in one of the two tables."""
    known = {f"{source}:{name}" for source, names in FAULTS.items() for name in names}

    assert STOPS.keys() | GOES_ON.keys() == known


@pytest.mark.parametrize("fault", STOPS)
def test_a_fault_that_stops_says_what_came_and_what_to_do(
    world: World, tmp_path: Path, fault: str
) -> None:
    """The step ends with the right exit code and sentence, and publishes nothing."""
    code, words = STOPS[fault]

    done = extract(world, tmp_path, fault)

    assert done.exit_code == code
    assert done.result.error is not None
    assert words in done.result.error.message
    assert done.result.error.hint in done.result.error.message
    assert done.result.outputs == ()


@pytest.mark.parametrize("fault", GOES_ON)
def test_a_fault_that_can_be_borne_loses_no_record(
    world: World, tmp_path: Path, fault: str
) -> None:
    """What can't be used is dropped as a repeat or kept aside, and both are counted."""
    rows, aside, words = GOES_ON[fault]

    done = extract(world, tmp_path, fault)

    assert done.exit_code == 0
    assert done.result.outputs[0].rows == rows
    assert done.result.outputs[0].quarantined_by_rule == aside
    assert words in " ".join(done.result.notes)
