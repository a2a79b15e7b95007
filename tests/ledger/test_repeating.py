"""Which earlier tries a try repeats."""

from __future__ import annotations

import datetime as dt

import pytest

from stationmaster.ledger.records import AttemptRecord
from stationmaster.ledger.repeating import failed_in_a_row
from tests.ledger.attempts import NOON, context

TRIES = range(1, 4)
"""Before try 4."""


def of_try(number: int, *verdicts: str | None, shard: int = 0) -> list[AttemptRecord]:
    """Return a try's attempts of one shard, with their verdicts."""
    told = context(try_id=f"try-{number}", try_number=number)
    return [
        AttemptRecord.of(
            told.model_copy(
                update={"attempt": at, "shard": told.shard.model_copy(update={"index": shard})}
            ),
            recorded_at=NOON,
            verdict=verdict,
        )
        for at, verdict in enumerate(verdicts, start=1)
    ]


def test_failed_tries_are_repeated_newest_first() -> None:
    """A retry repeats all tries that failed before it, whatever their attempts met."""
    known = [
        *of_try(1, "out_of_memory", "pod_deleted", "temporary"),
        *of_try(2, "step_failed"),
        *of_try(3, "node_lost"),
    ]
    assert failed_in_a_row(known, TRIES, since=None) == ("try-3", "try-2", "try-1")


@pytest.mark.parametrize("verdict", ["killed_by_user", "unknown", "succeeded", None])
def test_what_a_person_may_have_ended_is_not_repeated(verdict: str | None) -> None:
    """A try that was killed, was done or has no end stops the row: after it, all is done anew."""
    known = [*of_try(1, "temporary"), *of_try(2, verdict), *of_try(3, "temporary")]
    assert failed_in_a_row(known, TRIES, since=None) == ("try-3",)


def test_a_try_without_a_record_stops_the_row() -> None:
    """Nobody knows why a try ended that left nothing: what was before it does not count."""
    known = [*of_try(1, "temporary"), *of_try(3, "temporary")]
    assert failed_in_a_row(known, TRIES, since=None) == ("try-3",)


def test_a_try_with_one_failed_shard_has_failed() -> None:
    """Shards that were done beside the one that failed do not make the try a success."""
    known = [*of_try(3, "succeeded"), *of_try(3, "step_failed", shard=1)]
    assert failed_in_a_row(known, TRIES, since=None) == ("try-3",)


def test_a_run_that_was_deleted_and_made_again_repeats_nothing() -> None:
    """Its namesake's tries are older than the run."""
    since = NOON + dt.timedelta(hours=1)
    assert failed_in_a_row(of_try(3, "temporary"), TRIES, since=since) == ()


def test_a_cleared_task_repeats_only_what_came_after() -> None:
    """Tries before the clearing are not in the range, whatever they were."""
    known = [*of_try(1, "temporary"), *of_try(2, "temporary"), *of_try(3, "temporary")]
    assert failed_in_a_row(known, range(3, 4), since=None) == ("try-3",)
