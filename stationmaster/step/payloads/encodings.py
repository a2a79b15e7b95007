"""Odd encodings inside texts: what shows that a sender encodes once too often, or wrongly."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DAMAGE", "encodings_of"]

DAMAGE: Final = ("replacement-character", "mojibake")
"""Encodings that are damage wherever they stand, also where nobody learned the field."""

_ENCODINGS: Final[Mapping[str, re.Pattern[str]]] = {
    "replacement-character": re.compile("\N{REPLACEMENT CHARACTER}"),
    # UTF-8 read as Latin-1 or Windows-1252: "Ã©", "â€™", "Â£".
    "mojibake": re.compile("[\u00c2\u00c3][\u0080-\u00bf\u0192\u201a-\u2122]|\u00e2\u20ac"),
    "html-entities": re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#\d{1,5}|#x[0-9a-fA-F]{1,4});"),
    "percent-encoding": re.compile(r"%[0-9A-F]{2}.*%[0-9A-F]{2}|\w%20\w|%40"),
    "escaped-unicode": re.compile(r"\\u[0-9a-fA-F]{4}"),
    "byte-order-mark": re.compile("\ufeff"),
}
_PLAIN: Final = re.compile(r"[\w .,:/+@-]*", re.ASCII)


def encodings_of(text: str) -> tuple[str, ...]:
    """Return the odd encodings that a text shows, most texts none."""
    if _PLAIN.fullmatch(text):
        return ()
    return tuple(name for name, pattern in _ENCODINGS.items() if pattern.search(text))
