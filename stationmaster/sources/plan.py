"""Which faults the support API plays: for the first calls, or always."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["PLAN_FILE", "AnswerFault", "Plan", "load_plan", "save_plan"]

PLAN_FILE: Final = "faults.json"
"""The plan file's name in the support folder."""

AnswerFault = Literal["429", "500", "hang", "malformed"]


class Plan(BaseModel):
    """Say what goes wrong at the support API.

    `answer` is played for the first `calls` calls of `/v1/tickets`, or always when `calls` is
    None.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    answer: AnswerFault | None = None
    calls: int | None = None
    late_from: dt.date | None = None
    """This day and later ones are not complete yet."""
    renamed: dict[str, str] = {}
    """Ticket fields that come under another name."""
    retyped: tuple[str, ...] = ()
    """Ticket fields that come as numbers where they were text."""

    def for_call(self, number: int) -> AnswerFault | None:
        """Return what goes wrong at the call of this number, counted from 1."""
        return self.answer if self.calls is None or number <= self.calls else None

    def changed(self, ticket: dict[str, Any]) -> dict[str, Any]:
        """Return a ticket with the fields renamed and retyped."""
        retyped = {
            name: _as_number(value) if name in self.retyped else value
            for name, value in ticket.items()
        }
        return {self.renamed.get(name, name): value for name, value in retyped.items()}


def load_plan(folder: Path) -> Plan:
    """Read the plan of a support folder; without one nothing goes wrong."""
    path = folder / PLAN_FILE
    return Plan.model_validate_json(path.read_text()) if path.exists() else Plan()


def save_plan(folder: Path, plan: Plan) -> Path:
    """Write the plan, effective from the API's next answer; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / PLAN_FILE
    path.write_text(json.dumps(plan.model_dump(mode="json", exclude_defaults=True)) + "\n")
    return path


def _as_number(value: object) -> int:
    digits = "".join(letter for letter in str(value) if letter.isdigit())
    return int(digits or "0")
