"""What a task's page would show of a log."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stationmaster.airflow.logs.remote import StepLogIO

__all__ = ["Row", "shown_lines"]


@dataclass(frozen=True)
class Row:
    """Stand for a task instance: what the reader looks at."""

    id: str
    state: str


def shown_lines(reader: StepLogIO, log_path: str, try_id: str, state: str = "success") -> list[str]:
    """Return the messages of all lines, in the order in which the reader gives them."""
    _, streams = reader.stream(log_path, Row(try_id, state))
    return [json.loads(line)["event"] for stream in streams for line in stream]
