"""What a step's results become in Airflow: references and counts, never data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from stationmaster.step.protocol import InputRef, OutputRef, StepResult

__all__ = ["reference", "sentences", "unpublished"]


def reference(business_date: dt.date, results: Sequence[StepResult]) -> dict[str, Any]:
    """Return the step's XCom: what it wrote and read by name and snapshot, and how much.

    Of several shards the one that published speaks for all.
    """
    inputs: dict[tuple[str, int | None], dict[str, Any]] = {}
    for result in results:
        for read in result.inputs:
            _add_input(inputs, read)
    partitions = _partitions(results).values()
    published = [[each for each in outputs if not each.staged] for outputs in partitions]
    return {
        "business_date": business_date.isoformat(),
        "outputs": [_output(outputs) for outputs in published if outputs],
        "inputs": list(inputs.values()),
        "measurements": _measurements(results),
    }


def unpublished(results: Sequence[StepResult]) -> list[str]:
    """Return the partitions that shards have staged and none has published."""
    return [
        f"{dataset} of {day}"
        for (dataset, day), outputs in _partitions(results).items()
        if all(output.staged for output in outputs)
    ]


def _partitions(results: Sequence[StepResult]) -> dict[tuple[str, str], list[OutputRef]]:
    partitions: dict[tuple[str, str], list[OutputRef]] = {}
    for result in results:
        for output in result.outputs:
            key = (output.dataset, output.business_date.isoformat())
            partitions.setdefault(key, []).append(output)
    return partitions


def _output(published: Sequence[OutputRef]) -> dict[str, Any]:
    """Return one partition's reference.

    Several shards may tell of the same publish (the second found it done). Shards of an image
    that names neither snapshot nor address each tell their own rows.
    """
    named = [each for each in published if each.snapshot_id is not None or each.uri]
    counted = named[-1:] or published
    return {
        "dataset": published[0].dataset,
        "business_date": published[0].business_date.isoformat(),
        "snapshot": counted[0].snapshot_id,
        "uri": counted[0].uri,
        "rows": sum(each.rows for each in counted),
        "quarantined": sum(each.quarantined_rows for each in counted),
    }


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
