"""Tell a person in a few lines what became of a step."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stationmaster.step.process import ProcessOutcome
    from stationmaster.step.protocol import OutputRef, StepResult

__all__ = ["failure_lines", "summary_line"]


def summary_line(title: str, outcomes: Sequence[ProcessOutcome]) -> str:
    """Return what a finished step did: seconds, peak memory, and a line for each output."""
    results = [outcome.result for outcome in outcomes if outcome.result is not None]
    seconds = max((result.measurements.wall_seconds for result in results), default=0.0)
    peak = max((result.measurements.peak_memory_bytes for result in results), default=0) / 2**20
    lines = [f"{title}: done in {seconds:.1f} s, peak memory {peak:.0f} MB"]
    lines += [f"  {_output(ref)}" for result in results for ref in result.outputs]
    lines += [f"  note: {note}" for result in results for note in result.notes]
    lines += [f"  {_shortened(result)}" for result in results if result.truncated]
    return "\n".join(lines)


def failure_lines(title: str, outcome: ProcessOutcome) -> list[str]:
    """Return what went wrong: the thing, what was expected and came, what to do."""
    failure = outcome.failure
    if failure is None:
        return [f"{title}: done"]
    head = f"{title}: {failure.kind} (exit code {outcome.exit_code})"
    if not failure.expected:
        place = f" at {failure.where}" if failure.where else ""
        return [
            f"{head}{place}",
            f"  {failure.message}",
            "  next:     Read the traceback in the log above.",
        ]
    return [
        f"{head}: {failure.where}",
        f"  expected {failure.expected}, got {failure.got}",
        f"  next:     {failure.hint}",
    ]


def _output(ref: OutputRef) -> str:
    text = f"{ref.dataset} {ref.business_date}: "
    text += f"{ref.rows} files" if ref.uri else f"{ref.rows:,} rows"
    if ref.quarantined_rows:
        rules = ", ".join(f"{count:,} {rule}" for rule, count in ref.quarantined_by_rule.items())
        text += f", {ref.quarantined_rows:,} in quarantine" + (f" ({rules})" if rules else "")
    if ref.snapshot_id is not None:
        text += f", snapshot {ref.snapshot_id}"
    if ref.staged:
        text += ", staged for the shard that comes last"
    if ref.already_published:
        text += ", was published before"
    return text + (f", {ref.uri}" if ref.uri else "")


def _shortened(result: StepResult) -> str:
    fields = ", ".join(result.truncated)
    where = f"; the whole of it is in {result.full_result_uri}" if result.full_result_uri else ""
    return f"shortened in the result: {fields}{where}"
