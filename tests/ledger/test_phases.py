"""Where an attempt's time went."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from stationmaster.ledger.phases import PhaseName, phases_of, seconds_of, total_seconds
from tests.ledger.attempts import NOON, record

TIMES = ("queued_at", "created_at", "scheduled_at", "pulled_at", "started_at", "finished_at")
MAYBE = st.one_of(st.none(), st.floats(0, 100))


def after(seconds: float) -> dt.datetime:
    """Return a moment after noon."""
    return NOON + dt.timedelta(seconds=seconds)


def test_each_span_has_its_length() -> None:
    """Six spans go from queued to recorded, each with the seconds between its two times."""
    times = {name: after(n * n) for n, name in enumerate(TIMES)}
    ended = record(**times, recorded_at=after(36), verdict="succeeded")

    assert seconds_of(ended) == dict(zip(PhaseName, [1, 3, 5, 7, 9, 11], strict=True))


def test_a_pull_nobody_saw_is_part_of_the_start() -> None:
    """Without the time of the pull, the start goes from the node to the process."""
    found = seconds_of(record(scheduled_at=after(1), started_at=after(4)))

    assert found == {PhaseName.START: 3}


def test_whole_seconds_of_kubernetes_make_no_negative_span() -> None:
    """A pod that was created, by its cut time, before it was queued took no time."""
    spans = phases_of(
        record(queued_at=after(1.7), created_at=after(1), scheduled_at=after(2), verdict="evicted")
    )

    assert [round(span.seconds, 3) for span in spans[:2]] == [0, 0.3]


def test_what_never_started_did_not_run() -> None:
    """A pod that no node took waited for a node; one whose image is missing was starting."""
    unschedulable = record(created_at=NOON, finished_at=after(9))
    no_image = record(created_at=NOON, scheduled_at=after(1), finished_at=after(9))

    assert seconds_of(unschedulable) == {PhaseName.SCHEDULE: 9}
    assert seconds_of(no_image) == {PhaseName.SCHEDULE: 1, PhaseName.START: 8}


def test_an_attempt_that_goes_on_has_no_record_of_its_end() -> None:
    """The row of a running attempt ends with what is known."""
    running = record(created_at=NOON, started_at=after(2), recorded_at=after(9))

    assert [span.name for span in phases_of(running)] == [PhaseName.START]


@given(offsets=st.lists(MAYBE, min_size=6, max_size=6))
def test_spans_have_neither_gap_nor_overlap(offsets: list[float | None]) -> None:
    """Whatever times are known, in whatever order, spans follow each other and none is negative."""
    pairs = zip(TIMES, offsets, strict=True)
    times = {name: None if n is None else after(n) for name, n in pairs}
    spans = phases_of(record(**times, recorded_at=after(100), verdict="succeeded"))

    assert all(span.seconds >= 0 for span in spans)
    assert all(one.end == two.start for one, two in pairwise(spans))
    known = [moment for moment in times.values() if moment is not None]
    if known:
        assert spans[0].start == known[0]
        assert spans[-1].end == after(100)


def test_spans_add_up_over_attempts() -> None:
    """The sum over attempts counts each span once an attempt, and 0 where none has it."""
    ran = [record(started_at=NOON, finished_at=after(n)) for n in (1, 2)]

    totals = total_seconds(ran)

    assert totals[PhaseName.RUN] == 3
    assert totals[PhaseName.QUEUE] == 0
