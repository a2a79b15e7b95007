"""What a DAG file tells the launcher of a step: one document, serialized with the DAG.

It holds Jinja text where the author wrote it, and marks where an upstream task's output goes; the
launcher renders it with a task instance's context, so no DAG file is parsed to run a step.

It is a field of its own in the serialized operator, not a template field: Airflow cuts those at
`[core] max_templated_field_length`, 4,096 characters by default (`airflow/serialization/
helpers.py`, `serialize_template_field`), and a pod is easily longer.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from stationmaster.airflow.catalog import CatalogJob, Placement
from stationmaster.step.jobfile import JobFile

__all__ = ["XCOM_MARK", "Expansion", "NeedsWorkerError", "StepTemplate"]

XCOM_MARK: Final = "__xcom__"
"""Key of the mapping that stands for an upstream task's output: {"task_id": …, "key": …}."""


class NeedsWorkerError(Exception):
    """Raised when a step uses something that only a worker, with the DAG's code, can honour."""


class Expansion(BaseModel):
    """Hold what `.expand()` or `.expand_kwargs()` maps a step over."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["dict-of-lists", "list-of-dicts"]
    value: Any = Field(
        description="As the author wrote it; a mark stands for an upstream's output."
    )
    taken: tuple[str, ...] = Field(
        default=(), description="Arguments of .partial() that the mapping must not say again."
    )
    pod_is_plain: bool = Field(
        default=True, description="Whether the pod comes from the arguments alone."
    )


class StepTemplate(BaseModel):
    """Hold a step before its templates are rendered."""

    model_config = ConfigDict(frozen=True)

    version: Literal[1] = 1
    image: str = Field(description="The catalog's image of the job.")
    job: JobFile
    placement: Placement
    wishes: dict[str, Any] = Field(description="API JSON of the pod the author's arguments mean.")
    business_date: Any
    step_params: Any
    shards: Any
    size: str
    input_bytes: Any = None
    skip_exit_codes: tuple[int, ...] = ()
    timeout_seconds: float | None = None
    schedule_seconds: float | None = None
    start_seconds: float | None = None
    shards_at_once: int | None = None
    keep_pods: bool = False
    returns_dag_result: bool = False
    ends_on_worker: str = Field(
        default="", description="Why success needs the DAG's code as well: its callbacks."
    )
    fields: dict[str, Any] = Field(
        default_factory=dict, description="Other templated arguments, for the UI."
    )
    expansion: Expansion | None = Field(
        default=None, description="Of a mapped step; its template lacks what is mapped."
    )

    @property
    def catalog_job(self) -> CatalogJob:
        """Return the job as the catalog knew it when the DAG file was parsed."""
        return CatalogJob(image=self.image, file=self.job, placement=self.placement)
