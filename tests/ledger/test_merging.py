"""Which of two records of the same attempt stands, as a function and in the databases."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stationmaster.ledger.merging import END, FACTS, IDENTITY, UNSEEN, USED, fold, merged
from stationmaster.ledger.records import AttemptRecord
from stationmaster.ledger.store import Ledger
from tests.databases import with_tables
from tests.ledger.attempts import NOON, record, result

if TYPE_CHECKING:
    from collections.abc import Sequence

MOMENTS = [NOON + dt.timedelta(seconds=n) for n in range(3)]
RECORDS = st.builds(
    record,
    node=st.sampled_from(["", "a", "b"]),
    started_at=st.sampled_from([None, *MOMENTS]),
    verdict=st.sampled_from([None, None, "succeeded", "evicted", UNSEEN]),
    exit_code=st.sampled_from([None, 0, 137]),
    sentence=st.sampled_from(["", "x", "y"]),
    evidence=st.sampled_from([None, {"a": 1}]),
    finished_at=st.sampled_from([None, *MOMENTS]),
    cpu_seconds=st.sampled_from([None, 1.5, 2.5]),
    result=st.sampled_from([None, result(1), result(2)]),
    recorded_at=st.sampled_from(MOMENTS),
)


def test_every_field_has_a_rule() -> None:
    """No field of a record is forgotten when two of them meet, and none has two rules."""
    groups = [IDENTITY, FACTS, END, USED, {"recorded_at"}]

    assert set().union(*groups) == set(AttemptRecord.model_fields)
    assert sum(len(group) for group in groups) == len(AttemptRecord.model_fields)


def test_what_was_not_known_is_filled_in() -> None:
    """A later, more complete record adds what the first did not know, and changes nothing."""
    first = record(node="a", verdict="evicted", finished_at=NOON)
    later = record(node="b", image="i", verdict="evicted", sentence="Disk full.", started_at=NOON)

    stands = merged(first, later)

    assert (stands.node, stands.image, stands.sentence) == ("a", "i", "Disk full.")
    assert (stands.started_at, stands.finished_at) == (NOON, NOON)


@pytest.mark.parametrize("verdict", [None, "pod_deleted"])
def test_a_finished_attempt_is_never_reopened(verdict: str | None) -> None:
    """Neither another verdict nor a late word of a running attempt changes an end."""
    ended = record(verdict="succeeded", exit_code=0, finished_at=NOON, result=result())
    late = record(
        verdict=verdict, exit_code=9, sentence="Gone.", cpu_seconds=9, recorded_at=MOMENTS[2]
    )

    assert merged(ended, late) == ended


def test_the_newest_word_of_a_running_attempt_stands() -> None:
    """Measurements of a running attempt grow, whichever record arrives first."""
    early, late = record(cpu_seconds=1), record(cpu_seconds=2, recorded_at=MOMENTS[1])

    assert merged(early, late).cpu_seconds == merged(late, early).cpu_seconds == 2


def test_an_end_that_somebody_saw_replaces_one_that_nobody_did() -> None:
    """A recorder whose word was late tells what `unknown` stood for, and not the other way."""
    unseen = record(verdict=UNSEEN, sentence="Nobody saw it.", finished_at=NOON)
    seen = record(verdict="succeeded", exit_code=0, finished_at=MOMENTS[1])

    for first, second in itertools.permutations([unseen, seen]):
        stands = merged(first, second)
        assert (stands.verdict, stands.finished_at) == ("succeeded", MOMENTS[1])
        assert stands.sentence == ""


@given(records=st.lists(RECORDS, min_size=1, max_size=3))
def test_order_matters_only_between_contradicting_verdicts(records: list[AttemptRecord]) -> None:
    """In any order the same verdict stands, unless two contradict each other: then the first."""
    verdicts = [each.verdict for each in records if each.verdict]
    for order in itertools.permutations(records):
        [stands] = fold(order)
        seen = [each.verdict for each in order if each.verdict not in {None, UNSEEN}]
        unseen = UNSEEN if verdicts else None
        assert stands.verdict == (seen[0] if seen else unseen)
        if len(set(verdicts)) <= 1:
            assert stands.verdict == (verdicts[0] if verdicts else None)


@pytest.fixture(name="other_ledger")
def _other_ledger(uri: str) -> Ledger:
    """Return a ledger that hypothesis may use for many examples."""
    return Ledger.open(with_tables(uri))


@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(records=st.lists(RECORDS, min_size=2, max_size=5))
def test_the_database_merges_as_the_function_does(
    other_ledger: Ledger, records: Sequence[AttemptRecord]
) -> None:
    """Records that arrive one by one leave in the table what `merged` says, field by field."""
    number = uuid.uuid4()
    own: dict[str, Any] = {"try_id": str(number)}
    mine = [each.model_copy(update=own) for each in records]
    for each in mine:
        other_ledger.record(each)

    assert other_ledger.attempts_of_try(str(number)) == fold(mine)
