"""Which day of which dataset and report is published: by what the ledger saw."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping

    from stationmaster.monitor.facts.attempts import Attempt, Output

__all__ = ["Copy", "Publication", "PublishedFacts", "Shelf"]


class Publication(NamedTuple):
    """Hold one publishing of one day of a dataset or report.

    Args:
        dataset: Its name.
        business_date: The day.
        at: When the step that did it ended.
        rows: Of the whole partition; files of a report.
        quarantined_rows: Set aside.
        snapshot_id: Of a table.
        uri: Of a report.
        pipeline: Who did it.
        step: As above.
        run_id: As above.
    """

    dataset: str
    business_date: dt.date
    at: dt.datetime
    rows: int
    quarantined_rows: int
    snapshot_id: int | None
    uri: str
    pipeline: str
    step: str
    run_id: str


class Copy(NamedTuple):
    """Hold what a reader gets at a place.

    Args:
        found: Something is there.
        text: Its beginning; "" where there is nothing.
        size: Bytes; None: not told.
        why: What was seen instead.
    """

    found: bool
    text: str = ""
    size: int | None = None
    why: str = ""


class Shelf(Protocol):
    """Look where readers look: a folder, a bucket, a web address."""

    def look(self, uri: str) -> Copy:
        """Return what a reader gets there.

        Raises:
            FactsUnavailableError: It cannot be told: the place does not answer.
        """


class PublishedFacts:
    """Answer what is published.

    Args:
        attempts: Of all pipelines, in order.
        shelf: Looks where readers look.
    """

    def __init__(self, attempts: Iterable[Attempt], shelf: Shelf) -> None:
        self._attempts = attempts
        self.shelf = shelf

    @cached_property
    def history(self) -> Mapping[str, tuple[Publication, ...]]:
        """Return all publishings of each dataset and report, oldest first.

        What a later attempt only found published is not one more; what a part of a split step
        staged is published by the part that came last.
        """
        found: dict[str, list[Publication]] = defaultdict(list)
        known: set[tuple[str, dt.date]] = set()
        for at, each in sorted(_done(self._attempts), key=lambda pair: pair[0]):
            for output in each.outputs:
                partition = (output.dataset, output.business_date)
                if output.staged or (output.already_published and partition in known):
                    continue
                known.add(partition)
                found[output.dataset].append(_publication(output, each, at))
        return {name: tuple(mine) for name, mine in found.items()}

    def days(self, dataset: str) -> Mapping[dt.date, Publication]:
        """Return the last publishing of each day, by day."""
        last = {each.business_date: each for each in self.history.get(dataset, ())}
        return dict(sorted(last.items()))

    def last(self, dataset: str, day: dt.date) -> Publication | None:
        """Return the last publishing of a day, None where there is none."""
        return self.days(dataset).get(day)

    def newest(self, dataset: str) -> Publication | None:
        """Return the publishing of the newest day, None where there is none."""
        days = self.days(dataset)
        return days[max(days)] if days else None


def _done(attempts: Iterable[Attempt]) -> Iterator[tuple[dt.datetime, Attempt]]:
    for each in attempts:
        if each.is_done and each.ended_at is not None:
            yield each.ended_at, each


def _publication(output: Output, by: Attempt, at: dt.datetime) -> Publication:
    return Publication(
        dataset=output.dataset,
        business_date=output.business_date,
        at=at,
        rows=output.rows,
        quarantined_rows=output.quarantined_rows,
        snapshot_id=output.snapshot_id,
        uri=output.uri,
        pipeline=by.pipeline,
        step=by.step,
        run_id=by.run_id,
    )
