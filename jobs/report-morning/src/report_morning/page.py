"""The page: the report in words, tables and charts, as one file that needs nothing else."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from report_morning import charts, findings, wording
from report_morning.morning import RECORDS

if TYPE_CHECKING:
    from report_morning.model import Report

__all__ = ["render"]


def render(report: Report) -> str:
    """Return the report as one self-contained HTML page; the same report gives the same bytes."""
    package = files("report_morning")
    template = _environment().from_string(
        package.joinpath("template.html.j2").read_text(encoding="utf-8")
    )
    style = Markup(package.joinpath("style.css").read_text(encoding="utf-8"))  # noqa: S704 (our own file)
    said = findings.findings(report)
    return template.render(
        report=report,
        style=style,
        words=wording,
        records=RECORDS,
        chart=_charts(report, said),
        finding=said,
    )


def _environment() -> Environment:
    """Return an environment that escapes every value and fails on a missing one."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update({name: getattr(wording, name) for name in wording.__all__})
    return environment


def _charts(report: Report, said: dict[str, str]) -> dict[str, Markup]:
    days = findings.days_shown(report.trend)
    drawn: dict[str, str] = {
        "trend_wide": charts.trend_bars(days, said["trend_alt"], narrow=False),
        "trend_narrow": charts.trend_bars(days, said["trend_alt"], narrow=True),
    }
    if report.customer_counts:
        counts, alt_text = report.customer_counts, said["counts_alt"]
        drawn["counts_wide"] = charts.count_bars(counts, alt_text, narrow=False)
        drawn["counts_narrow"] = charts.count_bars(counts, alt_text, narrow=True)
    for channel in report.channels:
        alt_text = said[f"funnel_{channel.source}_alt"]
        drawn[f"funnel_{channel.source}"] = charts.funnel_bars(channel, alt_text)
    if report.delivery.by_days:
        drawn["delivery"] = charts.delivery_bars(report.delivery.by_days, said["delivery_alt"])
    # Every text in a chart went through Vega and `html.escape`, which escape it.
    return {name: Markup(svg) for name, svg in drawn.items()}  # noqa: S704 (escaped by then)
