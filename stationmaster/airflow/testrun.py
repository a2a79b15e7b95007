"""Run a DAG for some business dates in this one process, as `airflow dags test` does for one.

`python -m stationmaster.airflow.testrun DAG_FILE DAG_ID 2011-11-21 2011-11-22` prints the steps'
own lines and one line a day, and ends with 1 when a day failed. Airflow's start costs seconds;
here it is paid once for all days.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import MutableMapping, Sequence

    from airflow.sdk import DAG, Context

__all__ = ["main", "run_days"]

OURS: Final = ("airflow.task.operators.stationmaster", "stationmaster.")
RETRY_DELAY: Final = dt.timedelta(seconds=2)
STOPPED: Final = 128 + signal.SIGINT


def main(arguments: Sequence[str]) -> int:
    """Run the days and return the process's exit code."""
    file, dag_id, *days = arguments
    signal.signal(signal.SIGINT, _interrupt)
    _quieten()
    dag = _load(file, dag_id)
    try:
        done = run_days(dag, [dt.date.fromisoformat(day) for day in days])
    except KeyboardInterrupt:
        return STOPPED
    return 0 if done else 1


def run_days(dag: DAG, days: Sequence[dt.date]) -> bool:
    """Run the DAG for business dates, one after the other; tell whether all succeeded."""
    from airflow.sdk import DagRunState  # noqa: PLC0415 (Airflow takes seconds to import)

    from stationmaster.step.settings import Settings  # noqa: PLC0415 (as above)

    _for_a_person_waiting(dag)
    zone = Settings().zone
    all_done = True
    for number, day in enumerate(days, start=1):
        started = time.monotonic()
        _say(dag.dag_id, f"Day {number} of {len(days)}: {day}")
        morning = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(6), zone)
        run = dag.test(logical_date=morning.astimezone(dt.UTC))
        # Without a task instance Airflow calls a run a success: a day before the DAG's start.
        done = run.state == DagRunState.SUCCESS and bool(run.get_task_instances())
        all_done &= done
        seconds = time.monotonic() - started
        _say(dag.dag_id, f"{day} {'is done' if done else 'FAILED'} after {seconds:.0f} s")
    return all_done


def _load(file: str, dag_id: str) -> DAG:
    from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415 (as above)

    bag = DagBag(dag_folder=file)
    if dag_id not in bag.dags:
        problems = "\n".join(bag.import_errors.values())
        message = f"{file} has no DAG {dag_id!r}; it has: {', '.join(bag.dags)}\n{problems}"
        raise SystemExit(message)
    dag: DAG = bag.dags[dag_id]
    return dag


def _for_a_person_waiting(dag: DAG) -> None:
    """Retry at once, and say in one line why a task failed.

    No deadline either: `DAG.test` of Airflow 3.3.2 ends a run that succeeded with a traceback
    when the DAG has one (https://github.com/apache/airflow/issues/73428), and without a
    scheduler it cannot fire anyway.
    """
    dag.deadline = None
    for task in dag.tasks:
        task.retry_delay = RETRY_DELAY
        task.retry_exponential_backoff = 0
        task.retry_policy = None
        task.on_failure_callback = [*_several(task.on_failure_callback), _say_failure]
        task.on_retry_callback = [*_several(task.on_retry_callback), _say_retry]


def _several(callbacks: Any) -> list[Any]:  # noqa: ANN401 (Airflow allows one, several or none)
    if not callbacks:
        return []
    return [callbacks] if callable(callbacks) else list(callbacks)


def _say_failure(context: Context) -> None:
    _end_if_asked(context)
    _say(context["ti"].task_id, f"FAILED: {context.get('exception')}")


def _say_retry(context: Context) -> None:
    _end_if_asked(context)
    _say(context["ti"].task_id, f"will be tried again: {context.get('exception')}")


def _interrupt(*_: object) -> None:
    """Stop the step that runs; a second Ctrl-C must not break that off."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _end_if_asked(context: Context) -> None:
    """End at Ctrl-C: to Airflow it is a task that failed, and it would try it again.

    The step's processes are stopped by now.
    """
    if isinstance(context.get("exception"), KeyboardInterrupt):
        _say(context["ti"].task_id, "stopped")
        os._exit(STOPPED)


def _say(who: str, line: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {who:<18} {line}\n")
    sys.stdout.flush()


def _quieten() -> None:
    """Show our operators' and triggers' lines and everyone's errors; Airflow's own would hide them.

    Its operators log by structlog, its core by the standard library: both end here.
    """
    import airflow.settings  # noqa: PLC0415 (configures logging when imported: let it be first)
    import structlog  # noqa: PLC0415 (comes with Airflow)

    airflow.settings.initialize()  # type: ignore[no-untyped-call]
    structlog.configure(processors=[_only_ours], cache_logger_on_first_use=False)
    handler = _OursOnly()
    logging.getLogger().handlers = [handler]
    logging.getLogger("airflow").handlers = []
    logging.getLogger("airflow").propagate = True
    logging.getLogger("py.warnings").setLevel(logging.ERROR)
    for name in OURS:
        logging.getLogger(name.rstrip(".")).setLevel(logging.INFO)


class _OursOnly(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        """Print a record of ours, or an error of anyone's."""
        if record.name.startswith(OURS) or record.levelno >= logging.ERROR:
            _say(_task_id(), record.getMessage())


def _only_ours(logger: Any, method: str, event: MutableMapping[str, Any]) -> str:  # noqa: ANN401
    """Print what our operators log; drop the rest (a failure is told by its callback)."""
    from structlog import DropEvent  # noqa: PLC0415 (comes with Airflow)

    name = str(getattr(logger, "name", ""))
    if name.startswith(OURS) or (method in {"error", "critical"} and name != "task"):
        _say(_task_id(), str(event.get("event", "")))
    raise DropEvent


def _task_id() -> str:
    from airflow.sdk import get_current_context  # noqa: PLC0415 (as above)

    try:
        return str(get_current_context()["ti"].task_id)
    except RuntimeError:
        return ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
