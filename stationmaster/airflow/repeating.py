"""Ask the ledger which failed tries this try of a task repeats."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt

    from airflow.sdk import Context

    from stationmaster.ledger.store import Ledger

__all__ = ["retry_of", "retry_of_here"]

log = logging.getLogger(__name__)


def retry_of(
    context: Context, retries: int, business_date: dt.date, ledger: Ledger
) -> tuple[str, ...]:
    """Return the ids of the failed tries that this one repeats, newest first.

    A ledger that does not answer knows of none: the step is then done again, which is right at
    any time and only costs the work.

    Args:
        context: Of the task instance.
        retries: Of the task, as its DAG says now.
        business_date: That the step works on.
        ledger: Where attempts are recorded.
    """
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 (a first try asks nothing)

    from stationmaster.ledger.repeating import failed_in_a_row  # noqa: PLC0415 (as above)
    from stationmaster.step.errors import MisconfiguredError  # noqa: PLC0415 (as above)

    ti: Any = context["ti"]
    # Clearing gives a task `retries` more tries from there (airflow/models/taskinstance.py,
    # clear_task_instances), so this is the first of them.
    first = max(int(ti.max_tries or 0) - retries + 1, 1)
    tries = range(first, max(int(ti.try_number), 1))
    if not tries:
        return ()
    try:
        found = ledger.attempts_of_step(
            ti.dag_id, ti.task_id, since=business_date, until=business_date
        )
    except (SQLAlchemyError, MisconfiguredError) as error:
        log.warning("The ledger does not say which tries %s repeats: %s", ti.task_id, error)
        return ()
    index = -1 if ti.map_index is None else ti.map_index
    mine = [each for each in found if each.run_id == ti.run_id and each.map_index == index]
    run: Any = context["dag_run"]
    return failed_in_a_row(mine, tries, since=run.start_date)


def retry_of_here(context: Context, retries: int, business_date: dt.date) -> tuple[str, ...]:
    """Return what `retry_of` does, from the ledger that the settings name; a worker's way."""
    ti: Any = context["ti"]
    if int(ti.try_number) <= 1:
        return ()
    from stationmaster.airflow.current import current_settings  # noqa: PLC0415 (as above)
    from stationmaster.ledger.store import Ledger  # noqa: PLC0415 (as above)

    ledger = Ledger.open(current_settings().ledger_location)
    try:
        return () if ledger.is_missing else retry_of(context, retries, business_date, ledger)
    finally:
        ledger.close()
