"""Ten lines that tell a new user what the pipeline found out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_report", "summary_lines"]


def read_report(file: Path) -> dict[str, Any]:
    """Read `report.json` of one business date."""
    report: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return report


def summary_lines(report: dict[str, Any], *, page: Path) -> list[str]:
    """Return the lines: customers, orders, revenue, what was kept aside, where the page is.

    Args:
        report: The parsed `report.json`.
        page: The HTML page beside it.
    """
    customers, sales = report["customers"], report["sales"]
    total, active = _whole(customers["total"]), _whole(customers["active"])
    own = ", ".join(f"{team['title']} {team['own']:,}" for team in report["customer_counts"])
    rows = {
        "customers": f"{total} people seen so far, {active} active, {customers['new']:,} new",
        "each team": f"{own} (the page explains the difference)",
        "orders": _whole(sales["orders"]),
        "revenue": f"{report['currency']} {sales['revenue']['value']:,.2f}",
        "complete": ": ".join([report["verdict"]["title"], *report["verdict"]["reasons"][:1]]),
        "quarantine": _quarantined(report),
        "page": f"{page} (its numbers: {page.with_name('report.json').name} beside it)",
        "try next": ".venv/bin/stationmaster sources fault   (what can go wrong, on purpose)",
        "": f".venv/bin/stationmaster run-step extract-web --date {report['business_date']}",
    }
    headline = f"{report['headline']} ({report['business_date']}, {report['zone']})"
    return [headline, *(f"  {name:<11} {text}" for name, text in rows.items())]


def _whole(compared: dict[str, Any]) -> str:
    return f"{compared['value']:,.0f}"


def _quarantined(report: dict[str, Any]) -> str:
    """Say how many rows were kept aside and by which rules, or that none was."""
    rules: dict[str, int] = {}
    for source in report["sources"]:
        for dataset in source["datasets"]:
            for entry in dataset["quarantined"]:
                rules[entry["meaning"]] = rules.get(entry["meaning"], 0) + entry["rows"]
    if not rules:
        return "no row broke a rule"
    total = sum(rules.values())
    return f"{total:,} rows kept aside: " + ", ".join(
        f"{meaning} ({rows:,})" for meaning, rows in sorted(rules.items())
    )
