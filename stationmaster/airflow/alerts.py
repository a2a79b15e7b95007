"""Alerts: what, where, since when, who is affected, what to do next."""

from __future__ import annotations

import datetime as dt
import logging
import sys
from typing import TYPE_CHECKING, Any

from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["deadline_missed", "deadline_sentence", "due_after"]

log = logging.getLogger(__name__)


def due_after(interval: dt.timedelta, *, product: str, readers: str) -> DeadlineAlert | None:
    """Return the alert for a run that has not ended by then, counted from its scheduled time.

    None in `airflow dags test`: Airflow 3.3.2 ends it with a traceback after a run that succeeded
    when the DAG has a deadline (https://github.com/apache/airflow/issues/73428), and without a
    scheduler nothing could fire it.

    Args:
        interval: From the run's scheduled time to the moment the product is due.
        product: What is late, as its readers call it.
        readers: Who is affected.
    """
    if sys.argv[1:3] == ["dags", "test"]:
        return None
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_LOGICAL_DATE,
        interval=interval,
        callback=AsyncCallback(deadline_missed, {"product": product, "readers": readers}),
    )


async def deadline_missed(*, product: str, readers: str, context: Mapping[str, Any]) -> str:
    """Log the alert; called in the triggerer, which loads this module but no DAG file."""
    sentence = deadline_sentence(product=product, readers=readers, context=context)
    if _caught_up(context):
        log.info("%s", sentence)
    else:
        log.error("%s", sentence)
    return sentence


def deadline_sentence(*, product: str, readers: str, context: Mapping[str, Any]) -> str:
    """Return the alert's text.

    Args:
        product: What is late.
        readers: Who is affected.
        context: What Airflow hands a deadline's callback: `dag_run` as its REST API shows it,
            and `deadline`.
    """
    run, zone = context["dag_run"], Settings().zone
    due = _moment(context["deadline"]["deadline_time"]).astimezone(zone)
    scheduled = _moment(run.get("logical_date") or run["run_after"]).astimezone(zone)
    day = scheduled.date() - dt.timedelta(days=1)
    where = f"{run['dag_id']}, run {run['dag_run_id']} ({run['state']})"
    if _caught_up(context):
        return (
            f"Catching up: the {product} of {day} was due at {due:%Y-%m-%d %H:%M %Z} already when "
            f"its run was made: {where}. Nothing to do."
        )
    return (
        f"The {product} of {day} is not up: {where}. Late since {due:%Y-%m-%d %H:%M %Z}. "
        f"Affected: {readers}; they still see the last one that was published. "
        f"Next: open the run and read its first red or deferred task: its message says what is "
        f"missing and what to do; when that is done, clear the task."
    )


def _caught_up(context: Mapping[str, Any]) -> bool:
    """Tell whether the run was only made after it was due: an old day, not today's trouble."""
    queued = context["dag_run"].get("queued_at")
    return bool(queued) and _moment(queued) > _moment(context["deadline"]["deadline_time"])


def _moment(value: Any) -> dt.datetime:  # noqa: ANN401 (a datetime, or its text after JSON)
    return value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(value)
