"""Shorten a result to what the kubelet keeps, and say what was shortened."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Final

from stationmaster.step.protocol import MAX_RESULT_BYTES, InputRef, StepFailure, StepResult

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["encode", "fit"]

_TEXTS: Final = ("message", "got", "expected", "hint", "where")
"""Texts of an error, in the order in which they are shortened."""
_LENGTHS: Final = (600, 240, 80)
"""Characters kept of a text, in the order tried."""
_SHORTEST: Final = 40
_LONGEST_URI: Final = 1024


def encode(result: StepResult) -> bytes:
    """Return the document as it is written: without fields at their default, but the version."""
    document = {
        "protocol": result.protocol,
        **result.model_dump(mode="json", exclude_defaults=True),
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def fit(result: StepResult) -> StepResult:
    """Return the result, shortened step by step until it has at most 4,096 bytes.

    Least needed first: notes, long texts of the error, the rules of quarantined rows, inputs,
    outputs, figures. Status, the error's kind and the measurements always stay; `truncated` names
    the rest.
    """
    for shorten in _measures():
        if len(encode(result)) <= MAX_RESULT_BYTES:
            return result
        result = shorten(result)
    return result


def _measures() -> Iterator[Callable[[StepResult], StepResult]]:
    yield _drop_notes
    for length in _LENGTHS:
        yield partial(_shorten_error, length=length)
    yield _drop_rules
    yield _summarise_inputs
    yield _keep_some_outputs
    yield _keep_some_figures
    yield _last_resort


def _drop_notes(result: StepResult) -> StepResult:
    return _changed(result, "notes", notes=()) if result.notes else result


def _shorten_error(result: StepResult, *, length: int) -> StepResult:
    """Shorten texts one by one: what fits already is left whole."""
    for name in _TEXTS:
        if result.error is None or len(encode(result)) <= MAX_RESULT_BYTES:
            return result
        text = getattr(result.error, name)
        if len(text) > length:
            error = result.error.model_copy(update={name: _shortened(text, length)})
            result = _changed(result, f"error.{name}", error=error)
    return result


def _shortened(text: str, length: int) -> str:
    """Cut a text and say how much is gone; a text cut before keeps one honest count."""
    head, _, tail = text.rpartition("… (")
    already = 0
    if head and tail.endswith(" characters left out)"):
        count = tail.removesuffix(" characters left out)").replace(",", "")
        if count.isdecimal() and len(head) in _LENGTHS:
            text, already = head, int(count)
    return f"{text[:length]}… ({len(text) - length + already:,} characters left out)"


def _drop_rules(result: StepResult) -> StepResult:
    if not any(output.quarantined_by_rule for output in result.outputs):
        return result
    outputs = tuple(o.model_copy(update={"quarantined_by_rule": {}}) for o in result.outputs)
    return _changed(result, "outputs.quarantined_by_rule", outputs=outputs)


def _summarise_inputs(result: StepResult) -> StepResult:
    """Keep one entry for each dataset: its last snapshot, the sum of rows and bytes."""
    merged: dict[str, InputRef] = {}
    for read in result.inputs:
        before = merged.get(read.dataset, InputRef(dataset=read.dataset))
        merged[read.dataset] = read.model_copy(
            update={"rows": before.rows + read.rows, "bytes": before.bytes + read.bytes}
        )
    if len(merged) == len(result.inputs):
        return result
    return _changed(result, "inputs", inputs=tuple(merged.values()))


def _keep_some_outputs(result: StepResult) -> StepResult:
    """Leave out inputs from the end, then outputs from the end, as few as it takes."""
    for name in ("inputs", "outputs"):
        while getattr(result, name) and len(encode(result)) > MAX_RESULT_BYTES:
            kept = getattr(result, name)[: (len(getattr(result, name)) * 3) // 4]
            result = _changed(result, name, **{name: kept})
    return result


def _keep_some_figures(result: StepResult) -> StepResult:
    """Leave out figures from the end, as few as it takes."""
    for name in ("part_figures", "figures"):
        while getattr(result, name) and len(encode(result)) > MAX_RESULT_BYTES:
            told = list(getattr(result, name).items())
            result = _changed(result, name, **{name: dict(told[: (len(told) * 3) // 4])})
    return result


def _last_resort(result: StepResult) -> StepResult:
    """Keep only what is always short; a name or a phase of kilobytes gets here."""
    error = result.error
    if error is not None:
        error = StepFailure(
            kind=_short(error.kind), **{name: _short(getattr(error, name)) for name in _TEXTS}
        )
    uri = result.full_result_uri
    return StepResult(
        status=result.status,
        phase=_short(result.phase),
        measurements=result.measurements,
        error=error,
        truncated=("phase", "inputs", "outputs", "notes", "error", "figures", "full_result_uri"),
        full_result_uri=uri if len(json.dumps(uri)) <= _LONGEST_URI else None,
    )


def _short(text: str) -> str:
    # JSON writes a control character as six bytes: 40 of them still fit seven times.
    return text if len(text) <= _SHORTEST else f"{text[:_SHORTEST]}…"


def _changed(result: StepResult, field: str, **update: object) -> StepResult:
    truncated = result.truncated if field in result.truncated else (*result.truncated, field)
    return result.model_copy(update={**update, "truncated": truncated})
