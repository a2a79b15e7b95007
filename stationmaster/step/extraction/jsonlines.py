"""Read JSON lines of a promised shape fast, keep bad lines aside, and notice a changed shape.

The fast way lets polars read the compressed bytes. Only what looks wrong is read line by line:
a line polars cannot read, a promised field that is null somewhere, a shape that differs at the
beginning or (where a column runs out into nulls) at the end of the file, a value that a source's
contract does not list.

Heavy (polars): import it from a job, not from what a DAG file loads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

import polars as pl

from stationmaster.step.extraction.linewise import LineReader, polars_schema, record_of
from stationmaster.step.extraction.promises import keeps_listed_values, probe
from stationmaster.step.extraction.rows import Records, rejected_rows
from stationmaster.step.extraction.shapes import Census, Kind, Shape
from stationmaster.step.extraction.unpacking import begin_of, end_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.step.payloads.document import PayloadContract

Columns: TypeAlias = "Mapping[str, pl.Expr]"
"""Columns to make of a record, as expressions over its fields."""

__all__ = ["Columns", "read_json_lines"]

_PROBED_BYTES: Final = 65_536
_PROBED_RECORDS: Final = 50
_TAIL_ROWS: Final = 64
_CHECK: Final = "?"
_UNLIKELY: Final = 0.001


def read_json_lines(  # noqa: PLR0913 (what is asked, what was promised, and how to say it)
    data: bytes,
    columns: Columns,
    *,
    shape: Shape,
    contract: PayloadContract | None = None,
    where: str,
    max_bad_share: float,
    hint: str,
) -> Records:
    """Read one file of JSON lines, gzipped or plain.

    Args:
        data: The file's bytes.
        columns: What to make of each record: expressions over its fields.
        shape: What of each record is read, and what that was promised to look like.
        contract: All that the source promised of a record; the shape alone without it.
        where: The file's name for people: source, file and day.
        max_bad_share: Share of bad records above which the file is refused.
        hint: What to do when the shape has changed.

    Raises:
        ContractBrokenError: The bytes are no whole gzip file, too many lines are no JSON, or
            too many records differ from what was promised.
    """
    unusual = _probe(_first_lines(data, where), shape, contract)
    rows = None if unusual is None else _read_at_once(data, columns, shape, contract, where)
    if rows is None:
        lines = LineReader(where, max_bad_share, hint, contract)
        frame, rejected = lines.read(data, shape)
        return Records(frame.select(**columns), lambda: frame, rejected, lines.notes)
    notes = tuple(f"{where}: {note}" for note in unusual or ())
    return Records(rows, lambda: _scan(data, shape).collect(), rejected_rows(), notes)


def _probe(
    lines: list[bytes], shape: Shape, contract: PayloadContract | None = None
) -> tuple[str, ...] | None:
    """Return what to note of these lines; None when they are not as promised."""
    census = Census(shape)
    records = [record for record in map(record_of, lines) if isinstance(record, dict)]
    for record in records:
        census.add(record)
    if census.problems:
        return None
    if contract is not None:
        return probe(contract, records)
    return tuple(
        f"new field `{path}` in {count} of the first {census.records} records is not read"
        for path, count in sorted(census.unknown.items())
    )


def _first_lines(data: bytes, where: str) -> list[bytes]:
    head = begin_of(data, _PROBED_BYTES, where)
    lines = head.split(b"\n")
    whole = lines if len(head) < _PROBED_BYTES else lines[:-1]
    return [line for line in whole if line.strip()][:_PROBED_RECORDS]


def _scan(data: bytes, shape: Shape) -> pl.LazyFrame:
    return pl.scan_ndjson(data, schema=polars_schema(shape))


def _read_at_once(
    data: bytes, columns: Columns, shape: Shape, contract: PayloadContract | None, where: str
) -> pl.DataFrame | None:
    """Return what was asked for, in one pass; None where the file needs a closer look."""
    if not data:
        return pl.DataFrame(schema=polars_schema(shape)).select(**columns)
    optional = [field for field, kind in _fields(shape) if kind is Kind.TEXT_OR_NULL]
    nulls = {f"{_CHECK} null {i}": field.is_null() for i, field in enumerate(optional)}
    listed = keeps_listed_values(contract, shape) if contract is not None else None
    odd = _is_missing(shape) if listed is None else _is_missing(shape) | ~listed
    query = _scan(data, shape).select(**columns, **nulls, **{_CHECK: odd})
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
