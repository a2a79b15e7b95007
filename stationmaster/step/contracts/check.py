"""Hold frames against a contract: stop at a broken schema, split off rows that break a rule."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from stationmaster.step.contracts.columns import BUSINESS_DATE, can_cast, spell
from stationmaster.step.contracts.rules import RowRule
from stationmaster.step.errors import ContractBrokenError

if TYPE_CHECKING:
    import datetime as dt

    from stationmaster.step.contracts.contract import Contract

__all__ = ["KEY_RULE", "REJECTED_SCHEMA", "RowCheck", "Split", "check_schema"]

KEY_RULE: Final = "key_unique"
"""Rule of rows whose key an earlier row of the partition has."""

REJECTED_SCHEMA: Final = pl.Schema(
    {"rule": pl.String(), "record": pl.String(), "key": pl.String(), "detail": pl.String()}
)
"""Columns of rows on their way to quarantine."""

_RAW: Final = "__raw_"
_ROW: Final = "__row"


@dataclass(frozen=True)
class Split:
    """Hold the two halves of a checked frame; together they are all of its rows."""

    good: pl.DataFrame
    bad: pl.DataFrame
    """One row a bad row, columns of `REJECTED_SCHEMA`; `detail` names every rule it breaks."""


def check_schema(contract: Contract, schema: pl.Schema) -> None:
    """Compare the columns of a frame with those of a contract.

    Raises:
        ContractBrokenError: Columns are missing, unknown, or of a type that loses values.
    """
    promised = {column.name: column.dtype for column in contract.columns}
    missing = [name for name in promised if name not in schema and name != BUSINESS_DATE]
    extra = [name for name in schema if name not in promised]
    if missing or extra:
        raise _broken(
            contract,
            expected=f"columns {', '.join(promised)}",
            got="; ".join(
                f"{what} {', '.join(names)}"
                for what, names in (("without", missing), ("with unknown", extra))
                if names
            ),
            hint=_column_hint(contract, missing, extra),
        )
    wrong = [
        (name, dtype, schema[name])
        for name, dtype in promised.items()
        if name in schema and not can_cast(schema[name], dtype)
    ]
    if wrong:
        raise _broken(
            contract,
            expected=", ".join(f"{name}: {spell(dtype)}" for name, dtype, _ in wrong),
            got=", ".join(f"{name}: {spell(dtype)}" for name, _, dtype in wrong),
            hint="Cast the column in the job, so that what does not fit is the job's decision.",
        )


def _column_hint(contract: Contract, missing: list[str], extra: list[str]) -> str:
    for name in missing:
        folded = {other.replace("_", "").lower(): other for other in extra}
        near = difflib.get_close_matches(name.replace("_", "").lower(), folded, n=1)
        if near:
            return (
                f"{name} is gone and {folded[near[0]]} is new and looks like it: map it in the "
                f"job, or change the contract of {contract.dataset}."
            )
    return (
        f"Select the contract's columns in the job, or change the contract of {contract.dataset}."
    )


def _broken(contract: Contract, *, expected: str, got: str, hint: str) -> ContractBrokenError:
    where = f"dataset {contract.dataset}, schema of contract {contract.version}"
    return ContractBrokenError(where, expected=expected, got=got, hint=hint)


class RowCheck:
    """Check the rows of one partition, batch by batch; keys are remembered across batches.

    Args:
        contract: What the rows must keep to.
        business_date: The partition.
        whole: All rows, where they are in memory anyway: one look at all of its keys is cheaper
            than comparing each batch with those before it.
    """

    def __init__(
        self, contract: Contract, business_date: dt.date, whole: pl.DataFrame | None = None
    ) -> None:
        self._contract = contract
        self._business_date = business_date
        uniques = {KEY_RULE: contract.key, **{f"{n}_unique": (n,) for n in contract.unique}}
        self._uniques = {
            rule: columns
            for rule, columns in uniques.items()
            if columns and not (whole is not None and _all_differ(whole, columns, contract.schema))
        }
        self._seen: dict[str, pl.DataFrame] = {}

    def split(self, batch: pl.DataFrame) -> Split:
        """Return the rows that keep the contract, cast to its types, and those that break it.

        Raises:
            ContractBrokenError: The schema is broken.
        """
        check_schema(self._contract, batch.schema)
        if BUSINESS_DATE not in batch.columns:
            batch = batch.with_columns(pl.lit(self._business_date).alias(BUSINESS_DATE))
        cast = self._cast(batch)
        rules = _broken_rules(cast, self._rules(batch.schema))
        names = [rule.name for rule in rules]
        flags = cast.select(_breaks(rule).alias(str(number)) for number, rule in enumerate(rules))
        flags, names = self._with_repeats(cast, flags, names)
        if not names:
            return Split(cast.select(self._contract.schema.names()), REJECTED_SCHEMA.to_frame())
        is_bad = _any(flags)
        good = cast.filter(~is_bad).select(self._contract.schema.names())
        bad = self._records(batch.filter(is_bad), cast.filter(is_bad), flags.filter(is_bad), names)
        return Split(good=good, bad=bad)

    def _cast(self, batch: pl.DataFrame) -> pl.DataFrame:
        raw = [
            pl.col(name).alias(_RAW + name)
            for name, dtype in self._contract.schema.items()
            if batch.schema[name] != dtype
        ]
        casts = [
            pl.col(name).cast(dtype, strict=False) for name, dtype in self._contract.schema.items()
        ]
        return batch.select(*casts, *raw)

    def _rules(self, schema: pl.Schema) -> list[RowRule]:
        day = pl.col(BUSINESS_DATE) == self._business_date
        types = [
            RowRule(f"{name}_type", _kept(name, schema[name], dtype))
            for name, dtype in self._contract.schema.items()
            if schema[name] != dtype
        ]
        required = [
            RowRule(f"{column.name}_required", pl.col(column.name).is_not_null())
            for column in self._contract.columns
            if column.required
        ]
        here = RowRule(f"{BUSINESS_DATE}_of_the_step", day)
        return [*types, *required, here, *self._contract.row_rules]

    def _with_repeats(
        self, cast: pl.DataFrame, flags: pl.DataFrame, names: list[str]
    ) -> tuple[pl.DataFrame, list[str]]:
        """Add the rules of unique values that a row of this batch breaks."""
        for rule, columns in self._uniques.items():
            # Only rows that are good so far claim a key: a bad one must not push one out.
            rows = cast.with_row_index(_ROW)
            claims = rows.filter(~_any(flags)) if names else rows
            repeated = self._repeats(rule, columns, claims)
            if repeated is not None:
                mark = rows[_ROW].is_in(repeated.implode()).alias(str(len(names)))
                flags = flags.with_columns(mark) if names else mark.to_frame()
                names = [*names, rule]
        return flags, names

    def _repeats(self, rule: str, columns: tuple[str, ...], rows: pl.DataFrame) -> pl.Series | None:
        """Return the numbers of rows with values of an earlier row, if any; remember the others."""
        whole = rows.select(_ROW, *columns).drop_nulls(columns)
        fresh = whole.unique(subset=columns, keep="first", maintain_order=True)
        seen = self._seen.get(rule)
        if seen is not None:
            fresh = fresh.join(seen, on=columns, how="anti")
        claimed = fresh.select(columns)
        self._seen[rule] = claimed if seen is None else pl.concat([seen, claimed])
        if fresh.height == whole.height:
            return None
        return whole.join(fresh.select(_ROW), on=_ROW, how="anti")[_ROW]

    def _records(
        self, raw: pl.DataFrame, cast: pl.DataFrame, flags: pl.DataFrame, names: list[str]
    ) -> pl.DataFrame:
        if raw.is_empty():
            return REJECTED_SCHEMA.to_frame()
        broken = [
            pl.when(pl.col(str(number))).then(pl.lit(name)) for number, name in enumerate(names)
        ]
        rules = flags.select(pl.concat_list(broken).list.drop_nulls().alias("rules"))["rules"]
        record = raw.select(pl.struct(pl.all()).struct.json_encode().alias("record"))["record"]
        key = pl.lit(None, dtype=pl.String)
        if self._contract.key:
            parts = [pl.col(name).cast(pl.String) for name in self._contract.key]
            key = pl.concat_str(parts, separator="|", ignore_nulls=True)
        return cast.select(
            rules.list.first().alias("rule"),
            record,
            key.alias("key"),
            rules.list.join(", ").alias("detail"),
        )


def _breaks(rule: RowRule) -> pl.Expr:
    return (~rule.keeps).fill_null(value=False)


def _broken_rules(rows: pl.DataFrame, rules: list[RowRule]) -> list[RowRule]:
    """Return the rules that any row breaks: mostly none, so that there is nothing to split."""
    found = rows.select(_breaks(rule).any().alias(str(n)) for n, rule in enumerate(rules)).row(0)
    return [rule for rule, broken in zip(rules, found, strict=True) if broken]


def _all_differ(rows: pl.DataFrame, columns: tuple[str, ...], schema: pl.Schema) -> bool:
    """Tell whether no two rows share these values; a cast may make different ones equal."""
    if any(rows.schema.get(name) != schema[name] for name in columns):
        return False
    one = pl.col(columns[0]) if len(columns) == 1 else pl.struct(columns)
    return bool(rows.select(one.n_unique()).item() == rows.height)


def _any(flags: pl.DataFrame) -> pl.Series:
    return flags.select(pl.any_horizontal(pl.all()).alias("bad"))["bad"]


def _kept(name: str, source: pl.DataType, target: pl.DataType) -> pl.Expr:
    raw, cast = pl.col(_RAW + name), pl.col(name)
    lost = raw.is_not_null() & cast.is_null()
    if isinstance(target, pl.Decimal) and isinstance(source, pl.Decimal):
        # A cast to fewer decimals rounds: money must not.
        lost |= (cast.cast(pl.Decimal(38, source.scale)) != raw).fill_null(value=False)
    return ~lost
