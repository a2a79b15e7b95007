"""Add what sizing and money need to know of an attempt, and the sizes that were applied."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

__all__ = ["down_revision", "downgrade", "revision", "upgrade"]

revision = "g1_0002"
down_revision = "g1_0001"

TEXTS = (
    *("trace_id", "team", "image_digest", "size_class", "size_why", "parameter_class"),
    *("node_pool", "instance_type", "capacity_type", "region", "zone", "price_currency"),
    *("price_note", "measured_by"),
)
COUNTS = (
    *("declared_cpu_millicores", "declared_memory_bytes", "enlarged_from_bytes", "input_bytes"),
    *("node_cpu_millicores", "node_memory_bytes", "proved_too_small_bytes"),
    "peak_working_set_bytes",
)
NUMBERS = ("node_price_per_hour", "throttled_seconds")


def upgrade() -> None:
    """Add columns that the release of before leaves at their defaults; Postgres rewrites no row."""
    for name in TEXTS:
        op.add_column("attempt", sa.Column(name, sa.Text, nullable=False, server_default=""))
    for name in COUNTS:
        op.add_column("attempt", sa.Column(name, sa.BigInteger))
    for name in NUMBERS:
        op.add_column("attempt", sa.Column(name, sa.Double))
    op.add_column("attempt", sa.Column("doubted", _document()))
    traced = sa.text("trace_id <> ''")
    op.create_index(
        "attempt_trace_id", "attempt", ["trace_id"], postgresql_where=traced, sqlite_where=traced
    )
    op.create_table("applied_size", *_applied_size())


def downgrade() -> None:
    """Drop them; what they held is lost, the attempts stay."""
    op.drop_table("applied_size")
    op.drop_index("attempt_trace_id", table_name="attempt")
    for name in ("doubted", *NUMBERS, *COUNTS, *TEXTS):
        op.drop_column("attempt", name)


def _applied_size() -> list[sa.schema.SchemaItem]:
    key = ("pipeline", "step", "job", "parameter_class")
    counts = ("cpu_millicores", "declared_memory_bytes", "recommended_memory_bytes")
    return [
        *(sa.Column(name, sa.Text, nullable=False) for name in key[:-1]),
        sa.Column("parameter_class", sa.Text, nullable=False, server_default=""),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint(*key, "applied_at"),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("memory_bytes", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.BigInteger) for name in (*counts, "proved_too_small_bytes")),
        sa.Column("why", sa.Text, nullable=False, server_default=""),
    ]


def _document() -> sa.types.TypeEngine[Any]:
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
