"""The job: read the day, work out its numbers, write table, page and JSON."""

from __future__ import annotations

from pydantic import Field

from report_morning.build import build
from report_morning.daily import daily_metrics
from report_morning.figures import figures
from report_morning.page import render
from report_morning.read import read_morning
from stationmaster.step import Inputs, Outputs, Params, job

__all__ = ["ReportMorning", "run"]


class ReportMorning(Params):
    """Set what the report measures against."""

    promise_days: int = Field(
        default=2, ge=1, le=60, description="A parcel is on time within so many days of its order."
    )


@job(cumulative=True)
def run(params: ReportMorning, inputs: Inputs, outputs: Outputs) -> None:
    """Write `daily_metrics`, and `morning_report` with `index.html` and `report.json`."""
    morning = read_morning(inputs)
    report = build(morning, params.promise_days)
    outputs.write("daily_metrics", daily_metrics(report))
    outputs.write_file("morning_report", "index.html", render(report).encode())
    document = report.model_dump_json(indent=1) + "\n"
    outputs.write_file("morning_report", "report.json", document.encode())
    for name, value in figures(morning, report).items():
        outputs.figure("morning_report", name, value)
