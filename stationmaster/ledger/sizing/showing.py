"""Sizes as people and programs read them: a table, and JSON."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, Any, Final

from stationmaster.ledger.quantities import size_text
from stationmaster.ledger.sizing.quantities import percent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stationmaster.ledger.sizing.advising import Advice, StepAdvice
    from stationmaster.ledger.sizing.measuring import Measured
    from stationmaster.ledger.sizing.traces import SetAside

__all__ = ["advice_document", "advice_lines", "replay_document"]

HEADER: Final = (
    *("step", "declared", "in force", "recommended", "cpu", "saves in 30 days"),
    *("runs", "first try short", "confidence"),
)
WITHOUT_SIZES: Final = (
    "All of these ran as local processes, which have no limits: nothing is declared or in force."
)
TEXT_WIDTH: Final = 96
DIGITS: Final = 6


def advice_lines(advice: Advice, *, price: float) -> list[str]:
    """Return a table of steps with the reason below each, and what the replay says of all."""
    if advice.ours is None or advice.declared is None:
        return ["No run that says what a step needs is in the ledger."]
    rows = [_cells(step) for step in advice.steps]
    widths = [max(map(len, column)) for column in zip(HEADER, *rows, strict=True)]
    lines = [_line(HEADER, widths)]
    for step, cells in zip(advice.steps, rows, strict=True):
        lines.append(_line(cells, widths))
        lines += [f"    {line}" for line in wrap(step.memory.recommendation.why, TEXT_WIDTH)]
    if not any(step.memory.recommendation.declared_bytes for step in advice.steps):
        return [*lines, "", WITHOUT_SIZES]
    saved = sum(step.saves_a_month for step in advice.steps)
    return [
        *lines,
        "",
        f"All of it would save {_money(saved)} in 30 days, at ${price:g} for a GiB and an hour.",
        "By replay of these runs, first tries out of memory and reserved memory wasted:",
        f"  as recommended {_fared(advice.ours)}, as declared {_fared(advice.declared)}.",
    ]


def _fared(measured: Measured) -> str:
    return f"{percent(measured.first_try_oom_rate)} and {percent(measured.wasted_share)}"


def advice_document(advice: Advice, *, price: float) -> dict[str, Any]:
    """Return the same as a JSON document."""
    return {
        "price_per_gib_hour": price,
        "steps": [_step_document(step) for step in advice.steps],
        "replay": {
            name: None if measured is None else _rounded(measured)
            for name, measured in (("ours", advice.ours), ("declared", advice.declared))
        },
    }


def replay_document(
    measured: Mapping[str, Measured], *, tasks: int, runs: int, set_aside: Sequence[SetAside]
) -> dict[str, Any]:
    """Return what `stationmaster sizes replay` prints: sizes in GB (10⁹ bytes) hours."""
    return {
        "tasks": tasks,
        "runs": runs,
        "set_aside": {
            "rows": sum(each.rows for each in set_aside),
            "reasons": [each._asdict() for each in set_aside],
        },
        "policies": {name: _rounded(each) for name, each in measured.items()},
    }


def _rounded(measured: Measured) -> dict[str, Any]:
    return {
        name: round(value, DIGITS) if isinstance(value, float) else value
        for name, value in measured._asdict().items()
    }


def _step_document(step: StepAdvice) -> dict[str, Any]:
    memory = step.memory.recommendation
    return {
        **step.key._asdict(),
        "declared_memory_bytes": memory.declared_bytes,
        "in_force_memory_bytes": step.in_force_bytes,
        "recommended_memory_bytes": memory.memory_bytes,
        "margin": memory.margin,
        "by_input": memory.by_input,
        "chance": round(memory.chance, DIGITS),
        "why": memory.why,
        "confidence": memory.confidence.value,
        "runs": memory.runs,
        "unmeasured_runs": step.unmeasured,
        "replayed_runs": step.memory.replayed_runs,
        "replayed_first_try_out_of_memory": step.memory.replayed_out_of_memory,
        "declared_cpu_millicores": step.cpu.declared_millicores,
        "recommended_cpu_millicores": step.cpu.millicores,
        "cpu_why": step.cpu.why,
        "saves_usd_in_30_days": round(step.saves_a_month, 4),
    }


def _cells(step: StepAdvice) -> tuple[str, ...]:
    memory, cpu = step.memory.recommendation, step.cpu
    changed = "" if cpu.millicores == cpu.declared_millicores else f" > {cpu.millicores}m"
    return (
        step.key.task,
        _limit(memory.declared_bytes),
        _limit(step.in_force_bytes),
        size_text(memory.memory_bytes),
        f"{cpu.declared_millicores}m{changed}" if cpu.declared_millicores else f"{cpu.millicores}m",
        _money(step.saves_a_month) if memory.declared_bytes else "",
        str(memory.runs),
        f"{step.memory.replayed_out_of_memory} of {step.memory.replayed_runs}",
        memory.confidence.value,
    )


def _limit(number: int) -> str:
    return size_text(number) if number else "none"


def _money(dollars: float) -> str:
    sign = "-" if dollars <= -0.005 else ""  # noqa: PLR2004 (half a cent: below it no digit shows)
    return f"{sign}${abs(dollars):,.2f}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    texts = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
    return "  ".join(texts).rstrip()
