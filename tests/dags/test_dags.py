"""The DAG files: they load, stay light and small, and every task says whose it is."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "dags").glob("*.py"))
HEAVY = ["pyiceberg", "polars", "duckdb", "splink", "pyspark", "pyarrow", "pandas", "boto3"]


@cache
def dag_bag() -> DagBag:
    """Return all DAGs, read once."""
    from airflow.dag_processing.dagbag import DagBag  # noqa: PLC0415 (after pytest_configure)

    return DagBag(dag_folder=str(ROOT / "dags"))


def tasks() -> list[Any]:
    """Return all tasks of all DAGs."""
    return [task for dag in dag_bag().dags.values() for task in dag.tasks]


def test_all_dag_files_load() -> None:
    """No DAG file has an import error, and each makes the DAG it is named after."""
    assert dag_bag().import_errors == {}
    assert set(dag_bag().dags) == {file.stem for file in FILES}


def test_every_task_has_an_owner_retries_and_docs() -> None:
    """Whoever opens a task in the UI reads whose it is and what it does; trouble is retried."""
    lacking = [
        f"{task.dag_id}.{task.task_id}"
        for task in tasks()
        if task.owner == "airflow" or not task.retries or not task.doc_md
    ]

    assert tasks()
    assert lacking == []


def test_every_dag_has_docs_and_tags() -> None:
    """A DAG's page explains it, and it can be found by a tag."""
    assert [dag.dag_id for dag in dag_bag().dags.values() if not dag.doc_md or not dag.tags] == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dag_file_is_wiring_only(file: Path) -> None:
    """A DAG file is shorter than 80 lines and defines neither functions nor classes."""
    lines = file.read_text().splitlines()

    assert len(lines) < 80
    assert not [line for line in lines if line.lstrip().startswith(("def ", "class ", "async "))]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_reading_a_dag_file_loads_nothing_heavy(file: Path) -> None:
    """DAG files are parsed all the time: no data library is imported by them."""
    code = (
        "import json, runpy, sys\n"
        f"runpy.run_path({str(file)!r})\n"
        f"print(json.dumps(sorted(set({HEAVY!r}) & set(sys.modules))))\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1]) == []


def test_morning_analytics_goes_from_four_sources_to_one_report() -> None:
    """Four waits and extracts side by side, then one merge, then the report."""
    dag = dag_bag().dags["morning_analytics"]
    arrows = {task.task_id: sorted(task.downstream_task_ids) for task in dag.tasks}

    for source in ("web", "app", "delivery", "support"):
        assert arrows[f"wait_for_{source}"] == ["count_shards", f"extract_{source}"]
        assert arrows[f"extract_{source}"] == ["merge_customers"]
    assert arrows["count_shards"] == ["merge_customers"]
    assert arrows["merge_customers"] == ["report_morning"]
    assert len(arrows) == 11


def test_what_is_split_asks_what_was_counted() -> None:
    """Extracts and merge have as many shards as the volume asks for; the report is one piece."""
    dag = dag_bag().dags["morning_analytics"]
    steps: dict[str, Any] = {task.task_id: task for task in dag.tasks}
    told = {name: steps[name].shards for name in ("merge_customers", "report_morning")}

    assert told == {
        "merge_customers": "{{ ti.xcom_pull('count_shards') or 1 }}",
        "report_morning": 1,
    }
    for source in ("web", "app", "delivery", "support"):
        shards = steps[f"extract_{source}"].shards
        assert shards == f"{{{{ ti.xcom_pull('wait_for_{source}', key='shards') or 1 }}}}"


def test_morning_analytics_runs_at_six_on_london_clocks() -> None:
    """The run is at 06:00 on the clocks of London, on both sides of their change."""
    from airflow.serialization.encoders import coerce_to_core_timetable  # noqa: PLC0415 (as above)
    from airflow.timetables.base import TimeRestriction  # noqa: PLC0415 (as above)
    from pendulum import datetime  # noqa: PLC0415 (comes with Airflow)

    timetable = coerce_to_core_timetable(dag_bag().dags["morning_analytics"].timetable)
    restriction = TimeRestriction(earliest=datetime(2011, 3, 20), latest=None, catchup=True)
    moments, last = [], None
    for _ in range(14):
        info = timetable.next_dagrun_info(
            last_automated_data_interval=last, restriction=restriction
        )
        assert info is not None
        last = info.data_interval
        moments.append(info.run_after)

    assert {str(moment.time()) for moment in moments} == {"06:00:00", "05:00:00"}
    assert {moment.astimezone(ZoneInfo("Europe/London")).hour for moment in moments} == {6}


def test_a_late_day_does_not_hold_up_the_next() -> None:
    """Runs are independent, several may be open; what redoes later days is one at a time."""
    dag = dag_bag().dags["morning_analytics"]

    assert dag.max_active_runs >= 7
    assert dag.catchup
    assert not [task.task_id for task in dag.tasks if task.depends_on_past]
    for cumulative in ("merge_customers", "report_morning"):
        assert dag.get_task(cumulative).max_active_tis_per_dag == 1


def test_the_report_is_due_at_0635() -> None:
    """The deadline is 35 minutes after the scheduled 06:00."""
    deadlines: Any = dag_bag().dags["morning_analytics"].deadline
    (deadline,) = deadlines

    assert deadline.interval == dt.timedelta(minutes=35)
    assert type(deadline.reference).__name__ == "DagRunLogicalDateDeadline"


def test_monitoring_and_the_dag_agree_when_the_report_is_due() -> None:
    """One truth: what is late for Airflow's deadline is late for monitoring, to the minute."""
    from stationmaster.monitor.monitoringfile import read_monitoring  # noqa: PLC0415 (only here)

    expected = read_monitoring(ROOT / "dags" / "monitoring.yaml").pipelines
    for name, dag in dag_bag().dags.items():
        deadlines: Any = dag.deadline or []
        timetable: Any = dag.timetable
        wanted = expected.get(name)
        assert bool(deadlines) == (wanted is not None and wanted.due is not None)
        for deadline in deadlines:
            assert wanted is not None
            assert wanted.starts is not None
            assert wanted.due is not None
            starts = dt.datetime.combine(dt.date(2011, 11, 22), wanted.starts)
            assert (starts + deadline.interval).time() == wanted.due
            assert timetable.expression == f"{starts.minute} {starts.hour} * * *"
            assert deadline.callback.kwargs["product"] == wanted.product
