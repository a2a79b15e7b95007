"""A step through real Airflow, as a local process."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from stationmaster.airflow.operator import StepOperator

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.models.dagrun import DagRun
    from airflow.sdk import DAG

    RunDag = Callable[..., DagRun]
    XCom = Callable[[DagRun, str], Any]


PUSHED = {
    "business_date": "2011-11-21",
    "outputs": [
        {
            "dataset": "greetings",
            "business_date": "2011-11-21",
            "snapshot": 42,
            "uri": None,
            "rows": 3,
            "quarantined": 1,
        }
    ],
    "inputs": [{"dataset": "names", "snapshot": 7, "rows": 5}],
    "measurements": {
        "wall_seconds": 0.5,
        "cpu_seconds": 0.0,
        "peak_memory_bytes": 1000,
        "rows_read": 0,
        "rows_written": 3,
        "bytes_read": 0,
        "bytes_written": 0,
    },
}


def test_xcom_holds_references_and_counts_only(dag: DAG, run_dag: RunDag, xcom: XCom) -> None:
    """What a step pushes names datasets, snapshots and counts, and nothing else."""
    StepOperator(task_id="first", job="toy-hello", dag=dag)

    assert xcom(run_dag(dag), "first") == PUSHED


def test_upstream_output_reaches_step_params(dag: DAG, run_dag: RunDag) -> None:
    """A template over an upstream step's references is rendered into the step's parameters."""
    lines: list[str] = []
    first = StepOperator(task_id="first", job="toy-hello", dag=dag)
    name = "{{ ti.xcom_pull('first')['outputs'][0]['snapshot'] }}"
    second = StepOperator(
        task_id="second",
        job="toy-hello",
        step_params={"name": name},
        progress_callback=lines.append,
        dag=dag,
    )
    first >> second

    assert run_dag(dag).state == "success"
    assert lines[0] == "hello 42 on 2011-11-21 from toy-hello"


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(("2011-11-22T06:00", "Europe/London", "2011-11-21"), id="winter"),
        pytest.param(("2011-06-22T06:00", "Europe/London", "2011-06-21"), id="summer"),
        pytest.param(("2011-03-28T06:00", "Europe/London", "2011-03-27"), id="after-23-hours"),
        pytest.param(("2011-10-31T00:30", "Europe/London", "2011-10-30"), id="after-25-hours"),
        pytest.param(("2011-11-22T00:30", "Asia/Kolkata", "2011-11-21"), id="east"),
        pytest.param(("2011-11-22T23:30", "America/New_York", "2011-11-21"), id="west"),
    ],
)
def test_default_business_date_is_the_day_before(
    case: tuple[str, str, str], dag: DAG, run_dag: RunDag, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run works on the calendar day before it, on the business's clocks."""
    moment, zone, expected = case
    monkeypatch.setenv("STATIONMASTER_BUSINESS_TIMEZONE", zone)
    lines: list[str] = []
    StepOperator(task_id="step", job="toy-hello", progress_callback=lines.append, dag=dag)

    run_dag(dag, logical_date=dt.datetime.fromisoformat(moment).replace(tzinfo=ZoneInfo(zone)))

    assert lines[0] == f"hello world on {expected} from toy-hello"


def test_a_run_without_a_logical_date_works_on_yesterday(dag: DAG, run_dag: RunDag) -> None:
    """A run triggered in the UI without a date works on the day before it may start."""
    lines: list[str] = []
    StepOperator(task_id="step", job="toy-hello", progress_callback=lines.append, dag=dag)

    run = run_dag(dag, logical_date=None)

    yesterday = run.run_after.astimezone(ZoneInfo("Europe/London")).date() - dt.timedelta(days=1)
    assert lines[0] == f"hello world on {yesterday} from toy-hello"


def test_command_arguments_and_variables_reach_the_process(dag: DAG, run_dag: RunDag) -> None:
    """`arguments` stand after the job's command and `env_vars` are in its environment."""
    lines: list[str] = []
    StepOperator(
        task_id="step",
        job="toy-hello",
        arguments=["--day", "{{ ds }}"],
        env_vars={"TOY_VARIABLE": "{{ dag.dag_id }}"},
        progress_callback=lines.append,
        dag=dag,
    )

    run_dag(dag)

    assert lines[1] == f"variable {dag.dag_id}, words ['--day', '2011-11-22']"


def test_cmds_replace_the_jobs_command(dag: DAG, run_dag: RunDag) -> None:
    """`cmds` run in place of the command in job.yaml."""
    lines: list[str] = []
    cmds = ["sh", "-c", "echo from the shell"]
    StepOperator(task_id="step", job="toy-fail", cmds=cmds, progress_callback=lines.append, dag=dag)

    assert run_dag(dag).state == "success"
    assert lines == ["from the shell"]


def test_log_formatter_and_prefix_are_honoured(
    dag: DAG, run_dag: RunDag, capsys: pytest.CaptureFixture[str]
) -> None:
    """The task's log shows each line as `log_formatter` writes it."""
    StepOperator(
        task_id="step",
        job="toy-hello",
        log_formatter=lambda container, line: f"<{container}> {line}",
        dag=dag,
    )

    run_dag(dag)

    assert "<base> hello world on 2011-11-21" in capsys.readouterr().out


def test_get_logs_false_keeps_lines_out_of_the_log(
    dag: DAG, run_dag: RunDag, capsys: pytest.CaptureFixture[str]
) -> None:
    """With `get_logs=False` the task's log has our sentences but not the step's lines."""
    StepOperator(task_id="step", job="toy-hello", get_logs=False, dag=dag)

    run_dag(dag)

    printed = capsys.readouterr().out
    assert "Published greetings of 2011-11-21: 3 rows, 1 kept aside" in printed
    assert "hello world" not in printed


def test_mapped_step_runs_once_a_value(dag: DAG, run_dag: RunDag, xcom: XCom) -> None:
    """`.partial().expand()` makes one step a value, each with its own parameters and XCom."""
    lines: list[str] = []
    StepOperator.partial(
        task_id="step", job="toy-hello", progress_callback=lines.append, dag=dag
    ).expand(step_params=[{"name": "a"}, {"name": "b"}, {"name": "c"}])

    run = run_dag(dag)

    hellos = sorted(line for line in lines if line.startswith("hello"))
    assert hellos == [f"hello {name} on 2011-11-21 from toy-hello" for name in "abc"]
    assert [pushed["outputs"][0]["rows"] for pushed in xcom(run, "step")] == [3, 3, 3]
