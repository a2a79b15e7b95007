"""Which earlier tries a try repeats: failed ones, in a row, back to where a person began anew.

A retry of Airflow's does the same work again, so what a failed try's container has published after
all is that work, done. A task that a person has cleared, killed or marked is to be done anew,
whatever there is: tries before that do not count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from stationmaster.ledger.records import AttemptRecord

__all__ = ["failed_in_a_row"]

NOT_A_FAILURE: Final = frozenset({None, "killed_by_user", "unknown"})
"""Verdicts after which nobody knows that Airflow tried again by itself."""


def failed_in_a_row(
    attempts: Iterable[AttemptRecord], tries: range, *, since: dt.datetime | None
) -> tuple[str, ...]:
    """Return the ids of the tries before this one that failed by themselves, newest first.

    Args:
        attempts: What the ledger has of this task instance: one step, run and map index.
        tries: Numbers of the tries since the task was last cleared, without this one.
        since: When the run began: what is older is of a run of the same name that was deleted.
    """
    found: list[str] = []
    known = [each for each in attempts if since is None or each.recorded_at >= since]
    for number in reversed(tries):
        of_try = [each for each in known if each.try_number == number]
        if not of_try or not _failed(of_try):
            break
        found.append(of_try[-1].try_id)
    return tuple(found)


def _failed(of_try: list[AttemptRecord]) -> bool:
    """Tell whether a try of a step ended by a failure, and in no other way."""
    ends: dict[int, AttemptRecord] = {}
    for each in sorted(of_try, key=lambda record: record.attempt):
        ends[each.shard] = each
    verdicts = {each.verdict for each in ends.values()}
    return (
        len({each.try_id for each in of_try}) == 1
        and not verdicts & NOT_A_FAILURE
        and verdicts != {"succeeded"}
    )
