"""Mapped steps as a DAG file makes them: `StepOperator.partial(…).expand(…)`.

Airflow keeps a mapped operator apart from its class: `MappedOperator` holds the class, what
`.partial()` was told and what is mapped over. Ours adds one field to its serialized form, the
launcher's template, as StepOperator does (`StepOperator.launch`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from airflow.sdk.bases.operator import get_merged_defaults
from airflow.sdk.definitions.mappedoperator import MappedOperator, OperatorPartial

from stationmaster.airflow.completing import urgency, with_defaults
from stationmaster.airflow.current import current_settings
from stationmaster.airflow.launcher.mapping import names_of, write_mapped
from stationmaster.airflow.launcher.template import NeedsWorkerError
from stationmaster.airflow.launcher.writing import configured_name
from stationmaster.airflow.pools import find_pool
from stationmaster.airflow.poolshares import DEFAULT_POOL, share_of
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk.definitions._internal.expandinput import ExpandInput

    from stationmaster.airflow.catalog import CatalogJob

__all__ = ["MappedStep", "StepPartial", "step_partial"]

SCHEDULERS: Final = ("owner", "doc_md", "execution_timeout", "retry_policy")
"""What a job says of itself that Airflow reads of the mapped operator, not of its class."""

MEASURED: Final = frozenset({"job", "size", "shards", "container_resources"})
"""Arguments by which a measured pool counts."""


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

    __slots__ = ("slots_are_said",)

    slots_are_said: bool

    def _expand(self, expand_input: ExpandInput, *, strict: bool) -> MappedOperator:
        if not self.slots_are_said:
            self._refuse_unmeasured(expand_input)
        mapped = super()._expand(expand_input, strict=strict)
        mapped.__class__ = MappedStep
        return mapped

    def _refuse_unmeasured(self, expand_input: ExpandInput) -> None:
        """Refuse to map over what a measured pool counts by."""
        pool = str(self.kwargs.get("pool") or DEFAULT_POOL)
        rule = find_pool(pool)
        mapped = names_of(expand_input.value, expand_input.EXPAND_INPUT_TYPE) & MEASURED
        if rule is None or not rule.is_measured or not mapped:
            return
        raise MisconfiguredError(
            where=f"StepOperator {self.kwargs['task_id']}, pool={pool!r}",
            expected="what it asks for, known when the file is parsed: the pool counts by it",
            got=f"{'=, '.join(sorted(mapped))}= is mapped",
            hint="Say pool_slots= in .partial(), for the largest of them.",
        )


def step_partial(
    made: OperatorPartial, given: Mapping[str, Any], job: CatalogJob | None
) -> StepPartial:
    """Return Airflow's partial as ours.

    Args:
        made: As Airflow makes it, its own defaults filled in.
        given: What the author told `.partial()`.
        job: As the catalog knows it; None where it is mapped.

    Raises:
        MisconfiguredError: It would never start in its pool, or what it asks for is not known.
    """
    kwargs = dict(made.kwargs)
    default_args, _ = get_merged_defaults(
        dag=kwargs["dag"],
        task_group=kwargs["task_group"],
        task_params=None,
        task_default_args=given.get("default_args"),
    )
    said = {**default_args, **given}
    if job is not None:
        own = with_defaults({}, {}, job)
        kwargs |= {name: own[name] for name in SCHEDULERS if name not in said}
        share = share_of(
            kwargs["task_id"],
            said,
            size=str(said.get("size") or job.file.size),
            is_interruptible=job.file.interruptible,
        )
        kwargs |= share.pool_arguments
        if share.shards_at_once is not None:
            kwargs["shards_at_once"] = share.shards_at_once
    kwargs |= urgency(said, is_urgent=bool(said.get("urgent")))
    runtime = said.get("runtime") or current_settings().runtime
    if runtime == "kubernetes" and said.get("executor") is None:
        kwargs["executor"] = configured_name()
    made._expand_called = True  # noqa: SLF001 (else it warns that it was never mapped)
    ours = StepPartial(operator_class=made.operator_class, kwargs=kwargs, params=made.params)
    ours.slots_are_said = said.get("pool_slots") is not None
    return ours
