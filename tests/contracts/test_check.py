"""Frames are held against contracts: stopped, or split into good and bad rows."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.step.contracts import Contract, RowCheck, check_schema
from stationmaster.step.errors import ContractBrokenError

DAY = dt.date(2011, 11, 21)
CONTRACT = Contract.load(Path(__file__).with_name("web_orders.odcs.yaml"))
COLUMNS = [name for name in CONTRACT.schema.names() if name != "business_date"]
GOOD: dict[str, Any] = {
    "order_id": "536365",
    "ordered_at": dt.datetime(2011, 11, 21, 9, tzinfo=dt.UTC),
    "email": None,
    "channel": "web",
    "lines": 1,
    "items": 1,
    "revenue": Decimal("1.00"),
}


def _frame(*rows: dict[str, Any]) -> pl.DataFrame:
    schema = {name: CONTRACT.schema[name] for name in COLUMNS}
    return pl.DataFrame([{**GOOD, **row} for row in rows], schema=schema)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"order_id": None}, "order_id_required"),
        ({"order_id": ""}, "order_id_min_length"),
        ({"order_id": "A" * 21}, "order_id_max_length"),
        ({"order_id": "53 65"}, "order_id_pattern"),
        ({"channel": "fax"}, "channel_known"),
        ({"lines": 0}, "lines_minimum"),
        ({"revenue": Decimal("-0.01")}, "revenue_minimum"),
        ({"items": 0}, "items_cover_lines"),
        ({"ordered_at": None}, "ordered_at_required"),
    ],
)
def test_a_row_that_breaks_a_rule_is_split_off(change: dict[str, Any], rule: str) -> None:
    """The bad row carries the rule's name; the good one beside it stays."""
    split = RowCheck(CONTRACT, DAY).split(_frame({"order_id": "1"}, change))
    assert split.good["order_id"].to_list() == ["1"]
    assert split.bad["rule"].to_list() == [rule]


def test_a_row_names_every_rule_it_breaks() -> None:
    """The first broken rule is the row's rule; the detail names all."""
    split = RowCheck(CONTRACT, DAY).split(_frame({"channel": "fax", "lines": 5, "items": 2}))
    assert split.bad["rule"].to_list() == ["channel_known"]
    assert split.bad["detail"].to_list() == ["channel_known, items_cover_lines"]


def test_of_rows_with_one_key_the_first_stays() -> None:
    """Repeated keys go to quarantine, within a batch and across batches."""
    check = RowCheck(CONTRACT, DAY)
    first = check.split(_frame({"items": 1}, {"items": 2}, {"order_id": "X"}))
    second = check.split(_frame({"items": 3}, {"order_id": "Y"}))
    assert first.good["order_id"].to_list() == ["536365", "X"]
    assert second.good["order_id"].to_list() == ["Y"]
    assert [*first.bad["rule"], *second.bad["rule"]] == ["key_unique", "key_unique"]
    assert second.bad["key"].to_list() == ["536365"]


def test_a_bad_row_does_not_claim_its_key() -> None:
    """A row that is refused for itself leaves its key to the good row after it."""
    split = RowCheck(CONTRACT, DAY).split(_frame({"items": 0}, {"items": 1}))
    assert split.good["items"].to_list() == [1]
    assert split.bad["rule"].to_list() == ["items_cover_lines"]


def test_unique_columns_beside_the_key() -> None:
    """A column may be unique by itself; nulls never repeat."""
    path = Path(__file__).with_name("web_orders.odcs.yaml")
    contract = Contract.parse(
        path.read_text().replace("classification: personal", "unique: true", 1)
    )
    rows = [{"order_id": str(n), "email": mail} for n, mail in enumerate(["a", None, "a", None])]
    split = RowCheck(contract, DAY).split(_frame(*rows))
    assert split.good["order_id"].to_list() == ["0", "1", "3"]
    assert split.bad["rule"].to_list() == ["email_unique"]


def test_rows_of_another_day_are_refused() -> None:
    """A frame that brings its own business_date brings the step's, or the row is bad."""
    frame = _frame({"order_id": "1"}, {"order_id": "2"}).with_columns(
        business_date=pl.Series([DAY, DAY - dt.timedelta(days=1)])
    )
    split = RowCheck(CONTRACT, DAY).split(frame)
    assert split.good["order_id"].to_list() == ["1"]
    assert split.bad["rule"].to_list() == ["business_date_of_the_step"]


