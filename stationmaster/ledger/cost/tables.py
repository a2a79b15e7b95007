"""Costs as tables and documents that people and programs read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stationmaster.ledger.cost.reporting import CostReport, CostRow
    from stationmaster.ledger.cost.whatif import Outcome

__all__ = ["report_document", "report_lines", "whatif_lines"]

COLUMNS: Final = ("useful", "slack", "retries", "start-up", "total", "per M rows", "attempts")
MOST_ROWS: Final = 40


def report_lines(report: CostReport, name: str, currency: str) -> list[str]:
    """Return a report as lines: the dearest first, then idle and system, then what is missing."""
    shown = report.rows[:MOST_ROWS]
    cells = [(" . ".join(row.key), *_cells(row)) for row in (*shown, report.total)]
    header = (f"{name} ({currency})", *COLUMNS)
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    lines = [_line(each, widths) for each in (header, *cells)]
    if hidden := len(report.rows) - len(shown):
        lines.append(f"  and {hidden} cheaper ones; --json has them all")
    return [*lines, "", *_bill(report, currency), *_missing(report)]


def whatif_lines(bill: float, outcomes: Sequence[Outcome], currency: str) -> list[str]:
    """Return what a day had cost otherwise, each with its assumptions."""
    lines = [f"  {'today':<12} {bill:>12.4f} {currency}"]
    for each in outcomes:
        saves = each.saves(bill)
        words = f"saves {saves:.0%}" if saves >= 0 else f"costs {-saves:.0%} more"
        lines += [
            f"  {each.what:<12} {each.bill:>12.4f} {currency}  {words}",
            f"      {each.sentence}",
        ]
    return lines


def report_document(report: CostReport, by: str, currency: str) -> dict[str, Any]:
    """Return a report as JSON; amounts are in `currency`, not rounded."""
    return {
        "currency": currency,
        "by": by,
        "rows": [_row_document(row) for row in report.rows],
        "total": _row_document(report.total),
        "idle": report.idle,
        "system": report.system,
        "bill": report.bill,
        "difference": report.difference,
        "nodes": report.nodes,
        "nodes_kept": report.nodes_kept,
        "unpriced": [{"why": why, "attempts": number} for why, number in report.reasons],
    }


def _row_document(row: CostRow) -> dict[str, Any]:
    return {
        "key": list(row.key),
        "useful": row.split.useful,
        "slack": row.split.slack,
        "retries": row.split.retries,
        "start_up": row.split.start_up,
        "total": row.split.total,
        "per_million_rows": row.per_million_rows,
        "rows_written": row.rows_written,
        "attempts": row.attempts,
        "unpriced": row.unpriced,
    }


def _cells(row: CostRow) -> tuple[str, ...]:
    split, per_million = row.split, row.per_million_rows
    amounts = (split.useful, split.slack, split.retries, split.start_up, split.total)
    return (
        *(f"{amount:.4f}" for amount in amounts),
        "-" if per_million is None else f"{per_million:.4f}",
        f"{row.attempts:,}" + (f" ({row.unpriced:,} unpriced)" if row.unpriced else ""),
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = zip(cells, widths, strict=True)
    words = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]
    return f"  {'  '.join(words)}".rstrip()


def _bill(report: CostReport, currency: str) -> list[str]:
    tasks = report.total.split.total
    if not report.nodes:
        return [f"  tasks {tasks:.4f} {currency}, by their own rows: no node's idle time is in it."]
    parts = f"tasks {tasks:.4f} + idle {report.idle:.4f} + system {report.system:.4f}"
    total = f"{tasks + report.idle + report.system:.4f} {currency}"
    bill = f"the bill of {report.nodes} nodes is {report.bill:.4f} ({report.difference:+.2%})"
    lines = [f"  {parts} = {total}; {bill}."]
    if not report.nodes_kept:
        lines.append(
            "  No lives of nodes are in the ledger: each counts from its first attempt to its last,"
            " so idle is less than it was."
        )
    return lines


def _missing(report: CostReport) -> list[str]:
    if not report.total.unpriced:
        return []
    lines = [f"  {report.total.unpriced:,} attempts have no price and are not in the sums:"]
    return [*lines, *(f"    {number:,} x {why}" for why, number in report.reasons)]
