"""How a step that does not end well looks in Airflow."""

from __future__ import annotations

import datetime as dt
import os
import signal
from typing import TYPE_CHECKING

import psutil
import pytest

from stationmaster.airflow.exceptions import (
    StepContractBrokenError,
    StepFailedError,
    StepKilledError,
    StepMisconfiguredError,
    StepStoppedError,
    StepSupersededError,
    StepTemporaryError,
    StepUnavailableError,
)
from stationmaster.airflow.operator import StepOperator

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.models.dagrun import DagRun
    from airflow.sdk import DAG

    RunDag = Callable[..., DagRun]


def tries(run: DagRun) -> int:
    """Return how often the run's only task was tried."""
    (instance,) = run.get_task_instances()
    return instance.try_number


@pytest.mark.parametrize(
    ("code", "kind"), [(65, StepContractBrokenError), (78, StepMisconfiguredError)]
)
def test_what_a_retry_cannot_help_is_not_retried(
    code: int,
    kind: type[StepFailedError],
    dag: DAG,
    run_dag: RunDag,
    failures: list[BaseException],
) -> None:
    """Exit codes 65 and 78 fail at once, in the step's own words, whatever `retries` says."""
    StepOperator(task_id="step", job="toy-fail", step_params={"code": code}, retries=3, dag=dag)

    run = run_dag(dag)

    assert tries(run) == 1
    assert type(failures[0]) is kind
    assert str(failures[0]) == (
        f"toy-fail failed with exit code {code}: support API /tickets: expected customer_id, "
        "got customerId in 412 of 412 records. Map the field in the contract of support_tickets."
    )


def test_a_superseded_attempt_is_not_retried(
    dag: DAG, run_dag: RunDag, failures: list[BaseException]
) -> None:
    """A step that found a newer attempt's partition published fails at once."""
    params = {"code": 1, "kind": "StaleAttemptError"}
    StepOperator(task_id="step", job="toy-fail", step_params=params, retries=3, dag=dag)

    assert tries(run_dag(dag)) == 1
    assert type(failures[0]) is StepSupersededError


@pytest.mark.parametrize("code", [1, 75])
def test_passing_trouble_is_retried(code: int, dag: DAG, run_dag: RunDag) -> None:
    """A step that failed once with 75, or an unknown code, is done at its second try."""
    params = {"code": code, "tries": 1, "kind": "TemporaryError"}
    StepOperator(task_id="step", job="toy-fail", step_params=params, retries=3, dag=dag)

    run = run_dag(dag)

    assert (run.state, tries(run)) == ("success", 2)


@pytest.mark.parametrize(
    ("code", "kind"), [(75, StepTemporaryError), (69, StepUnavailableError), (1, StepFailedError)]
)
def test_the_class_says_what_kind_of_failure_it_was(
    code: int,
    kind: type[StepFailedError],
    dag: DAG,
    run_dag: RunDag,
    failures: list[BaseException],
) -> None:
    """Callbacks get one class an exit code, with the code and the step's own error."""
    params = {"code": code, "kind": "SomeError"}
    StepOperator(task_id="step", job="toy-fail", step_params=params, dag=dag)

    run_dag(dag)

    (failure,) = failures
    assert isinstance(failure, StepFailedError)
    assert (type(failure), failure.exit_code) == (kind, code)
    assert failure.failure is not None
    assert failure.failure.where == "support API /tickets"


def test_a_killed_step_says_so(dag: DAG, run_dag: RunDag, failures: list[BaseException]) -> None:
    """After `kill -9` the message names the signal, the phase, what to do, and the last lines."""
    StepOperator(task_id="step", job="toy-die", dag=dag)

    run_dag(dag)

    assert type(failures[0]) is StepKilledError
    message = str(failures[0])
    assert message.startswith(
        "toy-die was killed by SIGKILL (kill -9, exit code 137) while it was at: reading toy-die. "
        "Nothing half-done is visible and a retry is safe."
    )
    assert message.endswith("The last lines of its log:\n  last words")


