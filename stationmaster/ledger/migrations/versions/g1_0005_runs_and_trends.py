"""Add indexes for a run's attempts, and for a step's days."""

from __future__ import annotations

from alembic import op

__all__ = ["down_revision", "downgrade", "revision", "upgrade"]

revision = "g1_0005"
down_revision = "g1_0004"


def upgrade() -> None:
    """Make the indexes."""
    op.create_index("attempt_run_id", "attempt", ["run_id"])
    op.create_index("step_day_pipeline_step_day", "step_day", ["pipeline", "step", "day"])


def downgrade() -> None:
    """Drop them."""
    op.drop_index("step_day_pipeline_step_day", "step_day")
    op.drop_index("attempt_run_id", "attempt")
