"""The contract is language-neutral: a step in plain sh keeps to it, checked by the schemas."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from stationmaster.step.process import ProcessOutcome, StepProcess
from stationmaster.step.schemas import FOLDER, stale

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from stationmaster.step.protocol import StepContext


def _check(name: str, document: dict[str, Any]) -> None:
    schema = json.loads((FOLDER / f"{name}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(document)


@pytest.fixture(name="landed")
def _landed(variables: Mapping[str, str], tmp_path: Path) -> Mapping[str, str]:
    """Deliver three lines for the business date."""
    folder = tmp_path / "landing/lines/2011-11-21"
    folder.mkdir(parents=True)
    (folder / "lines.txt").write_text("one\ntwo\nthree\n")
    return variables


def _count(
    context: StepContext, script: Path, variables: Mapping[str, str], result: Path
) -> tuple[ProcessOutcome, dict[str, Any]]:
    command = ["sh", str(script)]
    with StepProcess(context, command, env=variables, result_path=result) as process:
        outcome = process.wait(print)
    return outcome, json.loads(result.read_bytes())


@pytest.fixture(name="script")
def _script(fixtures: Path) -> Path:
    return fixtures / "jobs/count-lines/count-lines.sh"


def test_a_shell_script_is_a_step(
    context: StepContext, script: Path, landed: Mapping[str, str], tmp_path: Path
) -> None:
    """It reads the context, publishes a file, and its result fits the schema."""
    _check("context", json.loads(context.model_dump_json()))

    outcome, document = _count(context, script, landed, tmp_path / "result.json")

    assert outcome.done
    _check("result", document)
    assert (tmp_path / "reports/line_count/2011-11-21/count.txt").read_text() == "3\n"
    assert outcome.result is not None
    assert outcome.result.outputs[0].dataset == "line_count"
    assert outcome.result.inputs[0].rows == 3


def test_a_shell_script_says_why_it_fails(
    context: StepContext, script: Path, variables: Mapping[str, str], tmp_path: Path
) -> None:
    """Exit code 69 and an error with the same fields as a Python step's."""
    outcome, document = _count(context, script, variables, tmp_path / "result.json")

    _check("result", document)
    assert outcome.exit_code == 69
    assert outcome.failure is not None
    assert outcome.failure.kind == "UpstreamUnavailableError"
    assert outcome.failure.where == "landing lines 2011-11-21"


def test_a_shell_script_refuses_another_protocol(
    context: StepContext, script: Path, landed: Mapping[str, str], tmp_path: Path
) -> None:
    """Version 2 is not guessed at: exit code 78."""
    newer = context.model_copy(update={"protocol": 2})

    outcome, _ = _count(newer, script, landed, tmp_path / "result.json")

    assert outcome.exit_code == 78


def test_the_schemas_are_what_the_models_say() -> None:
    """A change of the contract is seen in review: the files are generated and checked in."""
    assert stale() == []


def test_stale_schemas_are_found_by_a_command() -> None:
    """`make verify` asks with --check; it writes nothing and ends with 0 while they agree."""
    words = [sys.executable, "-m", "stationmaster.step.schemas", "--check"]

    ended = subprocess.run(words, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_the_schemas_refuse_what_the_models_refuse() -> None:
    """A result without its version, or with a status of its own, is no result."""
    for document in ({"status": "done"}, {"protocol": 1, "status": "fine"}):
        with pytest.raises(ValidationError):
            _check("result", document)


def test_the_guide_shows_the_script_that_is_tested(script: Path) -> None:
    """What docs/step-contract.md prints is what runs here."""
    guide = (script.parents[5] / "docs/step-contract.md").read_text()

    assert script.read_text() in guide
