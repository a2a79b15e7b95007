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
LARGE: Final = 100


def report_lines(report: CostReport, name: str, currency: str) -> list[str]:
    """Return a report as lines: the dearest first, then idle and system, then what is missing."""
    shown = report.rows[:MOST_ROWS]
    places = _places(report.bill)
    cells = [(" . ".join(row.key), *_cells(row, places)) for row in (*shown, report.total)]
    header = (f"{name} ({currency})", *COLUMNS)
    widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
    lines = [_line(each, widths) for each in (header, *cells)]
    if hidden := len(report.rows) - len(shown):
        lines.append(f"  and {hidden} cheaper ones; --json has them all")
    return [*lines, "", *_bill(report, currency), *_missing(report)]


def whatif_lines(bill: float, outcomes: Sequence[Outcome], currency: str) -> list[str]:
    """Return what a day had cost otherwise, each with its assumptions."""
    places = _places(bill)
    lines = [f"  {'today':<12} {bill:>12.{places}f} {currency}"]
    for each in outcomes:
        words = _against(each, bill)
        lines += [
            f"  {each.what:<12} {each.bill:>12.{places}f} {currency}  {words}",
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


def _places(bill: float) -> int:
    """Return how many decimals amounts of such a bill need: a step may cost a ten-thousandth."""
    if bill >= LARGE:
        return 2
    return 4 if bill >= 1 else 6


def _against(outcome: Outcome, bill: float) -> str:
    saves = outcome.saves(bill)
    if saves >= 0:
        return f"saves {saves:.0%}"
    return f"costs {-saves:.0%} more" if saves > -1 else f"costs {1 - saves:.1f} times as much"


def _cells(row: CostRow, places: int) -> tuple[str, ...]:
    split, per_million = row.split, row.per_million_rows
    amounts = (split.useful, split.slack, split.retries, split.start_up, split.total)
    return (
        *(f"{amount:,.{places}f}" for amount in amounts),
        "-" if per_million is None else f"{per_million:,.{places}f}",
        f"{row.attempts:,}" + (f" ({row.unpriced:,} unpriced)" if row.unpriced else ""),
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = zip(cells, widths, strict=True)
    words = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]
    return f"  {'  '.join(words)}".rstrip()


def _bill(report: CostReport, currency: str) -> list[str]:
    tasks, places = report.total.split.total, _places(report.bill)
    if not report.nodes:
        amount = f"{tasks:.{places}f} {currency}"
        return [f"  tasks {amount}, by their own rows: no node's idle time is in it."]
    named = {"tasks": tasks, "idle": report.idle, "system": report.system}
    parts = " + ".join(f"{name} {amount:,.{places}f}" for name, amount in named.items())
    total = f"{sum(named.values()):,.{places}f} {currency}"
    nodes = "1 node" if report.nodes == 1 else f"{report.nodes:,} nodes"
    bill = f"the bill of {nodes} is {report.bill:,.{places}f} ({report.difference:+.2%})"
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
