"""Add the tables of monitoring: findings, incidents, who was told, who did what."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

__all__ = ["down_revision", "downgrade", "revision", "upgrade"]

revision = "g1_0009"
down_revision = "g1_0008"

DOCUMENT = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
TABLES = (
    *("watch_lease", "operator_action", "check_state", "silence", "notification"),
    *("incident_event", "finding", "incident"),
)


def upgrade() -> None:
    """Make the tables."""
    _incidents()
    _findings()
    _events()
    _notifications()
    _people()
    _watchers()


def downgrade() -> None:
    """Drop them, with all incidents and what people said of them."""
    for table in TABLES:
        op.drop_table(table)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def _needed(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _time(name: str, *, known: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not known)


def _document(*, known: bool = False) -> sa.Column[Any]:
    return sa.Column("document", DOCUMENT, nullable=not known)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False, server_default="0")


def _number() -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    return sa.Column("id", kind, primary_key=True, autoincrement=True)


def _some(name: str, table: str, column: str, where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(
        name,
        table,
        [column],
        unique=unique,
        postgresql_where=condition,
        sqlite_where=condition,
    )


def _incidents() -> None:
    op.create_table(
        "incident",
        _number(),
        _needed("uid"),
        _text("cause"),
        *(_needed(name) for name in ("state", "severity", "owner", "title")),
        _document(known=True),
        *(_time(name, known=True) for name in ("since", "opened_at", "updated_at")),
        *(_time(name) for name in ("gone_at", "closed_at", "acknowledged_at")),
        *(_text(name) for name in ("acknowledged_by", "judged", "judged_by")),
        *(_count(name) for name in ("escalation", "reopened")),
        sa.Column("silence_id", sa.BigInteger),
        sa.UniqueConstraint("uid", name="incident_uid"),
    )
    op.create_index("incident_opened_at", "incident", ["opened_at"])
    op.create_index("incident_closed_at", "incident", ["closed_at"])
    _some("incident_open", "incident", "updated_at", "closed_at IS NULL")


def _findings() -> None:
    op.create_table(
        "finding",
        _number(),
        *(_needed(name) for name in ("key", "check_name", "subject")),
        sa.Column("business_date", sa.Date),
        *(_needed(name) for name in ("layer", "severity")),
        _document(known=True),
        sa.Column("incident_id", sa.BigInteger),
        *(_time(name, known=True) for name in ("since", "first_seen_at", "last_seen_at")),
        *(_time(name) for name in ("gone_at", "cleared_at")),
    )
    op.create_index("finding_incident_id", "finding", ["incident_id"])
    op.create_index("finding_first_seen_at", "finding", ["first_seen_at"])
    _some("finding_there", "finding", "key", "cleared_at IS NULL", unique=True)


def _events() -> None:
    op.create_table(
        "incident_event",
        _number(),
        sa.Column("incident_id", sa.BigInteger, nullable=False),
        _time("at", known=True),
        _needed("kind"),
        *(_text(name) for name in ("actor", "sentence")),
        _document(),
    )
    op.create_index("incident_event_incident_id", "incident_event", ["incident_id", "at"])


def _notifications() -> None:
    op.create_table(
        "notification",
        _number(),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("incident_id", "event_id")),
        *(_needed(name) for name in ("channel", "state")),
        _count("attempts"),
        _document(known=True),
        *(_time(name, known=True) for name in ("made_at", "due_at")),
        _time("sent_at"),
        _text("last_error"),
        sa.UniqueConstraint("event_id", "channel", name="notification_event_id_channel"),
    )
    op.create_index("notification_incident_id", "notification", ["incident_id"])
    _some("notification_waiting", "notification", "due_at", "state = 'waiting'")


def _people() -> None:
    op.create_table(
        "silence",
        _number(),
        sa.Column("matcher", DOCUMENT, nullable=False),
        *(_time(name, known=True) for name in ("begins_at", "ends_at")),
        _needed("made_by"),
        _time("made_at", known=True),
        _text("why"),
    )
    op.create_index("silence_ends_at", "silence", ["ends_at"])
    op.create_table(
        "operator_action",
        _number(),
        _time("at", known=True),
        *(_needed(name) for name in ("actor", "role", "action")),
        *(_text(name) for name in ("target", "via")),
        _document(),
    )
    op.create_index("operator_action_at", "operator_action", ["at"])


def _watchers() -> None:
    op.create_table(
        "check_state",
        sa.Column("check_name", sa.Text, primary_key=True),
        _time("looked_at", known=True),
        _time("answered_at"),
        _needed("outcome"),
        _text("why"),
        _count("findings"),
        sa.Column("seconds", sa.Double, nullable=False, server_default="0"),
    )
    op.create_table(
        "watch_lease",
        sa.Column("name", sa.Text, primary_key=True),
        _needed("holder"),
        _time("until", known=True),
        _time("looked_at"),
        _document(),
    )
