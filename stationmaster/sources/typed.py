"""What people type: short forms, typos, case, spaces, phone formats, fields left empty.

Each function works on whole columns and at once: as nested expressions these would repeat
themselves at every level.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import polars as pl

from stationmaster.sources.draw import below, chance, pick, unit
from stationmaster.sources.names import NICKNAMES

if TYPE_CHECKING:
    from stationmaster.sources.rates import Rates

__all__ = ["address", "left_out", "mail", "name", "phone", "postcode", "recased", "typo"]

_ROWS: Final = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890")
_NEIGHBOURS: Final = {
    key: row[place + 1] if place + 1 < len(row) else row[place - 1]
    for row in _ROWS
    for place, key in enumerate(row)
}
_SHORT_KINDS: Final = {
    "Street": "St", "Road": "Rd", "Avenue": "Ave", "Lane": "Ln", "Crescent": "Cres",
}  # fmt: skip
_KEY: Final = pl.col("key")
_TEXT: Final = pl.col("text")


def _only(frame: pl.DataFrame, text: pl.Expr) -> pl.Series:
    return frame.select(text.alias("text")).to_series()


def typo(text: pl.Series, key: pl.Series, stream: str, rate: float) -> pl.Series:
    """Slip once in the given share: a key left out, doubled, swapped, or the neighbour's."""
    slips = pl.select(chance(pl.lit(key), f"{stream}/typo", rate)).to_series()
    length = _TEXT.str.len_chars().cast(pl.Int64)
    place, slip = pl.col("place"), pl.col("slip")
    before, after = _TEXT.str.slice(0, place), _TEXT.str.slice(place + 1)
    here, next_one = _TEXT.str.slice(place, 1), _TEXT.str.slice(place + 1, 1)
    slipped = (
        pl.DataFrame({"text": text, "key": key})
        .with_row_index("row")
        .filter(slips & (text.str.len_chars() > 2))  # noqa: PLR2004 (shorter has no inside)
        .with_columns(
            place=(unit(_KEY, f"{stream}/place") * (length - 1)).cast(pl.Int64) + 1,
            slip=below(_KEY, f"{stream}/slip", 4),
        )
        .select(
            "row",
            text=pl.when(slip == 0).then(before + after)
            .when(slip == 1).then(before + here + here + after)
            .when(slip == 2).then(before + next_one + here + _TEXT.str.slice(place + 2))  # noqa: PLR2004 (the third of four)
            .otherwise(before + here.str.to_lowercase().replace(_NEIGHBOURS) + after),
        )
    )  # fmt: skip
    return text.clone().scatter(slipped["row"], slipped["text"]) if slipped.height else text


def recased(text: pl.Series, key: pl.Series, stream: str, rates: Rates) -> pl.Series:
    """Write some in one case, and some with a space too many."""
    lower = chance(_KEY, f"{stream}/lower", rates.lower_case)
    upper = chance(_KEY, f"{stream}/upper", rates.upper_case)
    spaced = chance(_KEY, f"{stream}/spaces", rates.odd_spaces)
    inside = _TEXT.str.replace(" ", "  ", literal=True)
    wide = pl.when(chance(_KEY, f"{stream}/inside", 0.5)).then(inside).otherwise(_TEXT + " ")
    cased = pl.DataFrame({"text": text, "key": key}).with_columns(
        text=pl.when(lower).then(_TEXT.str.to_lowercase())
        .when(upper).then(_TEXT.str.to_uppercase())
        .otherwise(_TEXT)
    )  # fmt: skip
    return _only(cased, pl.when(spaced).then(wide).otherwise(_TEXT))


def left_out(text: pl.Series, key: pl.Series, stream: str, share: float) -> pl.Series:
    """Leave a field empty in the given share."""
    kept = pl.when(~chance(_KEY, f"{stream}/left out", share)).then(_TEXT)
    return _only(pl.DataFrame({"text": text, "key": key}), kept)


def name(rows: pl.DataFrame, key: pl.Series, source: str, rates: Rates, slips: float) -> pl.Series:
    """Return the full name as it is given to one source.

    Args:
        rows: Rows of people.truth_of; whether a short form is used is a habit per source.
        key: Hash of the act of typing: an account once, a guest checkout each time.
        source: Which system it is typed into.
        rates: The world's rates.
        slips: Share with a typo.
    """
    h = pl.col("h")
    nick = pl.when(below(h, "which nick", 2) == 0).then(_nickname(0)).otherwise(_nickname(-1))
    uses = chance(h, f"{source}/nick", rates.nickname)
    initial = chance(h, f"{source}/initial", rates.initial_only)
    middle = chance(h, f"{source}/middle", rates.middle_initial)
    parts = rows.select(
        "last",
        given=pl.when(initial).then(pl.col("first").str.slice(0, 1))
        .when(uses).then(pl.coalesce(nick, "first"))
        .otherwise("first"),
        between=pl.when(middle).then(" " + pl.col("middle") + " ").otherwise(pl.lit(" ")),
        key=key,
    )  # fmt: skip
    parts = parts.with_columns(
        last=typo(parts["last"], key, f"{source}/last", slips),
        given=typo(parts["given"], key, f"{source}/first", slips / 2),
    )
    turned = chance(_KEY, f"{source}/turned", rates.surname_first)
    last_first = pl.format("{}, {}", "last", "given")
    full = pl.when(turned).then(last_first).otherwise(pl.concat_str("given", "between", "last"))
    return recased(_only(parts, full), key, f"{source}/name", rates)


