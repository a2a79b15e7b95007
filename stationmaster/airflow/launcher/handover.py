"""Whose end a worker is asked to make; the scheduler's process reads it, so it imports little."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow.models.taskinstance import TaskInstance

__all__ = ["is_to_be_finished"]


def is_to_be_finished(ti: TaskInstance) -> bool:
    """Tell whether a worker is to end the task; strike out the end of an earlier try.

    Clearing a task while a worker ends it keeps `next_method` (`clear_task_instances`).
    """
    if not ti.next_method:
        return False
    kwargs = ti.next_kwargs or {}
    if kwargs.get("try_id", str(ti.id)) != str(ti.id):
        ti.next_method = None
        ti.next_kwargs = None
        return False
    return True
