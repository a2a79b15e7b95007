"""Add an index for a pipeline's newest days, and the moments before which logins count no more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

__all__ = ["down_revision", "downgrade", "revision", "upgrade"]

revision = "g1_0010"
down_revision = "g1_0009"


def upgrade() -> None:
    """Make both."""
    op.create_index(
        "attempt_pipeline_business_date", "attempt", ["pipeline", "business_date"], unique=False
    )
    op.create_table(
        "login_epoch",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False, server_default=""),
    )


def downgrade() -> None:
    """Drop both; who was logged out may be in again, until his session ends by itself."""
    op.drop_table("login_epoch")
    op.drop_index("attempt_pipeline_business_date", "attempt")
