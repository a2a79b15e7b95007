"""Read JSON lines one by one: slow, but whatever is wrong with them is named.

Heavy (polars): import it from a job, not from what a DAG file loads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

import polars as pl

from stationmaster.step.errors import ContractBrokenError
from stationmaster.step.extraction.promises import judged
from stationmaster.step.extraction.rows import rejected_rows
from stationmaster.step.extraction.shapes import Census, Kind, Shape
from stationmaster.step.extraction.unpacking import unpacked
from stationmaster.step.payloads.checking import Checker

if TYPE_CHECKING:
    from polars.datatypes import DataTypeClass

    from stationmaster.step.payloads.document import PayloadContract

__all__ = ["LineReader", "check_bad_share", "polars_schema", "record_of"]

_SHOWN: Final = 60
_TYPES: Final[Mapping[Kind, DataTypeClass]] = {
    Kind.TEXT: pl.String,
    Kind.TEXT_OR_NULL: pl.String,
    Kind.WHOLE: pl.Int64,
    Kind.FLAG: pl.Boolean,
}


def polars_schema(shape: Shape) -> dict[str, pl.DataType | DataTypeClass]:
    """Return a shape's columns and types; fields that are not read have none."""
    return {name: _polars_type(part) for name, part in shape.items() if part is not Kind.UNREAD}


def check_bad_share(bad: int, total: int, *, where: str, max_bad_share: float, got: str) -> None:
    """Refuse a file of which too much is bad.

    Raises:
        ContractBrokenError: More than `max_bad_share` of the records are bad.
    """
    if bad > max_bad_share * total:
        raise ContractBrokenError(
            where,
            expected=f"at most {max_bad_share:.2%} bad lines",
            got=f"{bad:,} of {total:,} ({bad / total:.2%}): {got}",
            hint="Ask the owner of the source to deliver the file again, then clear the step.",
        )


def _polars_type(part: Kind | Shape | Sequence[Shape]) -> pl.DataType | DataTypeClass:
    if isinstance(part, Kind):
        return _TYPES[part]
    if isinstance(part, Mapping):
        return pl.Struct(polars_schema(part))
    return pl.List(pl.Struct(polars_schema(part[0])))


@dataclass
class LineReader:
    """Read a file line by line: slow, but whatever is wrong is named."""

    where: str
    max_bad_share: float
    hint: str
    contract: PayloadContract | None
    notes: tuple[str, ...] = ()

    def read(self, data: bytes, shape: Shape) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return good records and those kept aside, and keep what to note."""
        census = Census(shape)
        good: list[bytes] = []
        aside: list[_Aside] = []
        checker = None if self.contract is None else Checker(self.contract)
        lines = [line for line in unpacked(data, self.where).split(b"\n") if line.strip()]
        for number, line in enumerate(lines, start=1):
            record = record_of(line)
            if not isinstance(record, dict):
                aside.append(_Aside("not_json", line, "the line is no JSON object"))
                continue
            if checker is not None:
                checker.add(record, number)
            if problems := census.add(record):
                aside.append(_Aside(problems[0].rule, line, problems[0].sentence))
            else:
                good.append(line)
        if checker is not None and self.contract is not None:
            share, hint = self.max_bad_share, self.hint
            self.notes = judged(checker, self.contract, self.where, max_bad_share=share, hint=hint)
        odd = sum(bad.rule != "not_json" for bad in aside)
        if odd > self.max_bad_share * len(lines):
            raise census.error(self.where, hint=self.hint)
        frame, unreadable = _parse(good, polars_schema(shape))
        aside += unreadable
        malformed = [bad for bad in aside if bad.rule == "not_json"]
        example = malformed[0].text[:_SHOWN] if malformed else ""
        check_bad_share(
            len(aside),
            len(lines),
            where=self.where,
            max_bad_share=self.max_bad_share,
            got=f"{len(malformed):,} are no JSON, the first is {example!r}",
        )
        return frame, rejected_rows((bad.rule, bad.text, None, bad.detail) for bad in aside)


def record_of(line: bytes) -> object:
    """Return the JSON value of a line, or None where it is no JSON."""
    try:
        return json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None


def _refuse_constant(name: str) -> NoReturn:
    message = f"{name} is no JSON"
    raise ValueError(message)


def _parse(
    lines: list[bytes], schema: dict[str, pl.DataType | DataTypeClass]
) -> tuple[pl.DataFrame, list[_Aside]]:
    """Let polars read lines; halve those it refuses until the bad ones stand alone."""
    try:
        return pl.read_ndjson(b"\n".join(lines), schema=schema), []
    except pl.exceptions.PolarsError as problem:
        if len(lines) == 1:
            detail = str(problem).partition("\n")[0]
            return pl.DataFrame(schema=schema), [_Aside("not_json", lines[0], detail)]
    half = len(lines) // 2
    first, first_aside = _parse(lines[:half], schema)
    second, second_aside = _parse(lines[half:], schema)
    return pl.concat([first, second]), first_aside + second_aside


@dataclass(frozen=True)
class _Aside:
    """One line that is kept aside."""

    rule: str
    line: bytes
    detail: str

    @property
    def text(self) -> str:
        """Return the line as text that any JSON reader takes."""
        return self.line.decode("utf-8", errors="backslashreplace")
