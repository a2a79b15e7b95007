"""Which of two records of the same attempt stands: once as a function, once as SQL.

- Facts (image, node, times up to the start, what was asked) never change: what is known first
  stands, what was not known is filled in.
- The first record with a verdict ends the attempt. Another one with the same verdict fills gaps;
  one with a different verdict, or with none, changes nothing about the end.
- `unknown` is the verdict of an attempt that nobody saw end: it stands until somebody did.
- While there is no verdict, the newest word (by `recorded_at`) stands.

So the order in which two recorders arrive decides nothing but which of two contradicting
verdicts stands, and that one never changes again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stationmaster.ledger.records import AttemptKey, AttemptRecord

__all__ = ["END", "FACTS", "IDENTITY", "UNSEEN", "USED", "fold", "merged", "update_clause"]

IDENTITY: Final = frozenset(
    {
        *("version", "kind", "try_id", "shard", "attempt", "pipeline", "run_id", "step"),
        *("map_index", "try_number", "shards", "job", "business_date"),
    }
)
"""Fixed by the first record."""

FACTS: Final = frozenset(
    {
        *("traceparent", "image", "namespace", "pod_name", "pod_uid", "node"),
        *("queued_at", "created_at", "scheduled_at", "pulled_at", "started_at"),
        *("asked_cpu_millicores", "asked_memory_bytes", "trace_id", "team", "image_digest"),
        *("size_class", "size_why", "parameter_class", "enlarged_from_bytes", "input_bytes"),
        *("declared_cpu_millicores", "declared_memory_bytes", "node_pool", "instance_type"),
        *("capacity_type", "region", "zone", "node_cpu_millicores", "node_memory_bytes"),
        *("node_price_per_hour", "price_currency", "price_note"),
    }
)
"""Known once, then fixed."""

END: Final = frozenset(
    {
        *("verdict", "exit_code", "sentence", "hint", "evidence", "finished_at"),
        "proved_too_small_bytes",
    }
)
"""Told by whoever gave the verdict."""

USED: Final = frozenset(
    {
        *("wall_seconds", "cpu_seconds", "peak_memory_bytes", "rows_read", "rows_written"),
        *("bytes_read", "bytes_written", "result", "throttled_seconds"),
        *("peak_working_set_bytes", "measured_by", "doubted"),
    }
)
"""The step's own last word."""

NOT_KNOWN: Final = (None, "")

UNSEEN: Final = "unknown"
"""`stationmaster.airflow.life.findings` has it too: the end that nobody saw."""


def merged(row: AttemptRecord, record: AttemptRecord) -> AttemptRecord:
    """Return what stands when `record` arrives and the ledger has `row`."""
    unseen = row.verdict == UNSEEN and record.verdict not in {None, UNSEEN}
    took = (row.verdict is None and record.verdict is not None) or unseen
    unended = row.verdict is None and record.verdict is None
    newer = unended and record.recorded_at >= row.recorded_at
    same = row.verdict == record.verdict and not newer
    stands: dict[str, Any] = {}
    for name in FACTS | END | USED:
        old, new = getattr(row, name), getattr(record, name)
        if name in END and took:
            stands[name] = new
        elif name not in FACTS and (took or newer):
            stands[name] = _known(new, old)
        elif name in FACTS or same:
            stands[name] = _known(old, new)
    stands["recorded_at"] = record.recorded_at if took or newer else row.recorded_at
    return row.model_copy(update=stands)


def fold(records: Iterable[AttemptRecord]) -> list[AttemptRecord]:
    """Return one record an attempt, sorted by key, as if they had arrived one after the other.

    Sorted, so that two recorders lock rows in the same order; one each, since Postgres refuses
    to touch a row twice in one upsert.
    """
    found: dict[AttemptKey, AttemptRecord] = {}
    for record in records:
        known = found.get(record.key)
        found[record.key] = record if known is None else merged(known, record)
    return [found[key] for key in sorted(found)]


def update_clause(table: sa.Table, excluded: Any) -> dict[str, sa.ColumnElement[Any]]:  # noqa: ANN401 (each dialect has a type of its own)
    """Return `merged` as the SET of an INSERT … ON CONFLICT DO UPDATE.

    Args:
        table: The table of attempts, as the row that is there.
        excluded: The dialect's name for the row that arrives.
    """
    row, new = table.c, excluded
    unseen = sa.and_(row.verdict == UNSEEN, new.verdict != UNSEEN)
    took = sa.or_(sa.and_(row.verdict.is_(None), new.verdict.is_not(None)), unseen)
    unended = sa.and_(row.verdict.is_(None), new.verdict.is_(None))
    newer = sa.and_(unended, new.recorded_at >= row.recorded_at)
    same = sa.or_(row.verdict == new.verdict, unended)  # asked after `newer`

    def stands(name: str) -> sa.ColumnElement[Any]:
        old: sa.ColumnElement[Any] = row[name]
        late: sa.ColumnElement[Any] = new[name]
        kept = _known_sql(old, late)
        if name in FACTS:
            return kept
        fresh = _known_sql(late, old)
        return sa.case(
            (took, late if name in END else fresh), (newer, fresh), (same, kept), else_=old
        )

    clause = {name: stands(name) for name in sorted(FACTS | END | USED)}
    clause["recorded_at"] = sa.case((sa.or_(took, newer), new.recorded_at), else_=row.recorded_at)
    return clause


def _known(first: object, second: object) -> object:
    return second if first in NOT_KNOWN else first


def _known_sql(
    first: sa.ColumnElement[Any], second: sa.ColumnElement[Any]
) -> sa.ColumnElement[Any]:
    if isinstance(first.type, sa.Text):
        return sa.func.coalesce(sa.func.nullif(first, ""), second)
    return sa.func.coalesce(first, second)
