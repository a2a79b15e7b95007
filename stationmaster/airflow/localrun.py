"""A step's try as local processes: what StepOperator does with them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk.exceptions import AirflowSkipException

from stationmaster.airflow.catalog import find_job
from stationmaster.airflow.contexts import MOST_SHARDS
from stationmaster.airflow.exceptions import StepFailedError, failure_of
from stationmaster.airflow.process import LocalRun
from stationmaster.airflow.results import reference, unpublished
from stationmaster.airflow.sizedby import count_bytes, input_of_a_shard, parameter_class

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from stationmaster.airflow.operator import StepOperator
    from stationmaster.airflow.process import ShardOutcome
    from stationmaster.step.protocol import Shard, StepContext, StepResult

__all__ = ["line_writer", "local_run", "outcome_of_processes"]

DEFAULT_GRACE_SECONDS: Final = 30


def local_run(operator: StepOperator, contexts: Sequence[StepContext]) -> LocalRun:
    """Return the run of an operator's try as local processes."""
    job = find_job(operator.job).file
    command = [*(operator.cmds or job.command), *operator.arguments]
    operator.log.info(
        "Step %s of %s works on %s: %s",
        operator.task_id,
        contexts[0].pipeline,
        contexts[0].business_date,
        " ".join(command),
    )
    return LocalRun(
        contexts,
        command,
        # The worker's own log has their lines already: no chunks beside it.
        env={"STATIONMASTER_LOGS": "", **_environment(operator)},
        grace_seconds=operator.termination_grace_period or DEFAULT_GRACE_SECONDS,
        facts={
            "parameter_class": parameter_class(job, contexts[0].params),
            "input_bytes": input_of_a_shard(count_bytes(operator.input_bytes), len(contexts)),
        },
        parallel=min(operator.shards_at_once or MOST_SHARDS, os.cpu_count() or 1),
    )


def line_writer(
    operator: StepOperator, progress: Callable[[str], None] | None
) -> Callable[[Shard, str], None]:
    """Return what takes each line of the processes into the task's log.

    Args:
        operator: Says how lines are shown.
        progress: Called with each line as well.
    """

    def on_line(shard: Shard, line: str) -> None:
        if progress:
            progress(line)
        if not operator.get_logs:
            return
        if operator.log_formatter:
            line = operator.log_formatter(operator.base_container_name, line)
        elif operator.container_name_log_prefix_enabled:
            line = f"[{operator.base_container_name}] {line}"
        if shard.count > 1:
            line = f"[shard {shard.index + 1} of {shard.count}] {line}"
        operator.log.info("%s", line)

    return on_line


def outcome_of_processes(
    operator: StepOperator, contexts: Sequence[StepContext], outcomes: Sequence[ShardOutcome]
) -> dict[str, Any]:
    """Return the step's XCom.

    Raises:
        StepFailedError: The step failed; the class says what to do about it.
        AirflowSkipException: It ended with an exit code of `skip_on_exit_code`.
    """
    _raise_failure(operator, outcomes)
    results = [each.outcome.result for each in outcomes if each.outcome.result is not None]
    _refuse_unpublished(operator.job, results, len(contexts))
    return reference(contexts[0].business_date, results)


def _environment(operator: StepOperator) -> dict[str, str]:
    """Return the plain values of `env_vars`; a value_from exists in a cluster only."""
    if isinstance(operator.env_vars, dict):
        return {name: str(value) for name, value in operator.env_vars.items()}
    return {each.name: each.value for each in operator.env_vars if each.value is not None}


def _raise_failure(operator: StepOperator, outcomes: Sequence[ShardOutcome]) -> None:
    failed = [each for each in outcomes if not each.outcome.done]
    if not failed:
        return
    # The others were stopped because of the one that failed by itself.
    first = next((each for each in failed if not each.outcome.stop_requested), failed[0])
    if first.outcome.exit_code in operator.skip_on_exit_code:
        message = f"{operator.job} ended with exit code {first.outcome.exit_code}: skipped."
        raise AirflowSkipException(message)
    where = operator.job
    if first.shard.count > 1:
        where += f" (shard {first.shard.index + 1} of {first.shard.count})"
    raise failure_of(where, first.outcome, first.tail)


def _refuse_unpublished(job: str, results: Sequence[StepResult], shards: int) -> None:
    """Refuse to call a step done whose shards all left the publishing to each other."""
    if waiting := unpublished(results):
        message = (
            f"{job} is not done: all {shards} shards ended, and none published "
            f"{', '.join(waiting)}. Readers still see what was there before. Clear the task."
        )
        raise StepFailedError(message, exit_code=0)
