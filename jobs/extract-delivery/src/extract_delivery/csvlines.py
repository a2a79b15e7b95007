"""Read delivery tracking's CSV fast, keep bad lines aside, and notice a changed header."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import polars as pl

from stationmaster.step.extraction.linewise import check_bad_share
from stationmaster.step.extraction.promises import judged, keeps_listed_values
from stationmaster.step.extraction.rows import Records, rejected_rows
from stationmaster.step.extraction.shapes import Census, Kind
from stationmaster.step.payloads.checking import Checker
from stationmaster.step.payloads.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from stationmaster.step.errors import ContractBrokenError
    from stationmaster.step.extraction.jsonlines import Columns
    from stationmaster.step.payloads.document import PayloadContract

__all__ = ["COLUMNS", "read_events"]

COLUMNS: Final = (
    "shipment_id",
    "order_ref",
    "event",
    "event_time",
    "carrier",
    "recipient",
    "phone",
    "address",
    "postcode",
    "utc_offset",
)
"""The header that was promised; the order of columns does not matter."""

_ALWAYS_FILLED: Final = COLUMNS[:5]
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_SHOWN: Final = 60
_PROBED: Final = 50
_HINT: Final = (
    "Map the column in payloads/, COLUMNS and `event_columns` of the job extract-delivery, or ask "
    "delivery tracking to bring it back; then clear the step."
)


def read_events(
    data: bytes,
    columns: Columns,
    *,
    contract: PayloadContract,
    where: str,
    max_bad_share: float,
) -> Records:
    """Read one `events-NNN.csv`; every field is text.

    Args:
        data: The file's bytes.
        columns: What to make of each event: expressions over its fields.
        contract: What delivery tracking promised of each event.
        where: The file's name for people: source, file and day.
        max_bad_share: Share of bad lines above which the file is refused.

    Raises:
        ContractBrokenError: The header or what stands below it has changed, or too many lines
            cannot be read.
    """
    header, _, body = data.removeprefix(_BYTE_ORDER_MARK).partition(b"\n")
    lines = [line for line in body.splitlines() if line.strip()]
    notes: tuple[str, ...] = ()
    if not header.strip():
        frame, rejected = _frame([]), rejected_rows()
    else:
        names = next(csv.reader([header.decode("utf-8", errors="replace").strip()]))
        promised = _Promised(contract, where, max_bad_share)
        if not set(COLUMNS) <= set(names):
            promised.judge(_events(names, lines))
            raise promised.changed_header(names, len(lines))
        whole = _read_at_once(header, body, names)
        if whole is not None and whole.height == len(lines):
            frame, rejected = whole, rejected_rows()
        else:
            frame, rejected = _read_line_by_line(names, lines, where, max_bad_share)
        notes = promised.notes(frame, names, lines)
    return Records(frame.select(**columns), lambda: frame, rejected, notes)


@dataclass(frozen=True)
class _Promised:
    """Hold a file against what was promised: its first lines, and all where anything differs."""

    contract: PayloadContract
    where: str
    max_bad_share: float

    def judge(self, events: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
        """Look at events and return what to note; a changed source ends the step."""
        checker = Checker(self.contract)
        for number, event in enumerate(events, start=2):
            checker.add(event, number)
        share = self.max_bad_share
        return judged(checker, self.contract, self.where, max_bad_share=share, hint=_HINT)

    def notes(self, frame: pl.DataFrame, names: list[str], lines: list[bytes]) -> tuple[str, ...]:
        """Return what to note of a file whose columns are all there."""
        first = Checker(self.contract)
        for event in _events(names, lines[:_PROBED]):
            first.add(event)
        listed = keeps_listed_values(self.contract, dict.fromkeys(COLUMNS, Kind.TEXT))
        odd = listed is not None and not frame.select(listed.all()).item()
        if odd or any(one.severity is Severity.BREAKING for one in first.findings()):
            return self.judge(_events(names, lines))
        new = sorted(set(names) - set(COLUMNS))
        return tuple(f"{self.where}: new column `{name}` is not read" for name in new)

    def changed_header(self, names: list[str], lines: int) -> ContractBrokenError:
        """Return the error of a header that lacks columns, above too few lines to judge by."""
        census = Census(dict.fromkeys(COLUMNS, Kind.TEXT))
        census.add(dict.fromkeys(names, ""), times=lines)
        return census.error(self.where, hint=_HINT)


def _events(names: list[str], lines: Iterable[bytes]) -> Iterator[dict[str, str]]:
    """Yield the events of lines that can be read."""
    for line in lines:
        values = next(csv.reader([line.decode("utf-8", errors="replace")]), [])
        if len(values) == len(names):
            yield dict(zip(names, values, strict=True))


def _read_at_once(header: bytes, body: bytes, names: list[str]) -> pl.DataFrame | None:
    """Return the events, None where any line is not as it should be."""
    try:
        frame = pl.read_csv(header.strip() + b"\n" + body, schema=dict.fromkeys(names, pl.String))
    except pl.exceptions.PolarsError:
        return None
    # A line that was cut off lacks its last columns.
    needed = {*_ALWAYS_FILLED, names[-1]}
    cut = frame.select(pl.any_horizontal(pl.col(*needed).is_null()).any()).item()
    return None if cut else frame.select(COLUMNS)


def _read_line_by_line(
    names: list[str], lines: list[bytes], where: str, max_bad_share: float
) -> tuple[pl.DataFrame, pl.DataFrame]:
    good: list[dict[str, str]] = []
    aside: list[tuple[str, str, None, str]] = []
    for line in lines:
        text = line.decode("utf-8", errors="backslashreplace")
        try:
            line.decode("utf-8")
            values = next(csv.reader(io.StringIO(text), strict=True), [])
        except (csv.Error, UnicodeDecodeError) as problem:
            aside.append(("not_csv", text, None, str(problem)))
            continue
        if len(values) != len(names):
            aside.append(("not_csv", text, None, f"{len(values)} fields, not {len(names)}"))
        else:
            good.append(dict(zip(names, values, strict=True)))
    first = aside[0][1][:_SHOWN] if aside else ""
    check_bad_share(
        len(aside),
        len(lines),
        where=where,
        max_bad_share=max_bad_share,
        got=f"no CSV of {len(names)} columns, the first is {first!r}",
    )
    return _frame(good), rejected_rows(aside)


def _frame(rows: list[dict[str, str]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict.fromkeys(COLUMNS, pl.String))
