"""Bad rows are kept aside, counted, and published together with the good ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from stationmaster.step.contracts import Contract
from stationmaster.step.datasets.branches import publish_part
from stationmaster.step.datasets.tableat import TableAt
from stationmaster.step.errors import ContractBrokenError, UpstreamUnavailableError

if TYPE_CHECKING:
    from tests.datasets.conftest import Desk

CONTRACT = Path(__file__).parents[1] / "contracts" / "web_orders.odcs.yaml"
REJECTED = pl.DataFrame({"rule": ["line_unreadable"], "record": ['{"raw": "{broken"}']})


def test_bad_rows_go_to_quarantine_with_their_rule(desk: Desk) -> None:
    """A row that breaks a rule is kept with the rule's name and as JSON; the others go on."""
    output = desk.publish(desk.orders(10, bad=2))
    kept = desk.quarantine()
    assert (desk.rows().height, output.rows, output.quarantined_rows) == (8, 8, 2)
    assert output.quarantined_by_rule == {"items_cover_lines": 2}
    assert kept["rule"].to_list() == ["items_cover_lines"] * 2
    assert json.loads(kept["record"][0])["email"] == "p0@example.com"
    assert kept["key"].to_list() == ["0", "1"]


def test_rows_a_job_refused_are_kept_as_well(desk: Desk) -> None:
    """Rows a job could not parse stand beside those that broke a rule, and count."""
    staged = desk.store.stage(desk.step(), desk.contract, desk.orders(9, bad=1), REJECTED)
    output = desk.store.publish(staged)
    assert output.quarantined_by_rule == {"items_cover_lines": 1, "line_unreadable": 1}
    assert desk.quarantine()["record"].to_list()[0] == '{"raw": "{broken"}'


def test_quarantine_is_overwritten_with_its_partition(desk: Desk) -> None:
    """A run without bad rows clears what the run before had kept aside."""
    desk.publish(desk.orders(10, bad=2))
    output = desk.publish(desk.orders(10), "r2")
    assert (output.quarantined_rows, desk.quarantine().height) == (0, 0)


def test_too_many_bad_rows_publish_nothing(desk: Desk) -> None:
    """More bad rows than the contract allows stop the step, and say which rule."""
    desk.publish(desk.orders(4))
    with pytest.raises(ContractBrokenError) as caught:
        desk.publish(desk.orders(10, bad=3, revenue="2.00"), "r2")
    message = str(caught.value)
    assert "expected at most 25.0% bad rows, got 30.0%: 3 of 10 (items_cover_lines: 3)" in message
    assert desk.revenue() == ["1.00"]
    with pytest.raises(UpstreamUnavailableError, match=r"web_orders \(quarantine\)"):
        desk.quarantine()


def test_a_stopped_step_leaves_no_files(desk: Desk) -> None:
    """What a refused frame had written is removed again."""
    with pytest.raises(ContractBrokenError):
        desk.publish(desk.orders(10, bad=9))
    warehouse = desk.settings.home / "warehouse"
    assert list(warehouse.rglob("*.parquet")) == []


def test_a_broken_schema_stops_before_a_row_is_read(desk: Desk) -> None:
    """A renamed column is named with its likely new name."""
    frame = desk.orders(3).rename({"order_id": "orderId"})
    with pytest.raises(ContractBrokenError) as caught:
        desk.publish(frame)
    message = str(caught.value)
    assert "got without order_id; with unknown orderId" in message
    assert "order_id is gone and orderId is new and looks like it" in message


def test_a_rule_for_the_partition_stops_the_publish(desk: Desk) -> None:
    """A partition that breaks a rule as a whole is not published, and its branch is gone."""
    text = CONTRACT.read_text().replace("[0, 1000000]", "[5, 1000000]")
    strict = Contract.parse(text)
    with pytest.raises(ContractBrokenError) as caught:
        desk.store.stage(desk.step(), strict, desk.orders(3))
    assert "rule rows_plausible: expected a row count to be between (5.0" in str(caught.value)
    assert "got 3.0" in str(caught.value)
    assert set(desk.table().refs()) == {"main"}


@pytest.mark.parametrize("name", ["{object}", "${object}"])
def test_a_query_over_the_partition_stops_the_publish(desk: Desk, name: str) -> None:
    """A rule may be any SQL that gives one number of the partition."""
    query = "type: sql\n        query: SELECT SUM(revenue) FROM NAME".replace("NAME", name)
    text = CONTRACT.read_text().replace("metric: rowCount", query)
    strict = Contract.parse(text.replace("mustBeBetween: [0, 1000000]", "mustBeGreaterThan: 5"))
    with pytest.raises(ContractBrokenError) as caught:
        desk.store.stage(desk.step(), strict, desk.orders(3))
    assert "to be greater than 5.0, got 3.0" in str(caught.value)
    output = desk.store.publish(desk.store.stage(desk.step(), strict, desk.orders(6)))
    assert output.rows == 6


def test_a_kill_between_quarantine_and_rows_is_healed(desk: Desk) -> None:
    """The next attempt of a try replaces the quarantine its predecessor had published."""
    first = desk.stage(desk.orders(10, bad=2))
    at = TableAt(desk.store.catalog, ("stationmaster_quarantine", "web_orders"), {})
    assert first.quarantine is not None
    publish_part(at, first.quarantine)
    output = desk.publish(desk.orders(10, bad=1), attempt=2)
    assert (output.quarantined_rows, desk.quarantine().height) == (1, 1)
