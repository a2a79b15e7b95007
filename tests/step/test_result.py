"""The result always fits, always parses, and says honestly what was left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.step import ResultError
from stationmaster.step.protocol import (
    MAX_RESULT_BYTES,
    InputRef,
    Measurements,
    OutputRef,
    ResultStatus,
    StepFailure,
    StepResult,
)
from stationmaster.step.resultfile import read_result, write_result
from stationmaster.step.truncate import encode, fit

# Any text, also control characters (six bytes in JSON) and astral planes, sometimes kilobytes.
_TEXT = st.builds(
    lambda text, times: text * times,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.sampled_from([1, 1, 1, 40, 500]),
)
_COUNT = st.integers(0, 2**63)
_INPUT = st.builds(InputRef, dataset=_TEXT, snapshot_id=_COUNT | st.none(), rows=_COUNT)
_OUTPUT = st.builds(
    OutputRef,
    dataset=_TEXT,
    business_date=st.dates(),
    snapshot_id=_COUNT | st.none(),
    uri=_TEXT | st.none(),
    rows=_COUNT,
    quarantined_rows=_COUNT,
    quarantined_by_rule=st.dictionaries(_TEXT, _COUNT, max_size=30),
)
_ERROR = st.builds(
    StepFailure, kind=_TEXT, where=_TEXT, expected=_TEXT, got=_TEXT, hint=_TEXT, message=_TEXT
)
_RESULT = st.builds(
    StepResult,
    status=st.sampled_from(ResultStatus),
    phase=_TEXT,
    inputs=st.lists(_INPUT, max_size=40).map(tuple),
    outputs=st.lists(_OUTPUT, max_size=20).map(tuple),
    measurements=st.builds(Measurements, peak_memory_bytes=_COUNT, rows_read=_COUNT),
    error=_ERROR | st.none(),
    notes=st.lists(_TEXT, max_size=10).map(tuple),
    figures=st.dictionaries(_TEXT, st.floats(allow_nan=False, allow_infinity=False), max_size=40),
    full_result_uri=_TEXT | st.none(),
)


@settings(max_examples=300, deadline=None)
@given(_RESULT)
def test_any_result_fits_and_keeps_what_a_verdict_needs(result: StepResult) -> None:
    """At most 4,096 bytes of valid JSON with status, measurements and the error's kind."""
    document = encode(fit(result))
    read = StepResult.model_validate(json.loads(document))

    assert len(document) <= MAX_RESULT_BYTES
    assert read.status is result.status
    assert read.measurements == result.measurements
    assert (read.error is None) == (result.error is None)
    if read.error is not None and result.error is not None:
        assert result.error.kind.startswith(read.error.kind.removesuffix("…"))
    assert (read == result) or read.truncated


@settings(max_examples=100, deadline=None)
@given(_RESULT)
def test_fitting_again_changes_nothing(result: StepResult) -> None:
    """What fits is left whole: shortening is never done twice."""
    once = fit(result)

    assert fit(once) == once


def test_notes_go_first_then_long_texts_and_the_rest_stays() -> None:
    """A traceback of 20,000 letters costs the message its tail, and nobody the outputs."""
    result = StepResult(
        status=ResultStatus.FAILED,
        notes=("a note",),
        inputs=(InputRef(dataset="web_orders", rows=3),),
        error=StepFailure(kind="LookupError", message="x" * 20_000, hint="Look again."),
    )

    short = fit(result)

    assert short.truncated == ("notes", "error.message")
    assert short.error is not None
    assert short.error.message.endswith("x… (19,400 characters left out)")
    assert short.error.hint == "Look again."
    assert short.inputs == result.inputs


def test_many_inputs_of_a_dataset_become_one_line() -> None:
    """Thirty days of one dataset are summed up before any output is left out."""
    inputs = tuple(InputRef(dataset="web_orders", snapshot_id=n, rows=2) for n in range(200))

    short = fit(StepResult(status=ResultStatus.DONE, inputs=inputs))

    assert short.truncated == ("inputs",)
    assert short.inputs == (InputRef(dataset="web_orders", snapshot_id=199, rows=400),)


def test_a_document_names_its_version_and_leaves_defaults_out(tmp_path: Path) -> None:
    """The file is small, and whoever reads it need not guess the protocol."""
    path = tmp_path / "result.json"

    write_result(path, StepResult(status=ResultStatus.DONE))

    assert json.loads(path.read_bytes()) == {"protocol": 1, "status": "done"}
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_renamed_onto_is_written_in_place(tmp_path: Path) -> None:
    """A termination log is a mounted file: it keeps its inode and never holds two documents."""
    folder = tmp_path / "closed"
    folder.mkdir()
    target = folder / "log"
    target.write_text("{" + "x" * 3000)
    handle = target.open("r+b")
    inode = target.stat().st_ino
    named = Path(f"/proc/self/fd/{handle.fileno()}")

    write_result(named, StepResult(status=ResultStatus.RUNNING, phase="reading"))

    assert json.loads(target.read_bytes()) == {
        "protocol": 1,
        "status": "running",
        "phase": "reading",
    }
    assert target.stat().st_ino == inode
    handle.close()


def test_a_full_device_is_an_error_of_the_writer() -> None:
    """Nothing is swallowed: the runner decides what a lost result means."""
    with pytest.raises(OSError, match="No space left on device"):
        write_result(Path("/dev/full"), StepResult(status=ResultStatus.DONE))


def test_no_result_and_an_empty_one_are_none(tmp_path: Path) -> None:
    """A foreign image need not write a result."""
    (tmp_path / "empty").touch()

    assert read_result(tmp_path / "empty") is None
    assert read_result(tmp_path / "absent") is None


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        (b'{"protocol":1,"status":"fine"}', "breaks protocol version 1 at `status`"),
        (b'{"protocol":2,"status":"done"}', "breaks protocol version 1 at `protocol`"),
        (b'{"status":', "at `document`: Invalid JSON"),
        (b" " * 4096 + b"{}", "has 4098 bytes; the protocol allows 4096"),
    ],
)
def test_a_result_that_breaks_the_protocol_is_refused(
    tmp_path: Path, document: bytes, sentence: str
) -> None:
    """The message tells the author of a step in another language what to correct."""
    path = tmp_path / "result.json"
    path.write_bytes(document)

    with pytest.raises(ResultError, match=sentence):
        read_result(path)
