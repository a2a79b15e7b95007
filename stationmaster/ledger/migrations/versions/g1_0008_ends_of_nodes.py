"""Add when a node was seen to go: a minute between two looks is too coarse for nodes of minutes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

__all__ = ["down_revision", "downgrade", "revision", "upgrade"]

revision = "g1_0008"
down_revision = "g1_0007"


def upgrade() -> None:
    """Add the column."""
    op.add_column("node_life", sa.Column("gone_at", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Drop it; ends are known to the minute again."""
    with op.batch_alter_table("node_life") as table:
        table.drop_column("gone_at")
