"""Let a day be summed up while it lasts: up to when its sums go."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

__all__ = ["down_revision", "downgrade", "revision", "upgrade"]

revision = "g1_0006"
down_revision = "g1_0005"


def upgrade() -> None:
    """Add the column; NULL is the whole day."""
    op.add_column("rolled_day", sa.Column("until", sa.DateTime(timezone=True)))


def downgrade() -> None:
    """Drop it, and the sums of days that were not over: the release of before has no such."""
    op.execute("DELETE FROM rolled_day WHERE until IS NOT NULL")
    op.drop_column("rolled_day", "until")
