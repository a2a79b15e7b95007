"""What a step is made with beside its author's arguments: its job's own, its pool's, its rank."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.current import current_settings
from stationmaster.airflow.retries import StepRetryPolicy
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stationmaster.airflow.catalog import CatalogJob

__all__ = ["URGENT_WEIGHT", "refuse_misplaced_params", "urgency", "with_defaults"]

URGENT_WEIGHT: Final = 1000
"""Airflow's priority of an urgent task, 1 of others. Airflow adds up the weights of all tasks after
it (`weight_rule`), so an ordinary pipeline would need a thousand tasks to come before."""


def with_defaults(
    given: dict[str, Any], defaults: Mapping[str, Any], job: CatalogJob
) -> dict[str, Any]:
    """Return the arguments with what the job says of itself where the author says nothing."""
    own: dict[str, Any] = {
        "owner": job.file.owner,
        "doc_md": job.file.summary,
        "execution_timeout": dt.timedelta(minutes=job.file.timeout_minutes),
        "retry_policy": StepRetryPolicy(),
        # What differs from KubernetesPodOperator's defaults.
        "random_name_suffix": False,
        "do_xcom_push": True,
        "deferrable": False,
        "log_pod_spec_on_failure": False,
        "container_name_log_prefix_enabled": False,
    }
    unsaid = {name: value for name, value in own.items() if name not in {*given, *defaults}}
    return given | unsaid


def urgency(given: Mapping[str, Any], *, is_urgent: bool) -> dict[str, Any]:
    """Return the arguments that let an urgent step go first, where its author says no others.

    Args:
        given: What the author says, default_args included.
        is_urgent: Whether it is.
    """
    if not is_urgent:
        return {}
    ranks: dict[str, Any] = {"priority_weight": URGENT_WEIGHT}
    if named := current_settings().urgent_priority_class:
        ranks["priority_class_name"] = named
    return {name: value for name, value in ranks.items() if given.get(name) is None}


def refuse_misplaced_params(
    task_id: str, params: Mapping[str, Any], job: CatalogJob, step_params: object
) -> None:
    """Refuse a job's parameter in `params=`, where it would silently do nothing.

    Args:
        task_id: Names the task in the message.
        params: Airflow's own.
        job: Whose parameters are meant.
        step_params: Of the step; of an upstream task's output the names are known at run time.

    Raises:
        MisconfiguredError: A parameter stands in the wrong place.
    """
    if not isinstance(step_params, dict):
        return
    for name in params:
        if name in job.file.params and name not in step_params:
            raise MisconfiguredError(
                where=f"StepOperator {task_id}, params[{name!r}]",
                expected=f"the parameter {name!r} of job {job.name} in step_params=",
                got="it in params=, which is Airflow's own and does not reach the step",
                hint=f"Write step_params={{{name!r}: …}}; a template "
                f"'{{{{ params.{name} }}}}' hands Airflow's value on.",
            )
