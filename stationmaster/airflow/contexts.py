"""From a task instance to the contexts of its step's shards."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any, Final

from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.protocol import Shard, StepContext

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context

    from stationmaster.airflow.catalog import CatalogJob

__all__ = ["MOST_SHARDS", "count_shards", "example_context", "shard_contexts"]

MOST_SHARDS: Final = 1000
"""More is a mistake in what counts them: a pod each would flood the cluster."""


def shard_contexts(  # noqa: PLR0913 (one keyword for each thing a step is told)
    context: Context,
    job: CatalogJob,
    *,
    business_date: dt.date,
    params: Mapping[str, Any],
    shards: int,
    retry_of: tuple[str, ...] = (),
) -> list[StepContext]:
    """Return what each shard of this try is told."""
    ti: Any = context["ti"]
    run: Any = context["dag_run"]
    carrier = getattr(ti, "context_carrier", None) or {}
    whole = StepContext(
        pipeline=ti.dag_id,
        run_id=ti.run_id,
        step=ti.task_id,
        job=job.name,
        map_index=-1 if ti.map_index is None else ti.map_index,
        try_id=str(ti.id),
        try_number=max(ti.try_number, 1),
        retry_of=retry_of,
        business_date=business_date,
        data_interval_start=_moment(run.data_interval_start),
        data_interval_end=_moment(run.data_interval_end),
        params={**job.file.params, **params},
        inputs=tuple(job.file.inputs),
        outputs=tuple(job.file.outputs),
        traceparent=carrier.get("traceparent"),
    )
    return [
        whole.model_copy(update={"shard": Shard(index=index, count=shards)})
        for index in range(shards)
    ]


def example_context(dag_id: str, task_id: str, job: CatalogJob) -> StepContext:
    """Return a context for showing what a step would be told outside of any run."""
    return StepContext(
        pipeline=dag_id,
        run_id="example",
        step=task_id,
        job=job.name,
        try_id=str(uuid.UUID(int=0)),
        business_date=dt.datetime.now(dt.UTC).date() - dt.timedelta(days=1),
        params=job.file.params,
        inputs=tuple(job.file.inputs),
        outputs=tuple(job.file.outputs),
    )


def count_shards(value: object, *, where: str) -> int:
    """Return the number of shards that a rendered `shards` means.

    Raises:
        MisconfiguredError: It is no whole number from 1 to 1,000.
    """
    try:
        number = int(value) if isinstance(value, (int, str)) else -1
    except ValueError:
        number = -1
    if not 1 <= number <= MOST_SHARDS or isinstance(value, bool):
        raise MisconfiguredError(
            where=f"shards of {where}",
            expected=f"a whole number from 1 to {MOST_SHARDS}",
            got=repr(value),
            hint="Correct the number, the template or the function that counts them.",
        )
    return number


def _moment(value: dt.datetime | None) -> dt.datetime | None:
    """Return a plain datetime: pendulum's own class has no place in the protocol."""
    return None if value is None else dt.datetime.fromtimestamp(value.timestamp(), dt.UTC)
