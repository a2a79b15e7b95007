"""Give the ledger a new generation, which every program of the first one refuses."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

__all__ = ["down_revision", "downgrade", "revision", "upgrade"]

revision = "g2_0001"
down_revision = "g1_0010"


def upgrade() -> None:
    """Add a column."""
    op.add_column("attempt", sa.Column("place", sa.Text))


def downgrade() -> None:
    """Drop it; what it held is lost."""
    op.drop_column("attempt", "place")
