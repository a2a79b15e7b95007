"""Read payloads line by line: strict JSON, bad lines counted and set aside, never lost."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["BadLine", "Line", "NotReadableError", "decoded", "lines_of", "parse"]

_DASH: Final = Path("-")
_STANDARD_INPUT: Final = Path("/dev/stdin")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_WIDE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_WIDE: Final = "UTF-16"
_MAGIC: Final = b"\x1f\x8b"


class NotReadableError(ValueError):
    """Raised when a line is no payload; `encoding` tells what it seems to be written in."""

    def __init__(self, why: str, encoding: str = "") -> None:
        self.encoding = encoding
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class BadLine:
    """Hold a line that is no payload, and why."""

    number: int
    why: str
    raw: bytes
    encoding: str = ""
    """Set where the line is written in something else than UTF-8."""


@dataclass(frozen=True, slots=True)
class Line:
    """Hold one payload and the number of its line, from 1."""

    number: int
    value: object


def lines_of(path: Path) -> Iterator[Line | BadLine]:
    """Read a file of JSON lines, plain or gzipped, one line in memory; `-` is standard input.

    Raises:
        MisconfiguredError: The file cannot be opened, or is no whole gzip file.
    """
    try:
        with (_STANDARD_INPUT if path == _DASH else path).open("rb") as file:
            # A pipe cannot be read twice: the first bytes are looked at, and left in the buffer.
            packed = file.peek(2)[:2] == _MAGIC
            yield from decoded(gzip.GzipFile(fileobj=file) if packed else file)
    except (OSError, EOFError, zlib.error) as error:
        raise MisconfiguredError(
            where=f"{path}",
            expected="a readable file of one JSON document a line, plain or gzipped",
            got=str(error) or type(error).__name__,
            hint="Check the path, or fetch the file again.",
        ) from error


def decoded(lines: Iterable[bytes]) -> Iterator[Line | BadLine]:
    """Return the payloads of raw lines in order; blank lines are none."""
    for number, raw in enumerate(lines, start=1):
        text = raw.strip()
        if number == 1:
            text = text.removeprefix(_BYTE_ORDER_MARK)
        if not text:
            continue
        try:
            yield Line(number, parse(text))
        except NotReadableError as error:
            yield BadLine(number, str(error), raw, error.encoding)


def parse(raw: bytes) -> object:
    """Return the JSON value of one line.

    Raises:
        NotReadableError: It is not UTF-8, no JSON, has NaN or Infinity, a key twice in an object,
            or is nested too deep.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        wide = raw.startswith(_WIDE_MARKS) or b"\x00" in raw
        encoding = _WIDE if wide else "Latin-1 or Windows-1252"
        raise _not_utf_8(encoding) from error
    if "\x00" in text:
        raise _not_utf_8(_WIDE)
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_refuse)
    except NotReadableError:
        raise
    except (ValueError, RecursionError) as error:
        why = "nested too deep" if isinstance(error, RecursionError) else f"no JSON: {error}"
        raise NotReadableError(why) from error


def _not_utf_8(encoding: str) -> NotReadableError:
    return NotReadableError(f"not UTF-8, seems to be {encoding}", encoding)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Make an object; a key that comes twice means two things, so it means none."""
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        why = f"the key {twice[:40]!r} comes twice in one object"
        raise NotReadableError(why)
    return made


def _refuse(constant: str) -> NoReturn:
    why = f"no JSON: {constant}"
    raise NotReadableError(why)
