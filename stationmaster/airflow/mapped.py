"""Mapped steps as a DAG file makes them: `StepOperator.partial(…).expand(…)`.

Airflow keeps a mapped operator apart from its class: `MappedOperator` holds the class, what
`.partial()` was told and what is mapped over. Ours adds one field to its serialized form, the
launcher's template, as StepOperator does (`StepOperator.launch`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow.sdk.bases.operator import get_merged_defaults
from airflow.sdk.definitions.mappedoperator import MappedOperator, OperatorPartial

from stationmaster.airflow.current import current_settings
from stationmaster.airflow.launcher.mapping import write_mapped
from stationmaster.airflow.launcher.template import NeedsWorkerError
from stationmaster.airflow.launcher.writing import configured_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk.definitions._internal.expandinput import ExpandInput

__all__ = ["MappedStep", "StepPartial", "step_partial"]

SCHEDULERS: Final = ("owner", "doc_md", "execution_timeout", "retry_policy")
"""What a job says of itself that Airflow reads of the mapped operator, not of its class."""


class MappedStep(MappedOperator):
    """A mapped step; its class is changed after it is made, so it has the same layout."""

    __slots__ = ()

    @classmethod
    def get_serialized_fields(cls) -> frozenset[str]:
        """Return the fields that the serialized DAG holds: the launcher's template is one."""
        theirs: frozenset[str] = MappedOperator.get_serialized_fields()
        return frozenset({*theirs, "launch"})

    @property
    def launch(self) -> str | None:
        """Return the template that the launcher runs the step by, or why only a worker can."""
        if (self.partial_kwargs.get("runtime") or current_settings().runtime) != "kubernetes":
            return None
        try:
            return write_mapped(self).model_dump_json(exclude_defaults=True, by_alias=True)
        except NeedsWorkerError as reason:
            return str(reason)


class StepPartial(OperatorPartial):
    """What `StepOperator.partial()` returns."""

    __slots__ = ()

    def _expand(self, expand_input: ExpandInput, *, strict: bool) -> MappedOperator:
        mapped = super()._expand(expand_input, strict=strict)
        mapped.__class__ = MappedStep
        return mapped


def step_partial(
    made: OperatorPartial, given: Mapping[str, Any], job_says: Mapping[str, Any]
) -> StepPartial:
    """Return Airflow's partial as ours.

    Args:
        made: As Airflow makes it, its own defaults filled in.
        given: What the author told `.partial()`.
        job_says: What the job says of itself where the author says nothing.
    """
    kwargs = dict(made.kwargs)
    default_args, _ = get_merged_defaults(
        dag=kwargs["dag"],
        task_group=kwargs["task_group"],
        task_params=None,
        task_default_args=given.get("default_args"),
    )
    said = {**default_args, **given}
    kwargs |= {name: job_says[name] for name in SCHEDULERS if name in job_says and name not in said}
    runtime = said.get("runtime") or current_settings().runtime
    if runtime == "kubernetes" and said.get("executor") is None:
        kwargs["executor"] = configured_name()
    made._expand_called = True  # noqa: SLF001 (else it warns that it was never mapped)
    return StepPartial(operator_class=made.operator_class, kwargs=kwargs, params=made.params)
