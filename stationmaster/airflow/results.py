"""What a step's results become in Airflow: references and counts, never data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from stationmaster.step.protocol import InputRef, OutputRef, StepResult

__all__ = ["reference", "sentences"]


def reference(business_date: dt.date, results: Sequence[StepResult]) -> dict[str, Any]:
    """Return the step's XCom: what it wrote and read by name and snapshot, and how much.

    Shards' counts are added up; snapshot and address are those of the shard that published.
    """
    outputs: dict[tuple[str, str], dict[str, Any]] = {}
    inputs: dict[tuple[str, int | None], dict[str, Any]] = {}
    for result in results:
        for output in result.outputs:
            _add_output(outputs, output)
        for read in result.inputs:
            _add_input(inputs, read)
    return {
        "business_date": business_date.isoformat(),
        "outputs": list(outputs.values()),
        "inputs": list(inputs.values()),
        "measurements": _measurements(results),
    }


def _add_output(outputs: dict[tuple[str, str], dict[str, Any]], output: OutputRef) -> None:
    day = output.business_date.isoformat()
    entry = outputs.setdefault(
        (output.dataset, day),
        {
            "dataset": output.dataset,
            "business_date": day,
            "snapshot": None,
            "uri": None,
            "rows": 0,
            "quarantined": 0,
        },
    )
    entry["snapshot"] = output.snapshot_id or entry["snapshot"]
    entry["uri"] = output.uri or entry["uri"]
    entry["rows"] += output.rows
    entry["quarantined"] += output.quarantined_rows


def _add_input(inputs: dict[tuple[str, int | None], dict[str, Any]], read: InputRef) -> None:
    entry = inputs.setdefault(
        (read.dataset, read.snapshot_id),
        {"dataset": read.dataset, "snapshot": read.snapshot_id, "rows": 0},
    )
    entry["rows"] += read.rows


def _measurements(results: Iterable[StepResult]) -> dict[str, float]:
    all_measured = [result.measurements for result in results]
    if not all_measured:
        return {}
    return {
        "wall_seconds": round(max(m.wall_seconds for m in all_measured), 3),
        "cpu_seconds": round(sum(m.cpu_seconds for m in all_measured), 3),
        "peak_memory_bytes": max(m.peak_memory_bytes for m in all_measured),
        "rows_read": sum(m.rows_read for m in all_measured),
        "rows_written": sum(m.rows_written for m in all_measured),
        "bytes_read": sum(m.bytes_read for m in all_measured),
        "bytes_written": sum(m.bytes_written for m in all_measured),
    }


def sentences(pushed: dict[str, Any]) -> list[str]:
    """Return one sentence an output for the task's log."""
    lines = []
    for output in pushed["outputs"]:
        place = output["uri"] or (f"snapshot {output['snapshot']}" if output["snapshot"] else "")
        line = f"Published {output['dataset']} of {output['business_date']}: {output['rows']} rows"
        if output["quarantined"]:
            line += f", {output['quarantined']} kept aside in quarantine"
        lines.append(f"{line} ({place})." if place else f"{line}.")
    return lines
