"""The ledger's tables, as SQLAlchemy sees them; the migrations make them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

__all__ = [
    "DOCUMENT",
    "METADATA",
    "VERSION_TABLE",
    "UtcTime",
    "applied_size",
    "attempt",
    "node_life",
    "pipeline_day",
    "rolled_day",
    "step_day",
]

VERSION_TABLE: Final = "ledger_version"
"""Not Alembic's default name: the ledger may share a database with Airflow, which uses that."""

METADATA: Final = sa.MetaData()

DOCUMENT: Final = sa.JSON(none_as_null=True).with_variant(
    postgresql.JSONB(none_as_null=True), "postgresql"
)


class UtcTime(sa.TypeDecorator[dt.datetime]):
    """Store a moment in UTC; sqlite keeps no zone, so it is added back on the way out."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> Any:  # noqa: ANN401 (SQLAlchemy's signature)
        """Return the moment as the database takes it."""
        if value is None or dialect.name != "sqlite":
            return value
        return value.astimezone(dt.UTC).replace(tzinfo=None)

    def process_result_value(
        self,
        value: Any | None,  # noqa: ANN401 (SQLAlchemy's signature)
        dialect: Dialect,
    ) -> dt.datetime | None:
        """Return the moment with its zone."""
        del dialect
        if not isinstance(value, dt.datetime):
            return None
        if value.tzinfo is dt.UTC:  # as Postgres has it, thousands of times a page
            return value
        return value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)


def _text(name: str) -> sa.Column[str]:
    """Return a column in which "" means: not known."""
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def _time(name: str) -> sa.Column[dt.datetime]:
    return sa.Column(name, UtcTime)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger)


attempt: Final = sa.Table(
    "attempt",
    METADATA,
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("try_id", sa.Text, primary_key=True),
    sa.Column("shard", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("attempt", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("pipeline", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("map_index", sa.Integer, nullable=False),
    sa.Column("try_number", sa.Integer, nullable=False),
    sa.Column("shards", sa.Integer, nullable=False),
    sa.Column("job", sa.Text, nullable=False),
    sa.Column("business_date", sa.Date, nullable=False),
    sa.Column("traceparent", sa.Text),
    _text("trace_id"),
    _text("team"),
    _text("image"),
    _text("image_digest"),
    _text("namespace"),
    _text("pod_name"),
    _text("pod_uid"),
    _text("node"),
    _time("queued_at"),
    _time("created_at"),
    _time("scheduled_at"),
    _time("pulled_at"),
    _time("started_at"),
    _time("finished_at"),
    sa.Column("recorded_at", UtcTime, nullable=False),
    _count("asked_cpu_millicores"),
    _count("asked_memory_bytes"),
    _text("size_class"),
    _text("size_why"),
    _text("parameter_class"),
    _count("declared_cpu_millicores"),
    _count("declared_memory_bytes"),
    _count("enlarged_from_bytes"),
    _count("input_bytes"),
    _text("node_pool"),
    _text("instance_type"),
    _text("capacity_type"),
    _text("region"),
    _text("zone"),
    _count("node_cpu_millicores"),
    _count("node_memory_bytes"),
    sa.Column("node_price_per_hour", sa.Double),
    _text("price_currency"),
    _text("price_note"),
    # No CHECK and no table of verdicts: a new verdict would need a migration before the program
    # that writes it, and the program that is rolled back to could not read what it finds.
    sa.Column("verdict", sa.Text),
    sa.Column("exit_code", sa.Integer),
    _text("sentence"),
    _text("hint"),
    sa.Column("evidence", DOCUMENT),
    _count("proved_too_small_bytes"),
    sa.Column("wall_seconds", sa.Double),
    sa.Column("cpu_seconds", sa.Double),
    sa.Column("throttled_seconds", sa.Double),
    _count("peak_memory_bytes"),
    _count("peak_working_set_bytes"),
    _count("rows_read"),
    _count("rows_written"),
    _count("bytes_read"),
    _count("bytes_written"),
    sa.Column("result", DOCUMENT),
    _text("measured_by"),
    sa.Column("doubted", DOCUMENT),
    sa.Index("attempt_pipeline_step_business_date", "pipeline", "step", "business_date"),
    sa.Index("attempt_pipeline_business_date", "pipeline", "business_date"),
    sa.Index("attempt_business_date", "business_date"),
    sa.Index("attempt_finished_at", "finished_at"),
    sa.Index("attempt_recorded_at", "recorded_at"),
    sa.Index("attempt_run_id", "run_id"),
    sa.Index(
        "attempt_open",
        "recorded_at",
        postgresql_where=sa.text("verdict IS NULL"),
        sqlite_where=sa.text("verdict IS NULL"),
    ),
    # Steps without a trace are many, and nobody looks for them by it.
    sa.Index(
        "attempt_trace_id",
        "trace_id",
        postgresql_where=sa.text("trace_id <> ''"),
        sqlite_where=sa.text("trace_id <> ''"),
    ),
)
"""One row an attempt: the fields of AttemptRecord, in their order."""

applied_size: Final = sa.Table(
    "applied_size",
    METADATA,
    sa.Column("pipeline", sa.Text, primary_key=True),
    sa.Column("step", sa.Text, primary_key=True),
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("parameter_class", sa.Text, primary_key=True, server_default=""),
    sa.Column("applied_at", UtcTime, primary_key=True),
    sa.Column("mode", sa.Text, nullable=False),
    sa.Column("memory_bytes", sa.BigInteger, nullable=False),
    _count("cpu_millicores"),
    _count("declared_memory_bytes"),
    _count("recommended_memory_bytes"),
    _count("proved_too_small_bytes"),
    _text("why"),
)
"""What sizes were given, one row each time one changed: the newest of a step is in force."""


def _sums() -> list[sa.Column[Any]]:
    """Return what is summed up of a day."""
    counts = ("attempts", "priced_attempts", "peak_memory_bytes", "rows_read", "rows_written")
    seconds = ("wall_seconds", "waited_seconds", "cpu_seconds", "asked_byte_seconds")
    return [
        *(
            sa.Column(name, sa.BigInteger, nullable=False)
            for name in (*counts, "bytes_read", "bytes_written")
        ),
        *(
            sa.Column(name, sa.Double, nullable=False)
            for name in (*seconds, "peak_byte_seconds", "cost_usd")
        ),
    ]


def _key(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, primary_key=True) for name in names]


step_day: Final = sa.Table(
    "step_day",
    METADATA,
    sa.Column("day", sa.Date, primary_key=True),
    *_key("pipeline", "step", "verdict", "team", "capacity_type"),
    *_sums(),
    sa.Index("step_day_pipeline_step_day", "pipeline", "step", "day"),
)
"""Sums over the attempts that ended on a day (UTC, by `recorded_at`); the peak is the highest."""

pipeline_day: Final = sa.Table(
    "pipeline_day",
    METADATA,
    sa.Column("day", sa.Date, primary_key=True),
    *_key("pipeline", "verdict", "team", "capacity_type"),
    *_sums(),
)
"""The same over a pipeline's steps."""

rolled_day: Final = sa.Table(
    "rolled_day",
    METADATA,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("rolled_at", UtcTime, nullable=False),
    sa.Column("pruned", sa.Boolean, nullable=False, server_default=sa.false()),
    _time("until"),
)
"""The days whose sums stand in `step_day`, whole or up to `until`; a pruned one has no attempts
any more."""

node_life: Final = sa.Table(
    "node_life",
    METADATA,
    sa.Column("uid", sa.Text, primary_key=True),
    _text("name"),
    _text("instance_type"),
    _text("capacity_type"),
    _text("region"),
    _text("zone"),
    _text("node_pool"),
    _text("price_currency"),
    _text("price_note"),
    _count("cpu_millicores"),
    _count("memory_bytes"),
    _count("system_cpu_millicores"),
    _count("system_memory_bytes"),
    sa.Column("price_per_hour", sa.Double),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("seen_at", UtcTime, nullable=False),
    sa.Column("gone_at", UtcTime),
    sa.Index("node_life_seen_at", "seen_at"),
)
"""One row a node that steps may have run on, from its launch to its end, as far as that was seen;
else to when it was last seen."""
