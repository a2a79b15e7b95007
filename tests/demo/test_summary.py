"""What the demo says at its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stationmaster.demo.summary import summary_lines


def report(**quarantined: int) -> dict[str, Any]:
    """Return the parts of a report that the summary reads."""
    entries = [{"meaning": meaning, "rows": rows} for meaning, rows in quarantined.items()]
    return {
        "headline": "One customer count: 1,234 people",
        "business_date": "2011-11-23",
        "zone": "Europe/London",
        "currency": "GBP",
        "customers": {"total": {"value": 1234.0}, "active": {"value": 56.0}, "new": 7},
        "customer_counts": [{"title": "Web shop", "own": 1500}],
        "sales": {"orders": {"value": 90.0}, "revenue": {"value": 12345.5}},
        "verdict": {"title": "Show with care", "reasons": ["support is late"]},
        "sources": [{"datasets": [{"quarantined": entries}]}],
    }


def test_the_summary_names_what_was_kept_aside_by_rule() -> None:
    """Rows in quarantine are counted by the meaning of their rule."""
    lines = summary_lines(report(negative_price=3, no_key=2), page=Path("index.html"))

    expected = "  quarantine  5 rows kept aside: negative_price (3), no_key (2)"

    assert expected in lines


def test_the_summary_says_when_nothing_was_kept_aside() -> None:
    """An empty quarantine is said, not left out."""
    lines = summary_lines(report(), page=Path("index.html"))

    assert "  quarantine  no row broke a rule" in lines


def test_the_summary_gives_the_business_in_ten_lines() -> None:
    """Customers, orders, revenue and the page stand in at most ten lines."""
    lines = summary_lines(report(), page=Path("index.html"))

    assert len(lines) == 10
    assert "  revenue     GBP 12,345.50" in lines
    assert "  complete    Show with care: support is late" in lines
    assert any("1,234 people seen so far, 56 active, 7 new" in line for line in lines)
