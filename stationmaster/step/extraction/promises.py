"""Hold delivered records against what their source promised: a sample of all, all of a suspect.

The first records of each file are looked at in full. Where they keep the promise, polars reads the
file, and asks of every record whether a listed value is a new one; where anything differs, every
record is looked at before the step says what has changed.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from stationmaster.step.payloads.breaking import broken, noted, serious
from stationmaster.step.payloads.checking import Checker
from stationmaster.step.payloads.document import PayloadContract
from stationmaster.step.payloads.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stationmaster.step.extraction.shapes import Shape
    from stationmaster.step.payloads.fields import Field

__all__ = ["judged", "keeps_listed_values", "probe", "promise"]


def promise(module_file: str, name: str) -> PayloadContract:
    """Return a payload contract of a job, from the folder `payloads` beside one of its modules.

    Raises:
        ContractUnreadableError: It is not there, or cannot be read.
    """
    return PayloadContract.read(Path(module_file).parent / "payloads" / f"{name}.odcs.yaml")


def probe(contract: PayloadContract, records: Iterable[object]) -> tuple[str, ...] | None:
    """Return what to note of a file's first records; None where they differ from the promise."""
    checker = Checker(contract)
    for number, record in enumerate(records, start=1):
        checker.add(record, number)
    findings = checker.findings()
    if any(one.severity is Severity.BREAKING for one in findings):
        return None
    return noted(findings, "", f" (of the first {checker.records})")


def judged(
    checker: Checker,
    contract: PayloadContract,
    where: str,
    *,
    max_bad_share: float,
    hint: str,
) -> tuple[str, ...]:
    """Return what to note of a file all of whose records were looked at.

    Args:
        checker: What looked at them.
        contract: What was promised.
        where: The file's name for people: source, file and day.
        max_bad_share: Share of records that may differ before it is a change of the source.
        hint: What to do about a change.

    Raises:
        ContractBrokenError: The source has changed.
    """
    findings = checker.findings()
    changes = serious(findings, max_bad_share)
    if changes:
        raise broken(changes, contract, where=where, hint=hint)
    return noted(findings, where)


def keeps_listed_values(contract: PayloadContract, shape: Shape) -> pl.Expr | None:
    """Return whether every enumerated text of a record is a listed one; None without any."""
    checks = list(_listed(contract.root.properties, shape, None))
    return functools.reduce(operator.and_, checks) if checks else None


def _listed(fields: Mapping[str, Field], shape: Shape, within: pl.Expr | None) -> Iterator[pl.Expr]:
    for name, part in shape.items():
        field = fields.get(name)
        if field is None:
            continue
        column = pl.col(name) if within is None else within.struct.field(name)
        if field.values and all(isinstance(value, str) for value in field.values):
            yield column.is_in(list(field.values)).fill_null(value=True)
        elif isinstance(part, Mapping):
            yield from _listed(field.properties, part, column)
