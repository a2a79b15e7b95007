"""Make the table of attempts."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

__all__ = ["down_revision", "downgrade", "revision", "upgrade"]

revision = "g1_0001"
down_revision = None


def upgrade() -> None:
    """Make the table and its indexes."""
    op.create_table("attempt", *_who(), *_where_and_when(), *_end(), *_used())
    op.create_index(
        "attempt_pipeline_step_business_date", "attempt", ["pipeline", "step", "business_date"]
    )
    op.create_index("attempt_business_date", "attempt", ["business_date"])
    op.create_index("attempt_finished_at", "attempt", ["finished_at"])
    op.create_index("attempt_recorded_at", "attempt", ["recorded_at"])


def downgrade() -> None:
    """Drop the table; what it held is lost."""
    op.drop_table("attempt")


def _who() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("try_id", sa.Text, nullable=False),
        sa.Column("shard", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("try_id", "shard", "attempt"),
        sa.Column("pipeline", sa.Text, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("map_index", sa.Integer, nullable=False),
        sa.Column("try_number", sa.Integer, nullable=False),
        sa.Column("shards", sa.Integer, nullable=False),
        sa.Column("job", sa.Text, nullable=False),
        sa.Column("business_date", sa.Date, nullable=False),
        sa.Column("traceparent", sa.Text),
    ]


def _where_and_when() -> list[sa.schema.SchemaItem]:
    times = ("queued_at", "created_at", "scheduled_at", "pulled_at", "started_at", "finished_at")
    return [
        *(_text(name) for name in ("image", "namespace", "pod_name", "pod_uid", "node")),
        *(sa.Column(name, sa.DateTime(timezone=True)) for name in times),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_cpu_millicores", sa.BigInteger),
        sa.Column("asked_memory_bytes", sa.BigInteger),
    ]


def _end() -> list[sa.schema.SchemaItem]:
    return [
        sa.Column("verdict", sa.Text),
        sa.Column("exit_code", sa.Integer),
        _text("sentence"),
        _text("hint"),
        sa.Column("evidence", _document()),
    ]


def _used() -> list[sa.schema.SchemaItem]:
    counts = ("peak_memory_bytes", "rows_read", "rows_written", "bytes_read", "bytes_written")
    return [
        sa.Column("wall_seconds", sa.Double),
        sa.Column("cpu_seconds", sa.Double),
        *(sa.Column(name, sa.BigInteger) for name in counts),
        sa.Column("result", _document()),
    ]


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def _document() -> sa.types.TypeEngine[Any]:
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
