"""Add the sums of each pipeline's days: a twentieth of those of its steps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

__all__ = ["down_revision", "downgrade", "revision", "upgrade"]

revision = "g1_0007"
down_revision = "g1_0006"

KEY = ("pipeline", "verdict", "team", "capacity_type")
COUNTS = (
    *("attempts", "priced_attempts", "peak_memory_bytes", "rows_read", "rows_written"),
    *("bytes_read", "bytes_written"),
)
NUMBERS = (
    *("wall_seconds", "waited_seconds", "cpu_seconds", "asked_byte_seconds"),
    *("peak_byte_seconds", "cost_usd"),
)


def upgrade() -> None:
    """Make the table, and fill it from what is summed up."""
    op.create_table(
        "pipeline_day",
        sa.Column("day", sa.Date, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in KEY),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in COUNTS),
        *(sa.Column(name, sa.Double, nullable=False) for name in NUMBERS),
        sa.PrimaryKeyConstraint("day", *KEY),
    )
    keys = ", ".join(("day", *KEY))
    sums = ("MAX(peak_memory_bytes)" if n == "peak_memory_bytes" else f"SUM({n})" for n in COUNTS)
    numbers = (f"SUM({name})" for name in NUMBERS)
    op.execute(
        f"INSERT INTO pipeline_day SELECT {keys}, {', '.join((*sums, *numbers))} "  # noqa: S608 (constants)
        f"FROM step_day GROUP BY {keys}"
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("pipeline_day")
