"""Row rules and table rules of a contract, as polars expressions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from stationmaster.step.contracts.columns import Column
    from stationmaster.step.contracts.odcs import Property, Quality, SchemaObject

__all__ = ["ENGINE", "RowRule", "TableRule", "row_rules", "table_rules"]

ENGINE: Final = "stationmaster"
"""The `engine` of custom quality rules that this library evaluates."""

_BOUNDS: Final = (
    "must_be_greater_than",
    "must_be_greater_or_equal_to",
    "must_be_less_than",
    "must_be_less_or_equal_to",
    "must_be_between",
    "must_not_be_between",
)


@dataclass(frozen=True)
class RowRule:
    """Hold a rule that every row keeps by itself."""

    name: str
    keeps: pl.Expr
    """True or null where a row keeps the rule: as in SQL, unknown does not break it."""


@dataclass(frozen=True)
class TableRule:
    """Hold a rule that the partition keeps as a whole."""

    name: str
    measure: str
    """`rowCount`, or a SQL query over `{object}` (or `${object}`) that gives one number."""
    expected: str
    quality: Quality

    def measured(self, frame: pl.LazyFrame) -> float | None:
        """Return what the rule is about, of the rows of a partition."""
        if self.measure == "rowCount":
            return float(frame.select(pl.len()).collect().item())
        query = self.measure.replace("${object}", "{object}").replace("{object}", "partition")
        with pl.SQLContext(partition=frame) as context:
            value = context.execute(query, eager=True).item()
        return None if value is None else float(value)

    def holds(self, value: float | None) -> bool:
        """Tell whether a measured value keeps the rule."""
        if value is None:
            return False
        rule = self.quality
        between, outside = rule.must_be_between, rule.must_not_be_between
        checks = (
            rule.must_be is None or value == rule.must_be,
            rule.must_not_be is None or value != rule.must_not_be,
            rule.must_be_greater_than is None or value > rule.must_be_greater_than,
            rule.must_be_greater_or_equal_to is None or value >= rule.must_be_greater_or_equal_to,
            rule.must_be_less_than is None or value < rule.must_be_less_than,
            rule.must_be_less_or_equal_to is None or value <= rule.must_be_less_or_equal_to,
            between is None or between[0] <= value <= between[1],
            outside is None or not outside[0] <= value <= outside[1],
        )
        return all(checks)


def row_rules(table: SchemaObject, columns: Iterable[Column]) -> tuple[RowRule, ...]:
    """Return the row rules of a table, in the contract's order.

    Raises:
        ValueError: A rule cannot be evaluated.
    """
    dtypes = {column.name: column.dtype for column in columns}
    rules = [rule for prop in table.properties for rule in _column_rules(prop, dtypes[prop.name])]
    rules += [_custom(quality) for quality in table.quality if quality.type == "custom"]
    return tuple(rules)


def _column_rules(prop: Property, dtype: pl.DataType) -> Iterator[RowRule]:
    value, options = pl.col(prop.name), prop.logical_type_options
    length = value.list.len() if isinstance(dtype, pl.List) else value.str.len_chars()
    limits: dict[str, pl.Expr | None] = {
        "minimum": _limit(options.minimum, dtype, value.ge),
        "maximum": _limit(options.maximum, dtype, value.le),
        "exclusive_minimum": _limit(options.exclusive_minimum, dtype, value.gt),
        "exclusive_maximum": _limit(options.exclusive_maximum, dtype, value.lt),
        "multiple_of": None if options.multiple_of is None else value % options.multiple_of == 0,
        "min_length": None if options.min_length is None else length >= options.min_length,
        "max_length": None if options.max_length is None else length <= options.max_length,
        "pattern": None if options.pattern is None else value.str.contains(options.pattern),
    }
    for name, expression in limits.items():
        if expression is not None:
            yield RowRule(f"{prop.name}_{name}", expression)
    for quality in prop.quality:
        if quality.type != "text":
            yield _column_quality(prop, dtype, quality)


def _column_quality(prop: Property, dtype: pl.DataType, quality: Quality) -> RowRule:
    value, arguments = pl.col(prop.name), quality.arguments
    if quality.type == "custom":
        return _custom(quality)
    if quality.must_be == 0 and quality.metric == "nullValues":
        return RowRule(quality.name or f"{prop.name}_null_values", value.is_not_null())
    if quality.must_be == 0 and quality.metric == "invalidValues":
        if "validValues" in arguments:
            allowed = pl.Series([arguments["validValues"]]).explode().cast(dtype)
            name = quality.name or f"{prop.name}_valid_values"
            return RowRule(name, value.is_in(allowed.implode()))
        if "pattern" in arguments:
            pattern = value.str.contains(str(arguments["pattern"]))
            return RowRule(quality.name or f"{prop.name}_valid_pattern", pattern)
    raise _not_checked(prop.name, quality)


def _not_checked(of: str, quality: Quality) -> ValueError:
    # A rule that is read over is worse than none: people count on it.
    return ValueError(
        f"{of}, quality rule {quality.name or quality.metric or quality.type}: only custom "
        "rules of our engine, nullValues and invalidValues (mustBe: 0) on columns, rowCount, sql "
        "and custom on tables are checked; say `type: text` for one that is for people"
    )


def _limit(
    bound: object, dtype: pl.DataType, compare: Callable[[pl.Expr], pl.Expr]
) -> pl.Expr | None:
    if bound is None:
        return None
    text = pl.lit(str(bound))
    if dtype.is_temporal():
        moment = text.str.to_date() if dtype == pl.Date else text.str.to_datetime(time_unit="us")
        zone = getattr(dtype, "time_zone", None)
        return compare(moment.dt.replace_time_zone(zone) if zone else moment)
    return compare(text.cast(dtype))


def _custom(quality: Quality) -> RowRule:
    if quality.engine != ENGINE:
        message = f"quality rule {quality.name}: engine is {quality.engine}, not {ENGINE}"
        raise ValueError(message)
    if not quality.name:
        message = f"quality rule without name: {quality.implementation}"
        raise ValueError(message)
    return RowRule(quality.name, pl.sql_expr(quality.implementation))


def table_rules(table: SchemaObject) -> tuple[TableRule, ...]:
    """Return the rules a partition keeps as a whole: `rowCount` and SQL queries.

    Raises:
        ValueError: A rule cannot be evaluated.
    """
    return tuple(
        _table_rule(table, quality)
        for quality in table.quality
        if quality.type not in {"custom", "text"}
    )


def _table_rule(table: SchemaObject, quality: Quality) -> TableRule:
    counts = quality.type == "library" and quality.metric == "rowCount"
    if not counts and (quality.type != "sql" or not quality.query):
        raise _not_checked(table.name, quality)
    expected = _expected(quality)
    if not expected:
        message = f"quality rule {quality.name or quality.metric}: no mustBe…"
        raise ValueError(message)
    return TableRule(
        name=quality.name or quality.metric or "sql",
        measure="rowCount" if counts else quality.query,
        expected=expected,
        quality=quality,
    )


def _expected(quality: Quality) -> str:
    measure = "a row count" if quality.metric == "rowCount" else f"`{quality.query}`"
    bounds = [
        f"{name.removeprefix('must_').replace('_', ' ')} {bound}"
        for name in ("must_be", "must_not_be", *_BOUNDS)
        if (bound := getattr(quality, name)) is not None
    ]
    return f"{measure} to {' and '.join(bounds)}" if bounds else ""