def test_a_step_without_a_result_shows_its_last_lines(
    dag: DAG, run_dag: RunDag, failures: list[BaseException]
) -> None:
    """An image that does not speak the contract fails with its exit code and its last 15 lines."""
    StepOperator(task_id="step", job="toy-mute", dag=dag)

    run_dag(dag)

    message = str(failures[0])
    assert message.startswith("toy-mute failed with exit code 3. It left no result")
    assert "  line 15 of toy-mute\n" in message
    assert message.endswith("  line 29 of toy-mute")
    assert "line 14 " not in message


def test_a_result_that_is_none_is_no_success(
    dag: DAG, run_dag: RunDag, failures: list[BaseException]
) -> None:
    """Exit code 0 with a document that breaks the protocol fails and says what is wrong."""
    StepOperator(task_id="step", job="toy-garbage", dag=dag)

    run = run_dag(dag)

    assert run.state == "failed"
    assert "toy-garbage failed with exit code 0" in str(failures[0])
    assert "result" in str(failures[0])


def test_a_command_that_does_not_exist_is_misconfigured(
    dag: DAG, run_dag: RunDag, failures: list[BaseException]
) -> None:
    """A command that cannot be started names it, and is not retried."""
    StepOperator(task_id="step", job="toy-hello", cmds=["no-such-program"], retries=2, dag=dag)

    assert tries(run_dag(dag)) == 1
    assert type(failures[0]) is StepMisconfiguredError
    assert "no-such-program" in str(failures[0])


def test_sigterm_stops_the_step_cleanly(
    dag: DAG, run_dag: RunDag, failures: list[BaseException]
) -> None:
    """A SIGTERM to the task stops the step within its grace period and is never a success."""
    lines: list[str] = []

    def when_asleep(line: str) -> None:
        lines.append(line)
        if line == "asleep":
            os.kill(os.getpid(), signal.SIGTERM)

    StepOperator(task_id="step", job="toy-sleep", progress_callback=when_asleep, dag=dag)

    run = run_dag(dag)

    assert lines == ["asleep", "stopping cleanly"]
    assert run.state == "failed"
    assert type(failures[0]) is StepStoppedError
    assert "was stopped on request (exit code 143)" in str(failures[0])


def test_execution_timeout_leaves_no_process_behind(dag: DAG, run_dag: RunDag) -> None:
    """When Airflow's timeout ends the task, its step has stopped cleanly too."""
    lines: list[str] = []
    timeout = dt.timedelta(seconds=1.5)
    StepOperator(
        task_id="step",
        job="toy-sleep",
        execution_timeout=timeout,
        progress_callback=lines.append,
        dag=dag,
    )

    run = run_dag(dag)

    assert run.state == "failed"
    assert lines[0] == "asleep"
    commands = [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)]
    assert not [command for command in commands if "toy_steps" in command]


def test_skip_on_exit_code_skips(dag: DAG, run_dag: RunDag) -> None:
    """An exit code that the author named leaves the task skipped, not failed."""
    StepOperator(
        task_id="step",
        job="toy-fail",
        step_params={"code": 99},
        skip_on_exit_code=[98, 99],
        dag=dag,
    )

    (instance,) = run_dag(dag).get_task_instances()

    assert instance.state == "skipped"


def test_a_business_date_that_is_none_is_refused(
    dag: DAG, run_dag: RunDag, failures: list[BaseException]
) -> None:
    """A template that renders to no date fails with what was expected and what came."""
    StepOperator(task_id="step", job="toy-hello", business_date="{{ dag.dag_id }}", dag=dag)

    run_dag(dag)

    assert (
        f"business_date of step: expected a calendar date like 2011-11-21, got {dag.dag_id!r}"
        in str(failures[0])
    )