def _nickname(place: int) -> pl.Expr:
    table = {long: short[place] for long, short in NICKNAMES.items()}
    return pl.col("first").replace_strict(table, default=None, return_dtype=pl.String)


def mail(text: pl.Series, key: pl.Series, source: str, rates: Rates) -> pl.Series:
    """Return a mail address as typed: some in capitals, few with a slip before the @."""
    halves = text.str.split("@")
    local = typo(halves.list.first(), key, f"{source}/mail", rates.mail_typo)
    whole = pl.DataFrame({"text": local + "@" + halves.list.last(), "key": key})
    capital = _TEXT.str.slice(0, 1).str.to_uppercase() + _TEXT.str.slice(1)
    capitals = chance(_KEY, f"{source}/capital", 0.05)
    return _only(whole, pl.when(capitals).then(capital).otherwise(_TEXT))


def phone(rows: pl.DataFrame, key: pl.Series, source: str, rates: Rates) -> pl.Series:
    """Return the phone number in one of the ways people write it."""
    digits = typo(rows["phone_digits"], key, f"{source}/phone", rates.phone_typo)
    frame = rows.select("british", dial="phone_dial", text=digits, key=key).with_columns(
        style=below(_KEY, f"{source}/phone style", 6)
    )
    style, dial = pl.col("style"), pl.col("dial")
    head, tail = _TEXT.str.slice(0, 4), _TEXT.str.slice(4)
    three = pl.format("0{} {} {}", head, tail.str.slice(0, 3), tail.str.slice(3))
    return _only(
        frame,
        pl.when(~pl.col("british")).then(pl.format("{} {}", dial, _TEXT))
        .when(style == 0).then(pl.format("0{}", _TEXT))
        .when(style == 1).then(pl.format("0{} {}", head, tail))
        .when(style == 2).then(three)  # noqa: PLR2004 (the third of six)
        .when(style == 3).then(pl.format("{}{}", dial, _TEXT))  # noqa: PLR2004 (the fourth of six)
        .when(style == 4).then(pl.format("{} {} {}", dial, head, tail))  # noqa: PLR2004 (the fifth of six)
        .otherwise(pl.format("00{} {}", dial.str.strip_chars_start("+"), _TEXT)),
    )  # fmt: skip


def address(rows: pl.DataFrame, key: pl.Series, source: str, rates: Rates) -> pl.Series:
    """Return number, street and town in one line, the street's kind shortened by some."""
    kind = pl.col("street").str.extract(r"(\w+)$").replace(_SHORT_KINDS)
    short = pl.col("street").str.replace(r"\w+$", "") + kind
    shortens = chance(pl.col("key"), f"{source}/short street", 0.35)
    frame = rows.select("house_number", "street", "town", key=key).with_columns(
        street=pl.when(shortens).then(short).otherwise("street"),
        comma=pick(_KEY, f"{source}/comma", [", ", ", ", ", ", " ", ","]),
    )
    street = typo(frame["street"], key, f"{source}/street", rates.address_typo)
    line = pl.format("{} {}{}{}", "house_number", "street", "comma", "town")
    whole = _only(frame.with_columns(street=street), line)
    return recased(whole, key, f"{source}/address", rates)


def postcode(rows: pl.DataFrame, key: pl.Series, source: str, rates: Rates) -> pl.Series:
    """Return the postcode, with a slip, in lower case or without its space now and then."""
    slipped = typo(rows["postcode"], key, f"{source}/postcode", rates.postcode_typo)
    frame = pl.DataFrame({"text": slipped, "key": key}).with_columns(
        style=unit(_KEY, f"{source}/postcode style")
    )
    lower, joined = rates.lower_case, 3 * rates.lower_case
    return _only(
        frame,
        pl.when(pl.col("style") < lower).then(_TEXT.str.to_lowercase())
        .when(pl.col("style") < joined).then(_TEXT.str.replace(" ", "", literal=True))
        .otherwise(_TEXT),
    )  # fmt: skip
