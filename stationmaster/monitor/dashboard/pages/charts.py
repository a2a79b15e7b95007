"""What a chart shows, for the chart library and as a table for whoever cannot see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Chart", "Line"]


@dataclass(frozen=True)
class Line:
    """Hold one series of a chart; None: no value there.

    Args:
        name: For the legend and the table.
        values: One for each of the chart's places.
        kind: line, bar, or limit (a dashed line).
        stack: Bars of one stack stand upon each other.
        role: Which colour: main, second, good, bad, quiet, none (not drawn).
    """

    name: str
    values: Sequence[float | None]
    kind: str = "line"
    stack: str = ""
    role: str = "main"


@dataclass(frozen=True)
class Chart:
    """Hold one chart.

    Args:
        name: Its id on the page.
        title: What it shows, in a few words.
        places: Along the axis: days, or names.
        lines: What is drawn.
        unit: bytes, dollars, seconds, share or count.
        upright: False: bars lie, places stand at the left.
        note: A sentence below.
    """

    name: str
    title: str
    places: Sequence[str]
    lines: Sequence[Line]
    unit: str = "count"
    upright: bool = True
    note: str = ""

    @property
    def table(self) -> list[tuple[str, list[float | None]]]:
        """Return the numbers by place, for a table; what is not drawn is left out."""
        told = [line for line in self.lines if line.role != "none"]
        return [(p, [line.values[n] for line in told]) for n, p in enumerate(self.places)]

    @property
    def columns(self) -> list[str]:
        """Return the table's headings."""
        return [line.name for line in self.lines if line.role != "none"]

    def as_document(self) -> dict[str, Any]:
        """Return it as the script takes it."""
        return {
            "title": self.title,
            "places": list(self.places),
            "unit": self.unit,
            "upright": self.upright,
            "lines": [
                {
                    "name": line.name,
                    "values": [None if v is None else round(v, 6) for v in line.values],
                    "kind": line.kind,
                    "stack": line.stack,
                    "role": line.role,
                }
                for line in self.lines
            ],
        }
