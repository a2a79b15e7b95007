"""One person is erased wherever tables keep them."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from typer import Typer
from typer.testing import CliRunner

from stationmaster.step.contracts import Contract
from stationmaster.step.datasets.commands import forget, maintain
from stationmaster.step.datasets.forgetting import Identifier
from stationmaster.step.errors import MisconfiguredError, StaleAttemptError, TemporaryError

if TYPE_CHECKING:
    from stationmaster.step.datasets.forgetting import ForgetReport
    from tests.datasets.conftest import Desk

DAY = dt.date(2011, 11, 21)
NEXT = dt.date(2011, 11, 22)
CONTRACT = Path(__file__).parents[1] / "contracts" / "web_orders.odcs.yaml"
ANN = [Identifier("email", " P1@Example.com ")]


def _forget(desk: Desk, *, dry_run: bool = False) -> dict[str, ForgetReport]:
    reports = desk.store.forget(ANN, dry_run=dry_run)
    return {report.table.removeprefix("stationmaster"): report for report in reports}


def _holds(desk: Desk, text: bytes) -> list[str]:
    """Return the files of the warehouse that hold a text; data files are searched unpacked."""
    found = []
    for path in (desk.settings.home / "warehouse").rglob("*"):
        if path.suffix == ".parquet":
            content = json.dumps(pl.read_parquet(path).to_dicts(), default=str).encode()
            content += path.read_bytes()
        else:
            content = path.read_bytes() if path.is_file() else b""
        if text in content:
            found.append(path.name)
    return found


def test_a_person_is_gone_from_rows_quarantine_and_history(desk: Desk) -> None:
    """No file of the warehouse holds the person any more, and everybody else is still there."""
    desk.publish(desk.orders(8, bad=2), "r1")
    desk.publish(desk.orders(8, bad=2, revenue="2.00"), "r2")
    desk.publish(desk.orders(5), "r1", business_date=NEXT)
    assert _holds(desk, b"p1@example.com")
    found = _forget(desk)
    assert (found[".web_orders"].rows, found["_quarantine.web_orders"].rows) == (1, 1)
    assert _holds(desk, b"p1@example.com") == []
    assert (desk.rows().height, desk.rows(NEXT).height, desk.quarantine().height) == (6, 4, 1)
    assert sorted(desk.rows(NEXT)["email"].to_list())[1] == "p2@example.com"


def test_manifests_know_no_personal_values(desk: Desk) -> None:
    """Metadata keeps bounds of columns for planning, but none of personal ones."""
    desk.publish(desk.orders(5))
    table = desk.table()
    email = table.schema().find_field("email").field_id
    bounds = [task.file.lower_bounds for task in table.scan().plan_files()]
    assert all(bound and email not in bound for bound in bounds)


def test_forgetting_twice_finds_nothing(desk: Desk) -> None:
    """A second time reports no rows and no files."""
    desk.publish(desk.orders(5))
    assert _forget(desk)[".web_orders"].rows == 1
    assert {(report.rows, report.files) for report in _forget(desk).values()} == {(0, 0)}


def test_a_person_only_in_an_old_snapshot_is_found(desk: Desk) -> None:
    """A row that a later run replaced is erased from the snapshots that still have it."""
    desk.publish(desk.orders(5))
    desk.publish(desk.orders(5, first=10), "r2")
    report = _forget(desk)[".web_orders"]
    assert (report.rows, report.files) == (0, 1)
    assert _holds(desk, b"p1@example.com") == []
    assert desk.rows().height == 5


def test_a_dry_run_only_counts(desk: Desk) -> None:
    """A dry run says what it would erase and erases nothing."""
    desk.publish(desk.orders(5))
    assert _forget(desk, dry_run=True)[".web_orders"].rows == 1
    assert desk.rows().height == 5


def test_only_the_whole_address_counts(desk: Desk) -> None:
    """p1@example.com is not p11@example.com, in rows and in quarantine."""
    desk.publish(desk.orders(3, first=10, bad=0))
    desk.publish(desk.orders(8, first=11, bad=1), business_date=NEXT, run="r2")
    assert {report.files for report in _forget(desk).values()} == {0}


def test_forgetting_keeps_the_fence(desk: Desk) -> None:
    """Who published, and how many rows there are now, stays on record."""
    desk.publish(desk.orders(5), number=2)
    _forget(desk)
    record = desk.store.published(desk.step(number=2), "web_orders")
    assert record is not None
    assert record.rows == 4
    with pytest.raises(StaleAttemptError):
        desk.publish(desk.orders(5), number=1)


def test_a_staged_partition_with_the_person_is_not_published(desk: Desk) -> None:
    """A step that had staged the person stages anew instead of bringing them back."""
    staged = desk.stage(desk.orders(5))
    _forget(desk)
    with pytest.raises(TemporaryError, match="a person's data was erased from it"):
        desk.store.publish(staged)
    assert _holds(desk, b"p1@example.com") == []


def test_the_contract_says_what_is_personal(desk: Desk) -> None:
    """A column that no contract calls personal is only searched when it is named."""
    open_text = CONTRACT.read_text().replace("classification: personal", "classification: public")
    public = Contract.parse(open_text.replace('tags: ["identifies:email"]', "tags: []"))
    desk.store.publish(desk.store.stage(desk.step(), public, desk.orders(5)))
    assert _forget(desk)[".web_orders"].rows == 0
    named = [Identifier("email", "p1@example.com", any_column=True)]
    assert desk.store.forget(named)[0].rows == 1


def _cli() -> Typer:
    app = Typer(pretty_exceptions_enable=False)
    app.command("forget")(forget)
    app.command("maintain")(maintain)
    return app


def test_the_command_reports_by_table(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """`stationmaster forget` says per table what it erased."""
    desk.publish(desk.orders(8, bad=2))
    monkeypatch.setenv("STATIONMASTER_HOME", str(desk.settings.home))
    dry = CliRunner().invoke(_cli(), ["forget", "--email", "p4@example.com", "--dry-run"])
    assert "stationmaster.web_orders: would erase 1 rows, 1 data files" in dry.stdout
    done = CliRunner().invoke(_cli(), ["forget", "--where", "order_id=0", "--json"])
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["rows"] for line in told] == [0, 1]
    kept = CliRunner().invoke(_cli(), ["maintain"])
    assert "stationmaster.web_orders: 0 snapshots expired" in kept.stdout


def test_the_command_needs_to_know_whom(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """`stationmaster forget` without a person names its options."""
    monkeypatch.setenv("STATIONMASTER_HOME", str(desk.settings.home))
    outcome = CliRunner().invoke(_cli(), ["forget", "--where", "order_id="])
    assert isinstance(outcome.exception, MisconfiguredError)
    assert "expected --email, --customer-id or --where column=value" in str(outcome.exception)
