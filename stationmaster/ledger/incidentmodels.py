"""The tables of monitoring: what checks found, what became of it, who was told."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa

from stationmaster.ledger.models import DOCUMENT, METADATA, UtcTime

__all__ = [
    "check_state",
    "finding",
    "incident",
    "incident_event",
    "login_epoch",
    "notification",
    "operator_action",
    "silence",
    "watch_lease",
]


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default="")


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=True)


def _time(name: str, *, known: bool = False) -> sa.Column[Any]:
    return sa.Column(name, UtcTime, nullable=not known)


def _number() -> sa.Column[int]:
    # sqlite counts by itself only in an INTEGER primary key.
    kind = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    return sa.Column("id", kind, primary_key=True, autoincrement=True)


incident: Final = sa.Table(
    "incident",
    METADATA,
    _number(),
    sa.Column("uid", sa.Text, nullable=False),
    _text("cause"),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("document", DOCUMENT, nullable=False),
    _time("since", known=True),
    _time("opened_at", known=True),
    _time("updated_at", known=True),
    _time("gone_at"),
    _time("closed_at"),
    _time("acknowledged_at"),
    _text("acknowledged_by"),
    _text("judged"),
    _text("judged_by"),
    sa.Column("escalation", sa.Integer, nullable=False, server_default="0"),
    sa.Column("reopened", sa.Integer, nullable=False, server_default="0"),
    sa.Column("silence_id", sa.BigInteger),
    sa.UniqueConstraint("uid", name="incident_uid"),
    sa.Index("incident_opened_at", "opened_at"),
    sa.Index("incident_closed_at", "closed_at"),
    sa.Index(
        "incident_open",
        "updated_at",
        postgresql_where=sa.text("closed_at IS NULL"),
        sqlite_where=sa.text("closed_at IS NULL"),
    ),
)
"""One row an incident. `uid` names it where there is no number yet, because the database was away
when it was opened, and to services that must know an incident again. `cause` is the key of the
finding that explains the others; `document` is that finding; `state` is open, acknowledged or
closed; `gone_at`: since when nothing of it is found any more; `judged`: what people said of it
afterwards (real, false-alarm); `silence_id`: under which silence it is now; `escalation`: how many
steps of its route it has gone."""

finding: Final = sa.Table(
    "finding",
    METADATA,
    _number(),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("check_name", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("business_date", sa.Date),
    sa.Column("layer", sa.Text, nullable=False),
    sa.Column("severity", sa.Text, nullable=False),
    sa.Column("document", DOCUMENT, nullable=False),
    sa.Column("incident_id", sa.BigInteger),
    _time("since", known=True),
    _time("first_seen_at", known=True),
    _time("last_seen_at", known=True),
    _time("gone_at"),
    _time("cleared_at"),
    sa.Index("finding_incident_id", "incident_id"),
    sa.Index("finding_first_seen_at", "first_seen_at"),
    sa.Index(
        "finding_there",
        "key",
        unique=True,
        postgresql_where=sa.text("cleared_at IS NULL"),
        sqlite_where=sa.text("cleared_at IS NULL"),
    ),
)
"""One row a finding, from when it was first seen to when it was gone; `key` is FindingKey's text.
`gone_at`: a look did not find it any more; `cleared_at`: it has been gone for as long as its check
asks (`clear_after`), and counts no more; seen in between, the same row goes on.
Without an incident: it has not stood long enough yet, or is only good to know (info)."""

incident_event: Final = sa.Table(
    "incident_event",
    METADATA,
    _number(),
    sa.Column("incident_id", sa.BigInteger, nullable=False),
    _time("at", known=True),
    sa.Column("kind", sa.Text, nullable=False),
    _text("actor"),
    _text("sentence"),
    sa.Column("document", DOCUMENT),
    sa.Index("incident_event_incident_id", "incident_id", "at"),
)
"""What happened to an incident: `stationmaster.monitor.incidents.events.EventKind`."""

notification: Final = sa.Table(
    "notification",
    METADATA,
    _number(),
    sa.Column("incident_id", sa.BigInteger, nullable=False),
    sa.Column("event_id", sa.BigInteger, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("document", DOCUMENT, nullable=False),
    _time("made_at", known=True),
    _time("due_at", known=True),
    _time("sent_at"),
    _text("last_error"),
    sa.UniqueConstraint("event_id", "channel", name="notification_event_id_channel"),
    sa.Index("notification_incident_id", "incident_id"),
    sa.Index(
        "notification_waiting",
        "due_at",
        postgresql_where=sa.text("state = 'waiting'"),
        sqlite_where=sa.text("state = 'waiting'"),
    ),
)
"""The outbox: what must reach a channel, written in the transaction that made the event; `state`
is waiting, sent, given-up, or not-needed (overtaken by a later one before it was due)."""

silence: Final = sa.Table(
    "silence",
    METADATA,
    _number(),
    sa.Column("matcher", DOCUMENT, nullable=False),
    _time("begins_at", known=True),
    _time("ends_at", known=True),
    sa.Column("made_by", sa.Text, nullable=False),
    _time("made_at", known=True),
    _text("why"),
    sa.Index("silence_ends_at", "ends_at"),
)
"""What nobody wants to be told of for a time: `matcher` names fields of findings and values."""

check_state: Final = sa.Table(
    "check_state",
    METADATA,
    _key("check_name"),
    _time("looked_at", known=True),
    _time("answered_at"),
    sa.Column("outcome", sa.Text, nullable=False),
    _text("why"),
    sa.Column("findings", sa.Integer, nullable=False, server_default="0"),
    sa.Column("seconds", sa.Double, nullable=False, server_default="0"),
)
"""One row a check: when it looked last, and when it last could."""

operator_action: Final = sa.Table(
    "operator_action",
    METADATA,
    _number(),
    _time("at", known=True),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    _text("target"),
    _text("via"),
    sa.Column("document", DOCUMENT),
    sa.Index("operator_action_at", "at"),
)
"""Who did what: each action of people, from the command line or the dashboard, refused ones too."""

login_epoch: Final = sa.Table(
    "login_epoch",
    METADATA,
    _key("name"),
    _time("since", known=True),
    sa.Column("made_by", sa.Text, nullable=False),
    _text("why"),
)
"""Who was logged out of all browsers, and when: a session of the dashboard's that began before
`since` is none. `name` is the person's, or `*` for everybody."""

watch_lease: Final = sa.Table(
    "watch_lease",
    METADATA,
    _key("name"),
    sa.Column("holder", sa.Text, nullable=False),
    _time("until", known=True),
    _time("looked_at"),
    sa.Column("document", DOCUMENT),
)
"""Which watcher looks: one at a time; another takes over when the lease is over."""
