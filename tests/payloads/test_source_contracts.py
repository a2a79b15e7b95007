"""The contracts of the four sources: valid, true to what jobs read and to who is affected."""

from __future__ import annotations

import gzip
import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from stationmaster.step.extraction.shapes import Kind, Shape
from stationmaster.step.payloads import PayloadContract
from stationmaster.step.payloads.lineage import downstream
from stationmaster.step.protocol import MAX_RESULT_BYTES
from stationmaster.step.testing import JobRun, run_job
from stationmaster.step.truncate import encode
from tests.payloads.samples import learned, orders

if TYPE_CHECKING:
    from stationmaster.step.payloads.fields import Field

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "jobs").glob("*/src/*/payloads/*.odcs.yaml"))
SCHEMA = json.loads((Path(__file__).parent / "odcs-3.1.0.schema.json").read_text(encoding="utf-8"))
SHAPES = {
    "extract_web/orders": "ORDERS",
    "extract_web/sessions": "SESSIONS",
    "extract_app/orders": "ORDERS",
    "extract_app/sessions": "SESSIONS",
    "extract_support/tickets": "TICKET",
}
DAY = "2011-11-21"


def named(path: Path) -> str:
    """Return a contract's name: package and endpoint."""
    return f"{path.parents[1].name}/{path.name.split('.')[0]}"


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_source_contract_is_one_by_the_standard(path: Path) -> None:
    """The standard's own schema of 3.1 has no objection, and our reader loses nothing."""
    text = path.read_text(encoding="utf-8")

    jsonschema.validate(yaml.safe_load(text), SCHEMA)

    assert PayloadContract.read(path).text() == text


def test_a_learned_contract_is_one_by_the_standard() -> None:
    """Whatever is drafted validates: maps, unions, several kinds and formats too."""
    mixed = [
        {"a": 1 if n % 2 else "x", "by_day": {f"2026-01-{n % 28 + 1:02}": n}} for n in range(99)
    ]
    events = [
        {"type": kind, kind: {"id": n}, "at": "2026-01-01"}
        for n, kind in enumerate(["push", "star"] * 20)
    ]

    for samples in (orders(), mixed, events, [[1, None]], [3.5], [None]):
        jsonschema.validate(learned(samples).as_document(), SCHEMA)


@pytest.mark.parametrize("path", FILES, ids=named)
def test_it_names_all_that_is_made_of_the_source(path: Path) -> None:
    """The datasets and reports that an alert calls affected are those that jobs make of it."""
    contract = PayloadContract.read(path)

    made = downstream(ROOT / "jobs", contract.affected_datasets[0])

    assert (contract.affected_datasets, contract.affected_reports) == made
    assert contract.affected_reports == ("morning_report",)


def disagreements(field: Field, shape: Shape, path: str = "") -> list[str]:
    """Return the fields that a job reads otherwise than its source promised them."""
    found = [name for name in field.properties if name not in shape]
    for name, part in shape.items():
        promised = field.properties[name]
        if isinstance(part, Kind):
            kinds = {Kind.WHOLE: {"integer"}, Kind.FLAG: {"boolean"}}.get(part, {"string"})
            same = promised.kinds == kinds and promised.nullable == (part is Kind.TEXT_OR_NULL)
            found += [] if same or part is Kind.UNREAD else [f"{path}{name}"]
        elif isinstance(part, dict):
            found += disagreements(promised, part, f"{path}{name}.")
        elif isinstance(part, list) and promised.items is not None:
            found += disagreements(promised.items, part[0], f"{path}{name}[].")
    return found


@pytest.mark.parametrize("name", SHAPES)
def test_a_job_reads_what_its_source_promised(name: str) -> None:
    """Contract and shape say the same of each field: kind, and whether it may be null."""
    package, endpoint = name.split("/")
    shape = getattr(import_module(f"{package}.shapes"), SHAPES[name])
    (path,) = (ROOT / "jobs").glob(f"*/src/{package}/payloads/{endpoint}.odcs.yaml")

    assert disagreements(PayloadContract.read(path).root, shape) == []


def app_order(number: int, **changes: object) -> dict[str, Any]:
    """Return an order as the app writes it."""
    buyer = dict.fromkeys(("mail", "mobile", "street", "zip", "land"))
    return {
        "ref": f"{number}",
        "ts": 1_321_865_160_000 + number,
        "device": "d-1",
        "login": None,
        "buyer": {"fullName": "Jane Miller", **buyer},
        "items": [{"id": "A", "title": "B", "qty": 12, "pence": 250}],
        "total_pence": 3000,
        **changes,
    }


def extracted(records: list[dict[str, Any]]) -> JobRun:
    """Run extract-app on these orders."""
    lines = "".join(f"{json.dumps(one)}\n" for one in records).encode()
    files = {"orders": gzip.compress(lines), "sessions": gzip.compress(b"")}
    landing = {f"app/{DAY}/{kind}-000.jsonl.gz": data for kind, data in files.items()}
    return run_job(import_module("extract_app.job").run, DAY, landing=landing)


def test_a_changed_source_ends_the_step_with_who_is_affected_and_nobodys_name() -> None:
    """However much changed, the result fits, names what broke, and shows no personal data."""
    changes = {f"surprise_{n}": {"why": "Miller " * 50} for n in range(40)}
    buyer = {"fullName": {"first": "Jane", "last": "Miller"}, "mobile": 447700900123}

    done = extracted(
        [app_order(n, buyer=buyer, items="none", ts=None, **changes) for n in range(60)]
    )

    assert done.exit_code == 65
    assert done.result.error is not None
    assert "source app, endpoint orders" in done.result.error.where
    assert "in 60 of 60 records" in done.result.error.got
    assert "reports morning_report" in done.result.error.hint
    assert len(encode(done.result)) <= MAX_RESULT_BYTES
    assert not [
        word for word in ("Jane", "Miller", "77009") if word in encode(done.result).decode()
    ]


def test_an_addition_is_a_note_and_no_failure() -> None:
    """A new field is told with how often it was seen, and the day is published."""
    done = extracted([app_order(n, gift=True) for n in range(80)])

    assert done.exit_code == 0
    assert done.table("app_orders").height == 80
    assert any(
        "`gift` is new in 50 of 50 records: boolean, such as true (of the first 50); it is not read"
        in note
        for note in done.result.notes
    )


def test_pounds_in_place_of_pence_are_noticed() -> None:
    """A change of unit that no type shows ends the step before wrong totals are published."""
    small = {"items": [{"id": "A", "title": "B", "qty": 12, "pence": 2}], "total_pence": 24}

    done = extracted([app_order(n, **small) for n in range(60)])

    assert done.exit_code == 65
    assert done.result.error is not None
    assert "times smaller" in done.result.error.got
