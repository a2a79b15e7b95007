"""Attempts as pages about products need them: few columns of the newest, made in one question."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from stationmaster.ledger.models import attempt
from stationmaster.monitor.facts.attempts import Attempt, attempt_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stationmaster.monitor.dashboard.reading.source import Source

__all__ = ["NewestAttempts"]

HISTORY: Final = dt.timedelta(days=29)
MOST_ATTEMPTS: Final = 800
"""Forty runs of twenty steps, or four weeks of a daily pipeline with twenty-seven."""

PLAIN: Final = (
    *("pipeline", "step", "run_id", "business_date", "recorded_at", "try_id", "shard", "shards"),
    *("attempt", "map_index", "try_number", "verdict", "queued_at", "created_at", "started_at"),
    "finished_at",
)
"""When each step ran, and how it ended."""

SAID: Final = {"outputs": "[]", "figures": "{}", "part_figures": "{}"}
"""Parts of a result that say numbers, and how an empty one is written: most steps say nothing."""


class NewestAttempts:
    """Have the newest attempts of one pipeline: a page needs four weeks, and not all of a crowd.

    Args:
        source: The ledger.
    """

    def __init__(self, source: Source) -> None:
        self._source = source

    def pipelines(self, since: dt.date, until: dt.date) -> Iterable[str]:
        """Return none: whoever asks names it."""
        del since, until
        return ()

    def attempts(self, pipeline: str, since: dt.date) -> list[Attempt]:
        """Return its attempts of the newest business dates."""
        del since  # counted from the newest day that it has: a try-out works on days long ago
        mine = attempt.c.pipeline == pipeline
        query = (
            sa.select(*(attempt.c[name] for name in PLAIN), *_said())
            .where(mine)
            .order_by(attempt.c.business_date.desc(), attempt.c.recorded_at.desc())
            .limit(MOST_ATTEMPTS)
        )
        rows = self._source.ask(lambda connection: connection.execute(query).all())
        oldest = rows[0].business_date - HISTORY if rows else dt.date.min
        return [_attempt(row) for row in rows if row.business_date >= oldest]

    def costs(self, since: dt.date, until: dt.date) -> Mapping[str, Mapping[dt.date, float]]:
        """Return none: money is read elsewhere."""
        del since, until
        return {}


def _said() -> Iterable[sa.ColumnElement[Any]]:
    """Return the parts of a result as texts, NULL where there is nothing in it."""
    for name, empty in SAID.items():
        text = sa.cast(attempt.c.result[name], sa.Text)
        yield sa.func.nullif(text, empty).label(name)


def _attempt(row: Any) -> Attempt:  # noqa: ANN401 (a row)
    values = tuple(row)
    own = dict(zip(PLAIN, values, strict=False))
    said = {
        name: json.loads(text)
        for name, text in zip(SAID, values[len(PLAIN) :], strict=True)
        if text is not None
    }
    return attempt_of({**own, "result": said}) if any(said.values()) else Attempt(**own)
