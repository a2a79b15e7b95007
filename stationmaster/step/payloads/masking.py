"""Show examples of values without showing whose they are.

What is known to be harmless is shown (numbers, dates, values of enumerations); of everything else
only the shape: letters become x, digits 9.
"""

from __future__ import annotations

import re
from typing import Final

from stationmaster.step.payloads.formats import format_of, is_date

__all__ = ["is_personal", "is_word", "masked", "masked_key"]

_PERSONAL: Final = re.compile(
    r"(?:^|_)(?:(?:e|full|first|last|sur|nick|user|display|given|family|middle)?_?name|e?mails?"
    r"|login|phone|mobile|tel|telephone|fax|address(?:es)?|street|zip|post_?codes?|city|birth\w*"
    r"|dob|ssn|passport|iban|bic|card|cvv|account|customer|recipient|buyer|owner|author|person"
    r"|contact|token|secret|passw\w*|pwd|auth\w*|credentials?|cookie|session|jwt|api_?key|key"
    r"|ip|ip_address|device|lat|lon|lng|latitude|longitude|gender|notes?|comments?|message|subject"
    r"|body|text|avatar\w*|signature)(?:_|$)",
    re.IGNORECASE,
)
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z_.:/ -]{0,39}")
_CODE: Final = re.compile(r"[A-Za-z]{1,12}[_.-]?\d{1,3}|\d{1,3}")
_FIGURES: Final = frozenset({"digits", "decimal", "decimal-comma", "signed-digits"})
_SHOWN: Final = 60
_LONG_FIGURE: Final = 9
_FEW: Final = 4


def is_personal(name: str) -> bool:
    """Tell whether a field's name says that it holds something of a person, or a secret."""
    return _PERSONAL.search(_CAMEL.sub("_", name).replace("-", "_")) is not None


def is_word(text: str) -> bool:
    """Tell whether a text looks like a value of an enumeration: a word, or a short code."""
    return _WORD.fullmatch(text) is not None or _CODE.fullmatch(text) is not None


def masked(value: object, name: str = "", *, personal: bool = False, shown: bool = False) -> str:
    """Return an example of a value for people, at most some 60 characters.

    Args:
        value: Any JSON value.
        name: The field it stands in.
        personal: Whether the contract says that it is personal.
        shown: Whether it stands where an enumeration does, so that words may be shown.
    """
    personal = personal or is_personal(name)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        figures = _figures(value)
        return _shape(figures) if personal or len(figures) > 2 * _LONG_FIGURE else figures
    if isinstance(value, str):
        return _text(value, personal=personal, shown=shown)
    if isinstance(value, list):
        inner = ", ".join(_part(item, name, personal=personal) for item in value[:2])
        return _cut(f"[{inner}{', …' if len(value) > 2 else ''}]")  # noqa: PLR2004 (two are shown)
    if isinstance(value, dict):
        return _cut(_object(value, personal=personal))
    return _shape(str(value))


def masked_key(key: str) -> str:
    """Return a field's name for a path; one that is data itself (a mail address) is masked."""
    if len(key) <= _SHOWN and format_of(key) in {"", "digits", "base64"} and key.isprintable():
        return key if sum(map(str.isdigit, key)) < _LONG_FIGURE else _shape(key)
    return _shape(key)


def _figures(value: float) -> str:
    try:
        return str(value)
    except ValueError:
        return "a number of thousands of digits"


def _text(text: str, *, personal: bool, shown: bool) -> str:
    if personal:
        return f'"{_shape(text)}"'
    form = format_of(text)
    harmless = is_date((form,)) or (form in _FIGURES and len(text) <= _LONG_FIGURE)
    if harmless or (shown and is_word(text)):
        return f'"{text}"'
    return f'"{_shape(text)}"'


def _shape(text: str) -> str:
    """Keep the shape of a text: which kinds of letters stand where."""
    kept = "".join(map(_letter, text[:_SHOWN]))
    return kept if len(text) <= _SHOWN else f"{kept}… ({len(text):,} characters)"


def _letter(letter: str) -> str:
    if letter.isdigit():
        return "9"
    if letter.isalpha():
        return "X" if letter.isupper() else "x"
    return letter if letter.isprintable() else "?"


def _object(value: dict[str, object], *, personal: bool) -> str:
    fields = [
        f"{masked_key(name)}: {_part(part, name, personal=personal)}"
        for name, part in sorted(value.items())[:_FEW]
    ]
    return "{" + ", ".join(fields) + (", …" if len(value) > _FEW else "") + "}"


def _part(value: object, name: str, *, personal: bool) -> str:
    """Mask what lies inside a value; one level is enough for people."""
    if isinstance(value, dict | list):
        return "{…}" if isinstance(value, dict) else "[…]"
    return masked(value, name, personal=personal)


def _cut(text: str) -> str:
    return text if len(text) <= 2 * _SHOWN else f"{text[: 2 * _SHOWN]}…"
