"""Add sums of each day, and an index of the attempts that go on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

__all__ = ["down_revision", "downgrade", "revision", "upgrade"]

revision = "g1_0003"
down_revision = "g1_0002"

COUNTS = (
    *("attempts", "priced_attempts", "peak_memory_bytes", "rows_read", "rows_written"),
    *("bytes_read", "bytes_written"),
)
NUMBERS = (
    *("wall_seconds", "waited_seconds", "cpu_seconds", "asked_byte_seconds"),
    *("peak_byte_seconds", "cost_usd"),
)


def upgrade() -> None:
    """Make the tables and the index; sums come with the next `stationmaster ledger roll-up`."""
    goes_on = sa.text("verdict IS NULL")
    op.create_index(
        "attempt_open",
        "attempt",
        ["recorded_at"],
        postgresql_where=goes_on,
        sqlite_where=goes_on,
    )
    key = ("pipeline", "step", "verdict", "team", "capacity_type")
    op.create_table(
        "step_day",
        sa.Column("day", sa.Date, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in key),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in COUNTS),
        *(sa.Column(name, sa.Double, nullable=False) for name in NUMBERS),
        sa.PrimaryKeyConstraint("day", *key),
    )
    op.create_table(
        "rolled_day",
        sa.Column("day", sa.Date, primary_key=True),
        sa.Column("rolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pruned", sa.Boolean, nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    """Drop them: the sums can be made again, save those of days whose attempts were pruned."""
    op.drop_table("rolled_day")
    op.drop_table("step_day")
    op.drop_index("attempt_open", table_name="attempt")
