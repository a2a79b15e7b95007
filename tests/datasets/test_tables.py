"""Tables grow with their contracts, and refuse what old rows do not fit."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from stationmaster.step.contracts import Contract
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from tests.datasets.conftest import Desk

CONTRACT = Path(__file__).parents[1] / "contracts" / "web_orders.odcs.yaml"
NEXT = dt.date(2011, 11, 22)
RULES = "\n    quality:\n      - name: items_cover_lines"
COUPON = """
      - name: coupon
        logicalType: string
        required: {required}
    quality:
      - name: items_cover_lines"""
ALL_TYPES = """
apiVersion: v3.1.0
kind: DataContract
id: kinds
version: 1.0.0
status: active
schema:
  - name: kinds
    properties:
      - {name: business_date, logicalType: date, required: true}
      - {name: a_string, logicalType: string}
      - {name: a_flag, logicalType: boolean}
      - {name: a_date, logicalType: date}
      - {name: an_instant, logicalType: timestamp}
      - {name: a_wall_time, logicalType: timestamp, logicalTypeOptions: {timezone: false}}
      - {name: an_int, logicalType: integer, physicalType: int}
      - {name: a_long, logicalType: integer}
      - {name: a_float, logicalType: number, physicalType: float}
      - {name: a_double, logicalType: number}
      - {name: some_money, logicalType: number, physicalType: "decimal(12,2)"}
      - {name: some_words, logicalType: array, items: {name: word, logicalType: string}}
"""


def _changed(old: str, new: str) -> Contract:
    text = CONTRACT.read_text()
    assert old in text
    return Contract.parse(text.replace(old, new, 1))


def test_every_type_comes_back_as_it_went(desk: Desk) -> None:
    """A row of each type the contract knows, and a row of nulls, read back as written."""
    contract = Contract.parse(ALL_TYPES)
    names = [name for name in contract.schema.names() if name != "business_date"]
    row: dict[str, object] = {
        "a_string": "Ünïcode",
        "a_flag": True,
        "a_date": dt.date(1969, 12, 31),
        "an_instant": dt.datetime(2011, 10, 30, 1, 30, 0, 123456, tzinfo=dt.UTC),
        "a_wall_time": dt.datetime(2011, 10, 30, 1, 30),  # noqa: DTZ001 (the type has no zone)
        "an_int": -5,
        "a_long": 2**40,
        "a_float": 0.5,
        "a_double": 0.1,
        "some_money": "12.34",
        "some_words": ["a", "b"],
    }
    schema = {name: contract.schema[name] for name in names}
    frame = pl.DataFrame(
        [row, dict.fromkeys(names)], schema={**schema, "some_money": pl.String()}
    ).with_columns(pl.col("some_money").cast(pl.Decimal(12, 2)))
    desk.store.publish(desk.store.stage(desk.step(), contract, frame))
    back = desk.store.read("kinds", desk.step().business_date).frame.collect()
    assert back.drop("business_date").equals(frame)
    assert back.schema == contract.schema


def test_a_new_optional_column_is_null_in_old_rows(desk: Desk) -> None:
    """A contract may gain an optional column; partitions of before read as null."""
    desk.publish(desk.orders(2))
    grown = _changed(
        "\n    quality:\n      - name: items_cover_lines", COUPON.format(required="false")
    )
    frame = desk.orders(3).with_columns(coupon=pl.lit("X"))
    desk.store.publish(desk.store.stage(desk.step("r2", business_date=NEXT), grown, frame))
    through = desk.store.read("web_orders", NEXT, through=True).frame.collect()
    assert through["coupon"].to_list() == [None, None, "X", "X", "X"]


def test_an_older_contract_still_writes(desk: Desk) -> None:
    """A step of before the change leaves the new column null."""
    grown = _changed(
        "\n    quality:\n      - name: items_cover_lines", COUPON.format(required="false")
    )
    frame = desk.orders(3).with_columns(coupon=pl.lit("X"))
    desk.store.publish(desk.store.stage(desk.step("r2", business_date=NEXT), grown, frame))
    desk.publish(desk.orders(2))
    assert desk.rows()["coupon"].to_list() == [None, None]


def test_a_wider_integer_reads_old_files(desk: Desk) -> None:
    """A column may grow from int to long."""
    narrow = _changed(
        "integer\n        required: true\n        description: Lines",
        "integer\n        physicalType: int\n        required: true\n        description: Lines",
    )
    desk.store.publish(desk.store.stage(desk.step(), narrow, desk.orders(2)))
    desk.publish(desk.orders(2), "r2", business_date=NEXT)
    through = desk.store.read("web_orders", NEXT, through=True).frame.collect()
    assert (through.schema["lines"], through["lines"].sum()) == (pl.Int64(), 4)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "logicalType: number\n        physicalType: decimal(12,2)",
            "logicalType: number",
            "column revenue: expected decimal(12, 2), to go on with the table there is, got double",
        ),
        (
            RULES,
            COUPON.format(required="true"),
            "column coupon: expected an optional column, since rows written before have no value",
        ),
        (
            "logicalType: string\n        required: false",
            "logicalType: string\n        required: true",
            "column email: expected optional string",
        ),
    ],
)
def test_a_change_old_rows_do_not_fit_is_refused(
    desk: Desk, old: str, new: str, message: str
) -> None:
    """A changed type, or a new duty on old rows, names the column and both sides."""
    desk.publish(desk.orders(2))
    contract = _changed(old, new)
    frame = desk.orders(2).with_columns(coupon=pl.lit("X"), revenue=pl.lit(1.0))
    frame = frame.select(name for name in contract.schema.names() if name in frame.columns)
    frame = frame.cast({"revenue": contract.schema["revenue"]})
    with pytest.raises(MisconfiguredError) as caught:
        desk.store.stage(desk.step("r2"), contract, frame)
    assert message in str(caught.value)
    assert desk.rows().height == 2
