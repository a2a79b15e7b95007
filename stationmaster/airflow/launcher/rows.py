"""Task instances in bulk: heartbeats, "is it still running?", and the way back to a worker.

One SELECT and one UPDATE for all running steps every few seconds, where each worker of Airflow
sends a request of its own. Every function blocks: call it in a thread.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any, Final

from airflow.models.taskinstance import TaskInstance
from airflow.models.taskinstancehistory import TaskInstanceHistory
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from pydantic import BaseModel
from sqlalchemy import select, update

from stationmaster.airflow.launcher.api import UNIX_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import ColumnElement

__all__ = ["OVER", "Row", "beat", "earlier_ids", "hand_over", "known", "living", "look", "requeue"]

AT_ONCE: Final = 500
"""Ids in one statement."""

OVER: Final = frozenset({"success", "failed", "skipped", "removed", "upstream_failed"})


class Row(BaseModel):
    """Hold what the launcher needs of a task instance's row."""

    state: str | None
    next_method: str | None
    hostname: str | None
    unixname: str | None
    pid: int | None
    start_date: dt.datetime | None
    last_heartbeat_at: dt.datetime | None
    queued_at: dt.datetime | None


def look(ti_ids: Sequence[str]) -> dict[str, Row]:
    """Return the rows that there still are, by id."""
    ti = TaskInstance
    columns = (
        ti.id,
        ti.state,
        ti.next_method,
        ti.hostname,
        ti.unixname,
        ti.pid,
        ti.start_date,
        ti.last_heartbeat_at,
        ti.queued_dttm.label("queued_at"),
    )
    found: dict[str, Row] = {}
    with create_session(scoped=False) as session:
        for some in _chunks(ti_ids):
            for row in session.execute(select(*columns).where(ti.id.in_(some))):
                found[str(row.id)] = Row.model_validate(row._asdict() | {"state": _text(row.state)})
    return found


def beat(ti_ids: Sequence[str]) -> dict[str, str | None]:
    """Say that the steps live; return the state of each row that there still is, by id."""
    ti = TaskInstance
    states: dict[str, str | None] = {}
    with create_session(scoped=False) as session:
        for some in _chunks(ti_ids):
            rows = session.execute(select(ti.id, ti.state).where(ti.id.in_(some)))
            states.update({str(row.id): _text(row.state) for row in rows})
            session.execute(
                update(ti)
                .where(ti.id.in_(some), ti.state == TaskInstanceState.RUNNING)
                .values(last_heartbeat_at=dt.datetime.now(dt.UTC))
                .execution_options(synchronize_session=False)
            )
            session.commit()
    return states


def hand_over(ti_id: str, method: str | None, kwargs: dict[str, Any] | None) -> bool:
    """Queue a running task instance again, for a worker; tell whether it was still ours.

    Args:
        ti_id: Which.
        method: Of the operator, called instead of `execute`.
        kwargs: What the method is called with.
    """
    ours = TaskInstance.unixname == UNIX_NAME  # not one that a worker has by now
    return _queue_again(ti_id, ours, next_method=method, next_kwargs=kwargs)


def requeue(ti_id: str, last_heartbeat_at: dt.datetime | None) -> bool:
    """Queue a task whose worker fell silent again, as it was; tell whether it was still silent."""
    ti = TaskInstance
    return _queue_again(ti_id, ti.unixname != UNIX_NAME, ti.last_heartbeat_at == last_heartbeat_at)


def _queue_again(ti_id: str, *conditions: ColumnElement[bool], **values: Any) -> bool:  # noqa: ANN401 (columns of several types)
    """Turn a running row back into a queued one, if the conditions still hold."""
    ti = TaskInstance
    with create_session(scoped=False) as session:
        done = session.execute(
            update(ti)
            .where(ti.id == uuid.UUID(ti_id), ti.state == TaskInstanceState.RUNNING, *conditions)
            # The scheduler takes for stuck what is queued for long.
            .values(state=TaskInstanceState.QUEUED, queued_dttm=dt.datetime.now(dt.UTC), **values)
            .execution_options(synchronize_session=False)
        )
        session.commit()
    return bool(getattr(done, "rowcount", 0))


def earlier_ids(dag_id: str, run_id: str, task_id: str, map_index: int) -> list[str]:
    """Return the ids of all earlier tries of a task: clearing a running one gives it a new id."""
    history = TaskInstanceHistory
    with create_session(scoped=False) as session:
        ids = session.scalars(
            select(history.task_instance_id).where(
                history.dag_id == dag_id,
                history.run_id == run_id,
                history.task_id == task_id,
                history.map_index == map_index,
            )
        )
        return [str(each) for each in ids]


def living(ti_ids: Iterable[str]) -> set[str]:
    """Return those of the ids whose tasks are not over: their pods are owned."""
    ti = TaskInstance
    owned: set[str] = set()
    with create_session(scoped=False) as session:
        for some in _chunks(ti_ids):
            rows = session.execute(select(ti.id, ti.state).where(ti.id.in_(some)))
            owned |= {str(row.id) for row in rows if _text(row.state) not in OVER}
    return owned


def known(ti_ids: Iterable[str]) -> set[str]:
    """Return those of the ids that are, or were, a try of this Airflow's."""
    found: set[str] = set()
    with create_session(scoped=False) as session:
        for some in _chunks(ti_ids):
            for column in (TaskInstance.id, TaskInstanceHistory.task_instance_id):
                rows = session.scalars(select(column).where(column.in_(some)))
                found |= {str(each) for each in rows}
    return found


def _chunks(ti_ids: Iterable[str]) -> Iterator[list[uuid.UUID]]:
    ids = [uuid.UUID(each) for each in ti_ids]
    for start in range(0, len(ids), AT_ONCE):
        yield ids[start : start + AT_ONCE]


def _text(state: object) -> str | None:
    return None if state is None else str(getattr(state, "value", state))
