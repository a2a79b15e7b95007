"""Unpack delivered bytes, gzipped or plain: all of them, their begin, or their end."""

from __future__ import annotations

import gzip
import zlib
from typing import Final

from stationmaster.step.errors import ContractBrokenError

__all__ = ["begin_of", "end_of", "unpacked"]

_MAGIC: Final = b"\x1f\x8b"
_WINDOW: Final = 31
_AT_ONCE: Final = 65_536


def unpacked(data: bytes, where: str) -> bytes:
    """Return all bytes of a file; `where` names it in errors.

    Raises:
        ContractBrokenError: The bytes are no whole gzip file.
    """
    if not data.startswith(_MAGIC):
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, OSError, zlib.error) as problem:
        raise _no_gzip(where, problem) from problem


def begin_of(data: bytes, size: int, where: str) -> bytes:
    """Return the first bytes of a file.

    Raises:
        ContractBrokenError: The bytes are no gzip file.
    """
    if not data.startswith(_MAGIC):
        return data[:size]
    try:
        return zlib.decompressobj(_WINDOW).decompress(data, size)
    except zlib.error as problem:
        raise _no_gzip(where, problem) from problem


def end_of(data: bytes, size: int, where: str) -> bytes:
    """Return the last bytes of a file, without holding all of it unpacked.

    Raises:
        ContractBrokenError: The bytes are no whole gzip file.
    """
    if not data.startswith(_MAGIC):
        return data[-size:]
    end, rest, whole = b"", data, True
    try:
        while rest and whole:
            stream, begin = zlib.decompressobj(_WINDOW), 0
            while begin < len(rest) and not stream.eof:
                piece = stream.decompress(rest[begin : begin + _AT_ONCE])
                end = (end + piece)[-size:] if len(piece) < size else piece[-size:]
                begin += _AT_ONCE
            whole = stream.eof
            # A gzip file may be several in a row, with zeros behind.
            rest = (stream.unused_data + rest[begin:]).lstrip(b"\0")
    except zlib.error as problem:
        raise _no_gzip(where, problem) from problem
    if not whole:
        raise _no_gzip(where, EOFError("the end is not marked"))
    return end


def _no_gzip(where: str, problem: Exception) -> ContractBrokenError:
    return ContractBrokenError(
        where,
        expected="a whole gzip file",
        got=f"one that ends early or is damaged ({problem})",
        hint="Ask the owner of the source to deliver the file again, then clear the step.",
    )
