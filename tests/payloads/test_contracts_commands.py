"""`stationmaster contracts`: files in, findings and exit codes out."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner, Result

from stationmaster.step.errors import ContractUnreadableError, MisconfiguredError
from stationmaster.step.payloads.commands import app
from tests.payloads.samples import changed, orders

if TYPE_CHECKING:
    from collections.abc import Iterable


def run(*words: str | Path) -> Result:
    """Run a command; errors it does not handle are raised."""
    return CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)


def lines(path: Path, payloads: Iterable[object]) -> Path:
    """Write payloads as JSON lines."""
    path.write_text("".join(f"{json.dumps(one)}\n" for one in payloads), encoding="utf-8")
    return path


@pytest.fixture
def contract(tmp_path: Path) -> Path:
    """Return a contract learned from orders."""
    out = tmp_path / "orders.odcs.yaml"
    samples = lines(tmp_path / "samples.jsonl", orders())
    done = run("learn", samples, "--out", out, "--source", "shop", "--endpoint", "orders")
    assert done.exit_code == 0
    return out


def test_learning_twice_gives_the_same_text(tmp_path: Path) -> None:
    """A draft can be compared with the one before by its text."""
    samples = lines(tmp_path / "samples.jsonl", orders())

    assert run("learn", samples).stdout == run("learn", samples).stdout


def test_what_keeps_the_contract_ends_with_0(contract: Path, tmp_path: Path) -> None:
    """Nothing to say is said in one line."""
    done = run("check", contract, lines(tmp_path / "p", orders()))

    assert done.exit_code == 0
    assert done.stdout == "400 payloads: 0 changes break, 0 do not.\n"


def test_a_breaking_change_ends_with_65_and_json_that_programs_read(
    contract: Path, tmp_path: Path
) -> None:
    """Path, change, expected, got, severity, count and first seen are fields of their own."""
    payloads = lines(tmp_path / "p", changed(lambda one: one.update(items="3")))

    done = run("check", contract, payloads, "--json")

    told: dict[str, Any] = json.loads(done.stdout)
    (finding,) = told["findings"]
    assert done.exit_code == 65
    assert (told["source"], told["endpoint"], told["records"]) == ("shop", "orders", 400)
    assert finding["path"] == "$.items"
    assert (finding["change"], finding["severity"]) == ("type", "breaking")
    assert (finding["expected"], finding["got"]) == ("integer", "string")
    assert (finding["count"], finding["of"]) == (400, 400)
    assert finding["first_seen"] == {"line": 1, "time": "2026-11-01T08:26:00Z"}


def test_an_addition_alone_ends_with_0(contract: Path, tmp_path: Path) -> None:
    """What only adds is told, and breaks nothing."""
    done = run("check", contract, lines(tmp_path / "p", changed(lambda one: one.update(gift=1))))

    assert done.exit_code == 0
    assert "adding   added         `gift` is new in 400 of 400 records" in done.stdout


def test_bad_lines_are_counted_shown_and_kept(contract: Path, tmp_path: Path) -> None:
    """Lines that are no payloads go to a file as they came."""
    payloads = lines(tmp_path / "p", orders(3))
    payloads.write_bytes(payloads.read_bytes() + b'{"half": \n\xff\xfe\n')

    done = run("check", contract, payloads, "--json", "--bad-lines", tmp_path / "bad")

    told = json.loads(done.stdout)
    assert (told["records"], told["bad_lines"]) == (3, 2)
    assert [one["line"] for one in told["first_bad_lines"]] == [4, 5]
    assert (tmp_path / "bad").read_bytes() == b'{"half": \n\xff\xfe\n'


def test_a_file_of_nothing_but_bad_lines_is_bad_input(contract: Path, tmp_path: Path) -> None:
    """Nothing could be checked, so nothing can be called kept."""
    (tmp_path / "p").write_text("no json\nat all\n", encoding="utf-8")

    assert run("check", contract, tmp_path / "p").exit_code == 78


def test_input_that_cannot_be_read_is_refused_with_78(contract: Path, tmp_path: Path) -> None:
    """A missing file, no samples and a contract that is none say what to do."""
    (tmp_path / "empty").touch()
    (tmp_path / "no.yaml").write_text("kind: [", encoding="utf-8")

    with pytest.raises(MisconfiguredError, match="Check the path") as missing:
        run("check", contract, tmp_path / "nowhere")
    with pytest.raises(MisconfiguredError, match="some hundred payloads"):
        run("learn", tmp_path / "empty")
    with pytest.raises(ContractUnreadableError, match="contracts learn"):
        run("check", tmp_path / "no.yaml", tmp_path / "empty")
    assert missing.value.exit_code == 78


def test_two_contracts_are_compared_in_the_same_words(contract: Path, tmp_path: Path) -> None:
    """What a check of payloads would find, a comparison of contracts says beforehand."""
    later = tmp_path / "later.yaml"
    payloads = changed(lambda one: one.update(orderId=one.pop("order_id"), items=None))
    run("learn", lines(tmp_path / "p", payloads), "--out", later)

    done = run("diff", contract, later, "--json")

    found = {one["path"]: one["change"] for one in json.loads(done.stdout)["findings"]}
    assert done.exit_code == 65
    assert found == {"$.order_id": "renamed", "$.items": "nullable"}
    assert run("diff", contract, contract).exit_code == 0


def test_what_a_source_published_is_refined_by_samples(contract: Path, tmp_path: Path) -> None:
    """A description says what is optional; samples say how often it is there, so its loss shows."""
    schema = {
        "type": "object",
        "required": ["order_id"],
        "properties": {"order_id": {"type": "string"}, "coupon": {"type": "string"}},
        "additionalProperties": {},
    }
    (tmp_path / "schema.json").write_text(json.dumps(schema), encoding="utf-8")
    published, refined = tmp_path / "published.yaml", tmp_path / "refined.yaml"
    run("import", tmp_path / "schema.json", "--out", published)
    run("learn", contract.parent / "samples.jsonl", "--refine", published, "--out", refined)
    lost = lines(tmp_path / "p", changed(lambda one: one.pop("coupon", None)))

    assert run("check", published, lost).exit_code == 0
    done = run("check", refined, lost)
    assert done.exit_code == 65
    assert "`coupon` is gone from 400 of 400 records" in done.stdout


def test_a_shift_says_since_when_and_shows_an_example(contract: Path, tmp_path: Path) -> None:
    """Pence for pounds: the first line, how many records, and one of the new numbers."""
    payloads = lines(tmp_path / "p", changed(lambda one: one.update(total=one["total"] * 100)))

    (finding,) = json.loads(run("check", contract, payloads, "--json").stdout)["findings"]

    assert finding["change"] == "unit_or_scale"
    assert finding["first_seen"]["line"] == 1
    assert finding["count"] > 390
    assert float(finding["example"]) > 1000


def test_what_a_gone_field_was_is_said_below_it(contract: Path, tmp_path: Path) -> None:
    """For people, too: what was expected of a field that is gone, and since when it is."""
    done = run("check", contract, lines(tmp_path / "p", changed(lambda one: one.pop("total"))))

    assert "`total` is gone from 400 of 400 records" in done.stdout
    assert "expected number; first seen" in done.stdout


def test_nothing_in_nothing_is_said_to_be_no_check(contract: Path, tmp_path: Path) -> None:
    """An empty file ends with 0, and nobody takes that for a check."""
    done = run("check", contract, lines(tmp_path / "p", []))

    assert done.stdout.startswith("0 payloads, nothing was checked: ")


@pytest.mark.parametrize("packed", [False, True])
def test_payloads_are_read_from_a_pipe(contract: Path, tmp_path: Path, *, packed: bool) -> None:
    """`-` is standard input; nothing is lost by looking whether it is packed."""
    raw = lines(tmp_path / "p", orders()).read_bytes()
    command = Path(sys.executable).with_name("stationmaster")
    words = [str(command), "contracts", "check", str(contract), "-"]
    given = gzip.compress(raw) if packed else raw

    done = subprocess.run(words, input=given, capture_output=True, check=False)

    assert done.stdout.decode() == "400 payloads: 0 changes break, 0 do not.\n"


@pytest.mark.parametrize("place", [".", "gone/contract.yaml"])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, place: str) -> None:
    """A folder, or one that is not there, is said in one sentence with what to do."""
    samples = lines(tmp_path / "p", orders())

    with pytest.raises(MisconfiguredError, match="a file that can be written") as told:
        run("learn", samples, "--out", tmp_path / place)

    assert str(tmp_path / place) in str(told.value)


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("", "an empty file"),
        ("hello", "plain text"),
        ("[1]", "a list"),
        ("kind: DataContract", "without apiVersion"),
        ("{apiVersion: v3.1.0, kind: DataContract, version: 1, schema: []}", "a schema of 0"),
    ],
)
def test_what_is_no_contract_is_said_in_words(tmp_path: Path, text: str, got: str) -> None:
    """Who names the wrong file reads what it is, not what went wrong within the program."""
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text, encoding="utf-8")

    with pytest.raises(ContractUnreadableError, match=got):
        run("diff", wrong, wrong)
