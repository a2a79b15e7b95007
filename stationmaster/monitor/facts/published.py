"""Which day of which dataset and report is published: by what the ledger saw."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping

    from stationmaster.monitor.facts.attempts import Attempt, Output

__all__ = ["Copy", "Publication", "PublishedFacts", "Shelf", "publications_of"]


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
        attempts: Of all pipelines.
        shelf: Looks where readers look.
        made: What is made of each pipeline's attempts, where that is kept.
    """

    def __init__(
        self,
        attempts: Iterable[Attempt],
        shelf: Shelf,
        *,
        made: Iterable[Mapping[str, tuple[Publication, ...]]] | None = None,
    ) -> None:
        self._attempts = attempts
        self._made = made
        self._days: dict[str, Mapping[dt.date, Publication]] = {}
        self.shelf = shelf

    @cached_property
    def history(self) -> Mapping[str, tuple[Publication, ...]]:
        """Return all publishings of each dataset and report, oldest first."""
        found: dict[str, tuple[Publication, ...]] = {}
        for each in [publications_of(self._attempts)] if self._made is None else self._made:
            for name, mine in each.items():
                before = found.get(name, ())
                both = sorted((*before, *mine), key=lambda one: one.at) if before else mine
                found[name] = tuple(both)
        return found

    def days(self, dataset: str) -> Mapping[dt.date, Publication]:
        """Return the last publishing of each day, by day."""
        if dataset not in self._days:
            last = {each.business_date: each for each in self.history.get(dataset, ())}
            self._days[dataset] = dict(sorted(last.items()))
        return self._days[dataset]

    def last(self, dataset: str, day: dt.date) -> Publication | None:
        """Return the last publishing of a day, None where there is none."""
        return self.days(dataset).get(day)

    def newest(self, dataset: str) -> Publication | None:
        """Return the publishing of the newest day, None where there is none."""
        days = self.days(dataset)
        return days[max(days)] if days else None


def publications_of(attempts: Iterable[Attempt]) -> dict[str, tuple[Publication, ...]]:
    """Return all publishings of each dataset and report, oldest first.

    What a later attempt only found published is not one more; what a part of a split step staged
    is published by the part that came last.
    """
    found: dict[str, list[Publication]] = defaultdict(list)
    known: set[tuple[str, dt.date]] = set()
    for at, each in sorted(_done(attempts), key=lambda pair: pair[0]):
        for output in each.outputs:
            partition = (output.dataset, output.business_date)
            if output.staged or (output.already_published and partition in known):
                continue
            known.add(partition)
            found[output.dataset].append(_publication(output, each, at))
    return {name: tuple(mine) for name, mine in found.items()}


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
