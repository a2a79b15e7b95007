"""A process with an Airflow of its own: commands come in, answers go out, one JSON a line.

Tests of the launcher need many homes of Airflow; a Python process has one, from its first import.
"""

# ruff: noqa: PLC0415 (Airflow takes its settings at import)

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from pathlib import Path
from typing import Any


def sync(path: str) -> list[str]:
    """Write the DAGs of a file into the database, and return their ids."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db

    DagBundlesManager().sync_bundles_to_db()  # type: ignore[no-untyped-call]
    folder = os.environ["AIRFLOW__CORE__DAGS_FOLDER"]
    bag = BundleDagBag(
        f"{folder}/{path}", bundle_path=Path(folder), bundle_name="dags-folder", safe_mode=False
    )
    if bag.import_errors:
        raise RuntimeError(str(bag.import_errors))
    sync_bag_to_db(bag, "dags-folder", None)
    return list(bag.dags)


def trigger(dag_id: str, conf: dict[str, Any] | None = None) -> str:
    """Start a run now, and return its id."""
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    now = dt.datetime.now(dt.UTC)
    run_id = f"test__{now.timestamp()}"
    with create_session() as session:
        found = SerializedDagModel.get(dag_id, session=session)
        assert found is not None
        dag = found.dag
        dag.create_dagrun(
            run_id=run_id,
            logical_date=now,
            data_interval=(now, now),
            run_after=now,
            run_type=DagRunType.MANUAL,
            triggered_by=DagRunTriggeredByType.TEST,
            state=DagRunState.QUEUED,
            conf=conf or {},
            session=session,
        )
    return run_id


def clear(dag_id: str, run_id: str, task_id: str) -> None:
    """Clear a task, as the UI does."""
    from airflow.models.taskinstance import TaskInstance, clear_task_instances
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        found = session.scalars(
            select(TaskInstance).where(
                TaskInstance.dag_id == dag_id,
                TaskInstance.run_id == run_id,
                TaskInstance.task_id == task_id,
            )
        ).all()
        clear_task_instances(list(found), session)


def pool(name: str, slots: int) -> None:
    """Make a pool."""
    from airflow.models.pool import Pool

    Pool.create_or_update_pool(name, slots, "", include_deferred=False)


def pools() -> list[str]:
    """Make the pools of the deployment's file."""
    from airflow.utils.session import create_session

    from stationmaster.airflow.poolcommands import apply_pools
    from stationmaster.airflow.pools import read_pools
    from stationmaster.step.settings import Settings

    with create_session() as session:
        return apply_pools(read_pools(Settings().pools_file), session)


def variable(key: str, value: str) -> None:
    """Set a Variable."""
    from airflow.models.variable import Variable

    Variable.set(key, value)


def hand_over(ti_id: str) -> bool:
    """Give a task to a worker, as a launcher does at its end."""
    from stationmaster.airflow.launcher.rows import hand_over as give

    return give(ti_id, "finish", {"end": "{}", "try_id": ti_id})


def copies_of_dag(run_id: str) -> int:
    """Return how many copies of its DAG a launcher holds when it has prepared all of a run."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    from stationmaster.airflow.launcher.messages import Order
    from stationmaster.airflow.launcher.preparing import Preparation
    from stationmaster.step.settings import Settings

    preparation = Preparation(None, Settings())  # type: ignore[arg-type]  # (asked for nothing)
    with create_session() as session:
        query = select(TaskInstance).where(TaskInstance.run_id == run_id)
        told = [
            {"dag_version_id": str(row.dag_version_id), "task_id": row.task_id}
            for row in session.scalars(query)
        ]
    tasks = [preparation._task(Order(ti=each)) for each in told]  # noqa: SLF001 (what is held)
    return len({id(task.dag) for task in tasks})


COMMANDS = {
    each.__name__: each
    for each in (sync, trigger, clear, pool, pools, variable, hand_over, copies_of_dag)
}


def main() -> None:
    """Answer until stdin closes."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    from airflow.utils.db import initdb

    from stationmaster.ledger.store import Ledger
    from stationmaster.step.settings import Settings

    initdb()
    Ledger.open(Settings().ledger_location).migrate()
    answers.write('"ready"\n')
    answers.flush()
    for line in sys.stdin:
        name, arguments = json.loads(line)
        answers.write(json.dumps(COMMANDS[name](**arguments)) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
