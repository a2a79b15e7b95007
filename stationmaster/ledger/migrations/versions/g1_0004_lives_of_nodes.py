"""Add the table of nodes' lives: what the bill is made of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

__all__ = ["down_revision", "downgrade", "revision", "upgrade"]

revision = "g1_0004"
down_revision = "g1_0003"

TEXTS = (
    *("name", "instance_type", "capacity_type", "region", "zone", "node_pool"),
    *("price_currency", "price_note"),
)
COUNTS = ("cpu_millicores", "memory_bytes", "system_cpu_millicores", "system_memory_bytes")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "node_life",
        sa.Column("uid", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False, server_default="") for name in TEXTS),
        *(sa.Column(name, sa.BigInteger) for name in COUNTS),
        sa.Column("price_per_hour", sa.Double),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("node_life_seen_at", "node_life", ["seen_at"])


def downgrade() -> None:
    """Drop it; from then on bills are guessed from the attempts."""
    op.drop_table("node_life")
