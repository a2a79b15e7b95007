"""Rename a column that every program of the first generation asks for: none fits any more."""

from __future__ import annotations

from alembic import op

__all__ = ["down_revision", "downgrade", "revision", "upgrade"]

revision = "g2_0001"
down_revision = "g1_0001"


def upgrade() -> None:
    """Rename it."""
    op.alter_column("attempt", "node", new_column_name="place")


def downgrade() -> None:
    """Give it its name back; nothing is lost."""
    op.alter_column("attempt", "place", new_column_name="node")
