"""What is checked on the audit branch, on the rows as a reader would get them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from stationmaster.step.contracts import BUSINESS_DATE
from stationmaster.step.errors import ContractBrokenError

if TYPE_CHECKING:
    import datetime as dt

    from stationmaster.step.contracts import Contract

__all__ = ["audit_rows", "check_share", "check_table_rules"]


def audit_rows(contract: Contract, frame: pl.LazyFrame, day: dt.date, *, rows: int) -> None:
    """Check that what was written can be read back, whole and with unique keys.

    Raises:
        ContractBrokenError: Rows are missing, of another day, or share a key.
    """
    measures = [pl.len().alias("rows"), (pl.col(BUSINESS_DATE) == day).sum().alias("of_day")]
    if contract.key:
        measures.append(pl.struct(contract.key).n_unique().alias("keys"))
    found = frame.select(measures).collect().row(0, named=True)
    where = f"dataset {contract.dataset}, partition {day.isoformat()}, on its audit branch"
    if found["rows"] != rows or found["of_day"] != rows:
        raise ContractBrokenError(
            where,
            expected=f"the {rows} rows that were written",
            got=f"{found['rows']} rows, {found['of_day']} of them of the day",
            hint="Storage lost or doubled files: look at the warehouse before the retry.",
        )
    if found.get("keys", rows) != rows:
        raise ContractBrokenError(
            where,
            expected=f"one row for each {', '.join(contract.key)}",
            got=f"{rows - found['keys']} rows too many",
            hint="Shards must split the work so that no key is in two of them.",
        )


def check_table_rules(contract: Contract, frame: pl.LazyFrame, day: dt.date) -> None:
    """Check the rules that a partition keeps as a whole.

    Raises:
        ContractBrokenError: A rule is broken.
    """
    for rule in contract.table_rules:
        value = rule.measured(frame)
        if not rule.holds(value):
            where = f"dataset {contract.dataset}, partition {day.isoformat()}, rule {rule.name}"
            raise ContractBrokenError(
                where,
                expected=rule.expected,
                got=str(value),
                hint="Look at what the source delivered; if it is right, change the rule in the "
                "contract. Nothing was published.",
            )


def check_share(contract: Contract, day: dt.date, *, good: int, by_rule: dict[str, int]) -> None:
    """Check that not too many rows are bad.

    Raises:
        ContractBrokenError: More than the contract's share is.
    """
    bad = sum(by_rule.values())
    allowed = contract.max_bad_share
    if bad <= allowed * (good + bad):
        return
    worst = sorted(by_rule.items(), key=lambda item: (-item[1], item[0]))
    where = f"dataset {contract.dataset}, partition {day.isoformat()}"
    raise ContractBrokenError(
        where,
        expected=f"at most {allowed:.1%} bad rows",
        got=f"{bad / (good + bad):.1%}: {bad} of {good + bad} ("
        + ", ".join(f"{rule}: {rows}" for rule, rows in worst)
        + ")",
        hint=f"Look at what the source delivered under the rule {worst[0][0]}; if it is right, "
        "change the rule in the contract. Nothing was published.",
    )