def test_casts_that_keep_every_value_are_made() -> None:
    """Narrow integers, other zones, categories and spare decimals become the contract's types."""
    frame = _frame({}).with_columns(
        pl.col("lines").cast(pl.Int8),
        pl.col("channel").cast(pl.Categorical),
        pl.col("ordered_at").dt.convert_time_zone("Europe/London").dt.cast_time_unit("ms"),
        pl.col("revenue").cast(pl.Decimal(38, 6)),
        pl.lit(None).alias("email"),
    )
    split = RowCheck(CONTRACT, DAY).split(frame)
    assert split.good.schema == CONTRACT.schema
    assert split.good.drop("business_date").equals(_frame({}))


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("revenue", pl.Series(["1.005", "99999999999.00"]).cast(pl.Decimal(38, 3))),
        ("lines", pl.Series([2**63, 2**64 - 1], dtype=pl.UInt64)),
    ],
)
def test_a_value_that_does_not_fit_makes_its_row_bad(column: str, values: pl.Series) -> None:
    """What a cast would round or lose goes to quarantine with its own value."""
    frame = _frame({"order_id": "1"}, {"order_id": "2"}).with_columns(values.alias(column))
    split = RowCheck(CONTRACT, DAY).split(frame)
    assert split.good.height == 0
    assert split.bad["rule"].to_list() == [f"{column}_type"] * 2
    assert str(values[0]) in split.bad["record"][0]


@pytest.mark.parametrize(
    ("change", "expected", "got"),
    [
        (pl.col("revenue").cast(pl.Float64), "revenue: decimal(12,2)", "revenue: double"),
        (pl.col("lines").cast(pl.String), "lines: long", "lines: string"),
        (
            pl.col("ordered_at").dt.replace_time_zone(None),
            "ordered_at: timestamp in UTC",
            "ordered_at: timestamp without zone",
        ),
    ],
)
def test_a_type_that_loses_values_breaks_the_schema(
    change: pl.Expr, expected: str, got: str
) -> None:
    """Floats are no money, text no number, and a time without zone no instant."""
    with pytest.raises(ContractBrokenError) as caught:
        check_schema(CONTRACT, _frame({}).with_columns(change).schema)
    assert f"expected {expected}, got {got}. Cast the column in the job" in str(caught.value)


ROWS = st.fixed_dictionaries(
    {
        "order_id": st.one_of(st.none(), st.sampled_from(["", "1", "2", "A B", "é", "X" * 30])),
        "ordered_at": st.one_of(st.none(), st.just(GOOD["ordered_at"])),
        "email": st.one_of(st.none(), st.text(max_size=5)),
        "channel": st.one_of(st.none(), st.sampled_from(["web", "phone", "fax"])),
        "lines": st.one_of(st.none(), st.integers(-2, 3)),
        "items": st.one_of(st.none(), st.integers(-2, 3)),
        "revenue": st.one_of(st.none(), st.decimals(-1, 9, places=2)),
    }
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(ROWS, max_size=12), cut=st.integers(0, 12))
def test_good_and_bad_rows_are_all_rows(rows: list[dict[str, Any]], cut: int) -> None:
    """No row is lost or doubled by a split, however the rows come in batches."""
    frame = _frame(*rows) if rows else _frame({}).clear()
    check = RowCheck(CONTRACT, DAY)
    halves = [check.split(batch) for batch in (frame.head(cut), frame.slice(cut))]
    whole = RowCheck(CONTRACT, DAY).split(frame)
    good = pl.concat([half.good for half in halves])
    bad = pl.concat([half.bad for half in halves])
    assert good.equals(whole.good)
    assert bad.equals(whole.bad)
    assert good.height + bad.height == frame.height
    kept = sorted(json.loads(record)["order_id"] or "" for record in bad["record"])
    assert sorted([*kept, *good["order_id"]]) == sorted(row["order_id"] or "" for row in rows)


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(ROWS, max_size=12))
def test_good_rows_are_good_again(rows: list[dict[str, Any]]) -> None:
    """Rows that passed pass again, and keep what the contract promises."""
    frame = _frame(*rows) if rows else _frame({}).clear()
    good = RowCheck(CONTRACT, DAY).split(frame).good
    assert RowCheck(CONTRACT, DAY).split(good).bad.is_empty()
    assert good["order_id"].is_unique().all()
    assert (good["items"] >= good["lines"]).all()
    assert good.null_count().drop("email").sum_horizontal().item() == 0
