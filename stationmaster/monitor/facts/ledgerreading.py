"""Read attempts from the ledger's database: a pipeline once, then only what was recorded since."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from stationmaster.ledger.days import day_sums
from stationmaster.ledger.engine import is_missing, make_engine, safe_name, transaction
from stationmaster.ledger.models import attempt
from stationmaster.monitor.facts.attempts import Attempt, attempt_of
from stationmaster.monitor.facts.ledger import ACTIVE_DAYS, HISTORY_DAYS
from stationmaster.monitor.facts.missing import FactsNotHereError, FactsUnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeVar

    T = TypeVar("T")

__all__ = ["MOST_ATTEMPTS", "LedgerReading"]

READING_SECONDS: Final = 20.0
MOST_ATTEMPTS: Final = 20_000
"""Of one pipeline, the newest business dates: a hundred days of two hundred attempts each."""

OVERLAP: Final = dt.timedelta(minutes=15)
"""A transaction that recorded before may be seen after."""

OLDER_DATES: Final = dt.timedelta(days=HISTORY_DAYS - ACTIVE_DAYS)
"""Of business dates before the history's first day, what was recorded so long after it counts."""

COLUMNS: Final = (*(name for name in Attempt._fields if name in attempt.c), "result")
KEY: Final = ("try_id", "shard", "attempt")


class LedgerReading:
    """Have the attempts of a ledger; kept between looks, and brought up to date by each.

    Args:
        location: SQLAlchemy URI.
    """

    def __init__(self, location: str) -> None:
        self._engine = make_engine(location)
        self._lock = threading.Lock()
        self._known: dict[str, dict[tuple[Any, ...], Attempt]] = {}
        self._since: dict[str, dt.date] = {}
        self._newest: dt.datetime | None = None
        self._versions: Counter[str] = Counter()

    def version(self, pipeline: str) -> int:
        """Return a number that is another one once an attempt of the pipeline is."""
        return self._versions[pipeline]

    def close(self) -> None:
        """Close its connections."""
        self._engine.dispose()

    def refresh(self) -> None:
        """Take up what was recorded since the last look, of the pipelines that were asked for.

        Raises:
            FactsNotHereError: Nobody has made the ledger yet.
            FactsUnavailableError: Its database does not answer.
        """
        with self._lock:
            if is_missing(self._engine):
                message = f"no ledger at {safe_name(self._engine)} yet"
                raise FactsNotHereError(message)
            if self._newest is not None:
                newer = attempt.c.recorded_at >= self._newest - OVERLAP
                for each in self._read(newer, attempt.c.pipeline.in_(sorted(self._known))):
                    self._keep(each)

    def pipelines(self, since: dt.date, until: dt.date) -> set[str]:
        """Return the pipelines of which something ended from day to day, or goes on."""

        def ask(connection: sa.Connection) -> set[str]:
            days = day_sums(connection, since, until, steps=False)
            ended = connection.execute(sa.select(days.c.pipeline).distinct())
            going = sa.select(attempt.c.pipeline).where(attempt.c.verdict.is_(None)).distinct()
            return {*ended.scalars(), *connection.execute(going).scalars()}

        return self._ask(ask)

    def attempts(self, pipeline: str, since: dt.date) -> Iterable[Attempt]:
        """Return a pipeline's attempts of the business dates since a day.

        Of older dates those that ran of late: old days are caught up, and fail, too.
        """
        late = dt.datetime.combine(since, dt.time(), dt.UTC) + OLDER_DATES
        with self._lock:
            if pipeline not in self._known or since < self._since[pipeline]:
                mine = attempt.c.pipeline == pipeline
                self._known[pipeline] = {}
                self._since[pipeline] = since
                for condition in (attempt.c.business_date >= since, attempt.c.recorded_at >= late):
                    for each in self._read(mine, condition):
                        self._keep(each)
            return tuple(
                each
                for each in self._known[pipeline].values()
                if each.business_date >= since or each.recorded_at >= late
            )

    def costs(self, since: dt.date, until: dt.date) -> Mapping[str, Mapping[dt.date, float]]:
        """Return what each pipeline cost each day, in USD, where anything of it had a price."""

        def ask(connection: sa.Connection) -> dict[str, dict[dt.date, float]]:
            days = day_sums(connection, since, until, steps=False)
            cost = sa.func.sum(days.c.cost_usd)
            query = (
                sa.select(days.c.pipeline, days.c.day, cost)
                .where(days.c.priced_attempts > 0)
                .group_by(days.c.pipeline, days.c.day)
            )
            found: dict[str, dict[dt.date, float]] = defaultdict(dict)
            for pipeline, day, usd in connection.execute(query):
                found[pipeline][day] = float(usd)
            return found

        return self._ask(ask)

    def _keep(self, each: Attempt) -> None:
        """Keep an attempt, and when the newest was recorded.

        By the clocks of recorders: ours may be apart from theirs, and in a replay it is years
        ahead. One that is in the future must not hide what comes until then.
        """
        mine, key = self._known[each.pipeline], _key(each)
        if mine.get(key) != each:
            mine[key] = each
            self._versions[each.pipeline] += 1
        known = each.recorded_at if self._newest is None else max(self._newest, each.recorded_at)
        self._newest = min(known, dt.datetime.now(dt.UTC))

    def _read(self, *conditions: sa.ColumnElement[bool]) -> list[Attempt]:
        query = (
            sa.select(*(attempt.c[name] for name in COLUMNS))
            .where(*conditions)
            .order_by(attempt.c.business_date.desc())
            .limit(MOST_ATTEMPTS)
        )
        return self._ask(
            lambda connection: [
                attempt_of(dict(row)) for row in connection.execute(query).mappings()
            ]
        )

    def _ask(self, ask: Callable[[sa.Connection], T]) -> T:
        try:
            with transaction(self._engine, seconds=READING_SECONDS) as connection:
                return ask(connection)
        except SQLAlchemyError as error:
            told = " ".join(str(getattr(error, "orig", None) or type(error).__name__).split())
            message = f"the ledger at {safe_name(self._engine)} does not answer: {told}"
            raise FactsUnavailableError(message) from error


def _key(each: Attempt) -> tuple[Any, ...]:
    return tuple(getattr(each, name) for name in KEY)
