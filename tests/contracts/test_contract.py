"""A contract is read whole, or refused with the place and what to do."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl
import pytest

from stationmaster.step.contracts import Contract
from stationmaster.step.errors import ContractUnreadableError

EXAMPLE = Path(__file__).with_name("web_orders.odcs.yaml")
DOCS = Path(__file__).parents[2] / "docs" / "datasets.md"


def test_the_example_is_read_whole() -> None:
    """Columns, types, key, rules and the share of bad rows come from the file."""
    contract = Contract.load(EXAMPLE)
    assert contract.dataset == "web_orders"
    assert contract.key == ("order_id",)
    assert contract.max_bad_share == 0.25
    assert contract.schema["revenue"] == pl.Decimal(12, 2)
    assert contract.schema["ordered_at"] == pl.Datetime("us", "UTC")
    assert [rule.name for rule in contract.row_rules][-3:] == [
        "lines_minimum",
        "revenue_minimum",
        "items_cover_lines",
    ]
    assert [column.name for column in contract.columns if column.personal] == ["email"]


def test_the_example_in_the_docs_is_the_tested_one() -> None:
    """What docs/datasets.md shows is the contract that the tests use."""
    shown = DOCS.read_text().split("```yaml\n")[1].split("```")[0]
    lines = [line.split("  #")[0].rstrip() for line in shown.splitlines()]
    assert lines == EXAMPLE.read_text().splitlines()


def test_an_empty_frame_has_all_columns() -> None:
    """The frame for a partition that is not there has the contract's columns and no rows."""
    empty = Contract.load(EXAMPLE).empty_frame()
    assert empty.columns[:2] == ["business_date", "order_id"]
    assert (empty.height, empty.schema["business_date"]) == (0, pl.Date())


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("kind: DataContract", "kind: Recipe", "kind: Input should be 'DataContract'"),
        ("apiVersion: v3.1.0", "apiVersion: v2.2.2", "apiVersion: String should match"),
        ("schema:", "schema: [", "expected YAML"),
        ("name: business_date", "name: day", "no column business_date"),
        (
            "logicalType: integer\n        required: true\n        description: Lines",
            "logicalType: object\n        required: true\n        description: Lines",
            "column lines: logicalType object is none of string, boolean, date",
        ),
        ("items >= lines", "items >= lyns", "rule items_cover_lines: unable to find column"),
        ("items >= lines", "items >=", "expected types and rules that can be checked"),
        (
            "items >= lines",
            "items + lines",
            "items_cover_lines gives Int64, not true or false",
        ),
        ("engine: stationmaster", "engine: soda", "engine is soda, not stationmaster"),
        ("value: 0.25", "value: 25", "maxBadRowShare is 25.0, not between 0 and 1"),
        ("metric: rowCount", "metric: freshness", "web_orders, quality rule rows_plausible: only"),
        ("metric: invalidValues", "metric: duplicateValues", "say `type: text` for one that is"),
        ("mustBeBetween: [0, 1000000]", "unit: rows", "quality rule rows_plausible: no mustBe"),
        (
            "metric: rowCount",
            "type: sql\n        query: SELECT SUM(nothing) FROM {object}",
            "rule rows_plausible: unable to find column",
        ),
        ("value: 0.25", "value: some", "could not convert string to float: 'some'"),
    ],
)
def test_a_contract_that_cannot_be_used_says_why(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    """The error names the file, what is wrong in it, and what to do."""
    text = EXAMPLE.read_text()
    assert old in text
    path = tmp_path / "c.odcs.yaml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ContractUnreadableError) as caught:
        Contract.load(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))
    assert "Run `datacontract lint` on the file" in str(caught.value)


def test_a_missing_contract_is_named(tmp_path: Path) -> None:
    """A file that is not there is told by its path."""
    with pytest.raises(ContractUnreadableError, match=r"expected a readable file, got .*No such"):
        Contract.load(tmp_path / "none.odcs.yaml")


def test_a_file_of_bytes_is_no_contract(tmp_path: Path) -> None:
    """A binary file is refused, not half read."""
    path = tmp_path / "c.odcs.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ContractUnreadableError, match="expected a readable file"):
        Contract.load(path)


def test_limits_of_dates_and_instants_are_understood() -> None:
    """Minimum and maximum may be dates and times, in the column's own type."""
    text = EXAMPLE.read_text().replace(
        "description: When the order was placed, in UTC.",
        'description: When.\n        logicalTypeOptions: {minimum: "2009-12-01T00:00:00"}',
    )
    rule = next(r for r in Contract.parse(text).row_rules if r.name == "ordered_at_minimum")
    moments = [
        dt.datetime(2009, 11, 30, 23, 59, tzinfo=dt.UTC),
        dt.datetime(2010, 1, 1, tzinfo=dt.UTC),
    ]
    frame = pl.DataFrame({"ordered_at": moments}, schema={"ordered_at": pl.Datetime("us", "UTC")})
    assert frame.select(rule.keeps).to_series().to_list() == [False, True]
