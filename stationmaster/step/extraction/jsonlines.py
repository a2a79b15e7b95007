"""Read JSON lines of a promised shape fast, keep bad lines aside, and notice a changed shape.

The fast way lets polars read the compressed bytes. Only what looks wrong is read line by line:
a line polars cannot read, a promised field that is null somewhere, a shape that differs at the
beginning or (where a column runs out into nulls) at the end of the file.

Heavy (polars): import it from a job, not from what a DAG file loads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias

import polars as pl

from stationmaster.step.errors import ContractBrokenError
from stationmaster.step.extraction.rows import Records, rejected_rows
from stationmaster.step.extraction.shapes import Census, Kind, Shape
from stationmaster.step.extraction.unpacking import begin_of, end_of, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from polars.datatypes import DataTypeClass

Columns: TypeAlias = "Mapping[str, pl.Expr]"
"""Columns to make of a record, as expressions over its fields."""

__all__ = ["Columns", "check_bad_share", "polars_schema", "read_json_lines"]

_PROBED_BYTES: Final = 65_536
_PROBED_RECORDS: Final = 50
_TAIL_ROWS: Final = 64
_CHECK: Final = "?"
_UNLIKELY: Final = 0.001
_SHOWN: Final = 60
_TYPES: Final[Mapping[Kind, DataTypeClass]] = {
    Kind.TEXT: pl.String,
    Kind.TEXT_OR_NULL: pl.String,
    Kind.WHOLE: pl.Int64,
    Kind.FLAG: pl.Boolean,
}


def read_json_lines(  # noqa: PLR0913 (what is asked, what was promised, and how to say it)
    data: bytes,
    columns: Columns,
    *,
    shape: Shape,
    where: str,
    max_bad_share: float,
    hint: str,
) -> Records:
    """Read one file of JSON lines, gzipped or plain.

    Args:
        data: The file's bytes.
        columns: What to make of each record: expressions over its fields.
        shape: What each record was promised to look like.
        where: The file's name for people: source, file and day.
        max_bad_share: Share of bad records above which the file is refused.
        hint: What to do when the shape has changed.

    Raises:
        ContractBrokenError: The bytes are no whole gzip file, too many lines are no JSON, or
            too many records have another shape.
    """
    unusual = _probe(_first_lines(data, where), shape)
    rows = None if unusual is None else _read_at_once(data, columns, shape, where)
    if rows is None:
        frame, rejected = _read_line_by_line(data, shape, where, max_bad_share, hint)
        return Records(frame.select(**columns), lambda: frame, rejected)
    notes = tuple(f"{where}: {note}" for note in unusual or ())
    return Records(rows, lambda: _scan(data, shape).collect(), rejected_rows(), notes)


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


def _probe(lines: list[bytes], shape: Shape) -> list[str] | None:
    """Return what to note of these lines; None when their shape is not the promised one."""
    census = Census(shape)
    for line in lines:
        record = _record(line)
        if isinstance(record, dict):
            census.add(record)
    if census.problems:
        return None
    return [
        f"new field `{path}` in {count} of the first {census.records} records is not read"
        for path, count in sorted(census.unknown.items())
    ]


def _first_lines(data: bytes, where: str) -> list[bytes]:
    head = begin_of(data, _PROBED_BYTES, where)
    lines = head.split(b"\n")
    whole = lines if len(head) < _PROBED_BYTES else lines[:-1]
    return [line for line in whole if line.strip()][:_PROBED_RECORDS]


def _scan(data: bytes, shape: Shape) -> pl.LazyFrame:
    return pl.scan_ndjson(data, schema=polars_schema(shape))


def _read_at_once(data: bytes, columns: Columns, shape: Shape, where: str) -> pl.DataFrame | None:
    """Return what was asked for, in one pass; None where the file needs a closer look."""
    if not data:
        return pl.DataFrame(schema=polars_schema(shape)).select(**columns)
    optional = [field for field, kind in _fields(shape) if kind is Kind.TEXT_OR_NULL]
    nulls = {f"{_CHECK} null {i}": field.is_null() for i, field in enumerate(optional)}
    query = _scan(data, shape).select(**columns, **nulls, **{_CHECK: _is_missing(shape)})
    try:
        checked = query.collect(engine="streaming")
    except (pl.exceptions.PolarsError, OSError):
        return None
    if checked[_CHECK].any() or not _tail_is_sound(data, checked.select(list(nulls)), shape, where):
        return None
    return checked.select(list(columns))


def _is_missing(shape: Shape) -> pl.Expr:
    """Return whether a field that may not be null is null in a record, also inside its lists."""
    checks = [field.is_null() for field, kind in _fields(shape) if kind is not Kind.TEXT_OR_NULL]
    for name, part in shape.items():
        if isinstance(part, Sequence) and not isinstance(part, str):
            missing = [field.is_null().any() for field, _ in _fields(part[0], pl.element())]
            inside = pl.col(name).list.eval(pl.any_horizontal(missing)).list.first()
            checks += [pl.col(name).is_null(), inside.fill_null(value=False)]
    return pl.any_horizontal(checks)


def _tail_is_sound(data: bytes, nulls: pl.DataFrame, shape: Shape, where: str) -> bool:
    """Return whether fields that may be null are still there where a file ends in nulls."""
    if not any(_ends_strangely(column) for column in nulls.iter_columns()):
        return True
    end = end_of(data, _PROBED_BYTES, where).split(b"\n")[1:]
    return _probe([line for line in end if line.strip()][-_TAIL_ROWS:], shape) is not None


def _ends_strangely(nulls: pl.Series) -> bool:
    """Return whether more nulls stand at the end than the others make likely."""
    if not len(nulls) or not nulls[-1]:
        return False
    run = nulls.reverse().arg_min() if not nulls.all() else None
    if not run:
        return True
    share = (int(nulls.sum()) - run) / (len(nulls) - run)
    return bool(share**run < _UNLIKELY)


def _fields(shape: Shape, within: pl.Expr | None = None) -> Iterator[tuple[pl.Expr, Kind]]:
    """Walk the fields that are read and not inside a list."""
    for name, part in shape.items():
        column = pl.col(name) if within is None else within.struct.field(name)
        if isinstance(part, Kind):
            if part is not Kind.UNREAD:
                yield column, part
        elif isinstance(part, Mapping):
            yield from _fields(part, column)


def _record(line: bytes) -> object:
    """Return the JSON value of a line, or None where it is no JSON."""
    try:
        return json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None


def _refuse_constant(name: str) -> NoReturn:
    message = f"{name} is no JSON"
    raise ValueError(message)


def _read_line_by_line(
    data: bytes, shape: Shape, where: str, max_bad_share: float, hint: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    census = Census(shape)
    good: list[bytes] = []
    aside: list[_Aside] = []
    lines = [line for line in unpacked(data, where).split(b"\n") if line.strip()]
    for line in lines:
        record = _record(line)
        if not isinstance(record, dict):
            aside.append(_Aside("not_json", line, "the line is no JSON object"))
        elif problems := census.add(record):
            aside.append(_Aside(problems[0].rule, line, problems[0].sentence))
        else:
            good.append(line)
    malformed = [bad for bad in aside if bad.rule == "not_json"]
    if len(aside) - len(malformed) > max_bad_share * len(lines):
        raise census.error(where, hint=hint)
    frame, unreadable = _parse(good, polars_schema(shape))
    aside += unreadable
    malformed += unreadable
    example = malformed[0].text[:_SHOWN] if malformed else ""
    check_bad_share(
        len(aside),
        len(lines),
        where=where,
        max_bad_share=max_bad_share,
        got=f"{len(malformed):,} are no JSON, the first is {example!r}",
    )
    return frame, rejected_rows((bad.rule, bad.text, None, bad.detail) for bad in aside)


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
