"""What a StepExecutor and its launcher tell each other: one JSON document a line."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, TypeAdapter

__all__ = ["Order", "Report", "ReportKind", "Stop", "read_command", "read_report"]


class Order(BaseModel):
    """Run a task instance, wherever it stands: queued, running, or over."""

    kind: Literal["order"] = "order"
    ti: dict[str, Any] = Field(description="The workload's task instance.")
    log_path: str | None = Field(default=None, description="Airflow's relative path of its log.")
    give_up: str = Field(
        default="", description="Why no other worker is tried, for the log: end its pods instead."
    )

    @property
    def ti_id(self) -> str:
        """Return the task instance's id."""
        return str(self.ti["id"])

    @property
    def weight(self) -> float:
        """Return Airflow's priority of the task: what is weightier is started first."""
        return float(self.ti.get("priority_weight") or 0)


class Stop(BaseModel):
    """End without touching any pod."""

    kind: Literal["stop"] = "stop"


class ReportKind(StrEnum):
    """Name what a launcher reports of a task instance."""

    READY = "ready"
    """The launcher takes orders; names no task instance."""
    OVER = "over"
    """Its state is persisted, or the user has taken it away and its pods are gone."""
    NOT_OURS = "not_ours"
    """The scheduler has it back: it will queue it again, or another one does."""
    WORKER = "worker"
    """It is queued for a worker: to finish it, or since only a worker can run it."""
    GIVEN_UP = "given_up"
    """No worker survives it, and its pods are gone: it is to fail."""


class Report(BaseModel):
    """Tell the executor of a task instance."""

    kind: ReportKind
    ti_id: str = ""
    why: str = ""
    finishing: bool = Field(default=False, description="A worker has only to finish it.")
    silent: bool = Field(default=False, description="The worker that had it fell silent.")


_COMMAND: TypeAdapter[Order | Stop] = TypeAdapter(
    Annotated[Order | Stop, Field(discriminator="kind")]
)


def read_command(line: bytes) -> Order | Stop:
    """Return what the executor wrote in one line."""
    return _COMMAND.validate_json(line)


def read_report(line: bytes) -> Report:
    """Return what the launcher wrote in one line."""
    return Report.model_validate_json(line)
