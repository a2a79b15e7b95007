"""The ledger itself: record attempts, read them back."""

from __future__ import annotations

import datetime as dt
import functools
from typing import TYPE_CHECKING, Any, Final, Self

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from stationmaster.ledger import schema
from stationmaster.ledger.choosing import Choice
from stationmaster.ledger.days import forget_sums, roll_up
from stationmaster.ledger.engine import (
    STATEMENT_SECONDS,
    is_missing,
    make_engine,
    safe_name,
    transaction,
)
from stationmaster.ledger.merging import UNSEEN, fold, update_clause
from stationmaster.ledger.models import attempt
from stationmaster.ledger.nodelives import lives_between, see_nodes
from stationmaster.ledger.records import AttemptRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from stationmaster.ledger.cost.nodes import NodeLife
    from stationmaster.ledger.nodelives import NodeSeen
    from stationmaster.ledger.records import AttemptKey

__all__ = ["Ledger", "disputed"]

MOST_ROWS = 100_000
"""Rows that one reading returns: a question that needs more is one for SQL."""

MOST_OPEN: Final = 1000
"""Attempts without an end that one look finds; the next look finds the others."""


class Ledger:
    """Hold the table of all attempts; safe to share between threads.

    Methods raise `sqlalchemy.exc.OperationalError` when the database does not answer, and
    MisconfiguredError when its schema does not fit.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._fits = False

    @classmethod
    def open(cls, uri: str) -> Self:
        """Return the ledger at a SQLAlchemy URI of sqlite or Postgres; connects at first use.

        Raises:
            MisconfiguredError: No URI, or one of another database.
        """
        return cls(make_engine(uri))

    @property
    def is_missing(self) -> bool:
        """Tell whether it is a file that nobody has made yet."""
        return is_missing(self._engine)

    @property
    def is_local(self) -> bool:
        """Tell whether it is a file of this machine."""
        return self._engine.dialect.name == "sqlite"

    @property
    def name(self) -> str:
        """Return where it is, without a password."""
        return safe_name(self._engine)

    def close(self) -> None:
        """Close its connections."""
        self._engine.dispose()

    def migrate(self) -> tuple[str | None, str]:
        """Bring the schema to this program's revision; return what was there and what is."""
        from stationmaster.ledger import migrating  # noqa: PLC0415 (whoever records needs no Alembic)

        return migrating.migrate(self._engine)

    def downgrade(self, revision: str) -> tuple[str | None, str]:
        """Take the schema back to an older revision; return what was there and what is."""
        from stationmaster.ledger import migrating  # noqa: PLC0415 (as above)

        self._fits = False
        return migrating.downgrade(self._engine, revision)

    def record(self, record: AttemptRecord) -> str | None:
        """Write down one attempt; return the verdict that stands for it."""
        return self.record_all([record])[record.key]

    def record_all(self, records: Iterable[AttemptRecord]) -> dict[AttemptKey, str | None]:
        """Write down attempts in one transaction; return the verdict that stands for each.

        Recording is idempotent; `stationmaster.ledger.merging` says what stands.

        Raises:
            MisconfiguredError: The schema does not fit this program.
        """
        rows = [_row(record) for record in fold(records)]
        if not rows:
            return {}
        self._require_schema()
        now = dt.datetime.now(dt.UTC)
        with transaction(self._engine, writes=True) as connection:
            found = connection.execute(_upsert(self._engine.dialect.name), rows)
            stands = {(each.try_id, each.shard, each.attempt): each.verdict for each in found}
            forget_sums(connection, [each["recorded_at"] for each in rows], now)
            return stands

    def attempts_of_try(self, try_id: str) -> list[AttemptRecord]:
        """Return the attempts of one try, by shard and attempt."""
        mine = attempt.c.try_id == try_id
        return self._read(sa.select(attempt).where(mine).order_by(*attempt.primary_key))

    def open_attempts(self, before: dt.datetime) -> list[AttemptRecord]:
        """Return the attempts without an end whose last word is older than that, oldest first."""
        query = sa.select(attempt).where(
            attempt.c.verdict.is_(None), attempt.c.recorded_at < before
        )
        return self._read(query.order_by(attempt.c.recorded_at), most=MOST_OPEN)

    def attempts_of_step(
        self, pipeline: str, step: str, *, since: dt.date, until: dt.date
    ) -> list[AttemptRecord]:
        """Return the attempts of a step by business date, both days included, oldest first."""
        query = sa.select(attempt).where(
            attempt.c.pipeline == pipeline,
            attempt.c.step == step,
            attempt.c.business_date.between(since, until),
        )
        order = (attempt.c.business_date, attempt.c.recorded_at, *attempt.primary_key)
        return self._read(query.order_by(*order))

    def last(
        self,
        count: int,
        choice: Choice | None = None,
        *,
        pipeline: str | None = None,
        step: str | None = None,
        business_date: dt.date | None = None,
    ) -> list[AttemptRecord]:
        """Return the attempts recorded last, newest first."""
        chosen = choice or Choice(
            pipeline=pipeline, step=step, since=business_date, until=business_date
        )
        newest = (attempt.c.recorded_at.desc(), *attempt.primary_key)
        query = sa.select(attempt).where(chosen.condition())
        return self._read(query.order_by(*newest), most=count)

    def export(self, choice: Choice, out: Path) -> int:
        """Write attempts to a Parquet file; return how many.

        Raises:
            MisconfiguredError: pyarrow is not installed, or the file cannot be written.
        """
        from stationmaster.ledger import exporting  # noqa: PLC0415 (whoever records needs none)

        self._require_schema()
        return exporting.export(self._engine, choice.condition(), out)

    def roll_up(self) -> list[dt.date]:
        """Sum up the days that are not, and today; return which."""
        self._require_schema()
        return roll_up(self._engine, now=dt.datetime.now(dt.UTC))

    def prune(self, keep_days: int) -> int:
        """Remove the attempts that are older than that; return how many. Sums of days stay."""
        from stationmaster.ledger import retention  # noqa: PLC0415 (as above)

        self._require_schema()
        now = dt.datetime.now(dt.UTC)
        return retention.prune(self._engine, keep_days=keep_days, now=now)

    def see_nodes(self, nodes: Iterable[NodeSeen]) -> None:
        """Write down the nodes that are there; twice is once."""
        self._require_schema()
        see_nodes(self._engine, nodes)

    def lives_between(self, since: dt.datetime, until: dt.datetime) -> list[NodeLife]:
        """Return the nodes that were there in a time and have a price and a size."""
        self._require_schema()
        return lives_between(self._engine, since, until)

    def select(
        self,
        query: Callable[[sa.Connection], sa.Select[Any]],
        seconds: float = STATEMENT_SECONDS,
    ) -> list[dict[str, Any]]:
        """Return the rows of a question, as plain dictionaries.

        Args:
            query: Makes it; the connection is for those who must look before they ask.
            seconds: Most that it may take.
        """
        self._require_schema()
        with transaction(self._engine, seconds=seconds) as connection:
            return [dict(row) for row in connection.execute(query(connection)).mappings()]

    def _read(
        self, query: sa.Select[tuple[Any, ...]], most: int = MOST_ROWS
    ) -> list[AttemptRecord]:
        self._require_schema()
        with transaction(self._engine) as connection:
            rows = connection.execute(query.limit(most)).mappings()
            return [AttemptRecord.model_validate(dict(row)) for row in rows]

    def _require_schema(self) -> None:
        """Look at the schema once: it changes only when a release does.

        A file on a laptop is brought up by whoever uses it first; a database that others use too
        is migrated when its owner says so.
        """
        if self._fits:
            return
        if self.is_local and schema.is_behind(self._engine):
            self.migrate()
        schema.require(self._engine)
        self._fits = True


def disputed(
    records: Iterable[AttemptRecord], standing: Mapping[AttemptKey, str | None]
) -> list[tuple[AttemptRecord, str]]:
    """Return the records whose verdict another recorder had contradicted before."""
    found = []
    for record in records:
        stands = standing.get(record.key)
        if record.verdict in {None, UNSEEN} or stands is None:
            continue
        if stands != record.verdict:
            found.append((record, stands))
    return found


def _row(record: AttemptRecord) -> dict[str, Any]:
    row = record.model_dump(exclude={"result"})
    row["kind"] = record.kind.value
    row["result"] = None if record.result is None else record.result.model_dump(mode="json")
    return row


@functools.cache
def _upsert(dialect: str) -> Any:  # noqa: ANN401 (each dialect has a type of its own)
    """Return the statement; made once, since making it takes longer than the database does."""
    insert = (postgresql if dialect == "postgresql" else sqlite).insert(attempt)
    return insert.on_conflict_do_update(
        index_elements=list(attempt.primary_key),
        set_=update_clause(attempt, insert.excluded),
    ).returning(attempt.c.try_id, attempt.c.shard, attempt.c.attempt, attempt.c.verdict)
