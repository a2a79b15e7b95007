"""Bring what people type into one form: polars expressions, each a pure function of one column.

Use them in a lazy frame: they name a step more than once, and only there it is done once.

A value that names nobody (mail "none", phone 00000) becomes null, so that it links nobody.
"""

from __future__ import annotations

import polars as pl

from merge_customers.nicknames import FULL_NAMES

__all__ = [
    "given_forms",
    "given_name",
    "mail",
    "name_words",
    "phone",
    "postcode",
    "street_line",
    "surname",
]

NOBODY = [
    *("none", "null", "nil", "na", "nan", "n/a", "n a", "no", "unknown", "anonymous", "guest"),
    *("customer", "test", "x", "xx", "xxx", "-", ".", "?", "0"),
]
"""Words that people write where they will not say who they are."""

TITLES = (
    r"^((mr|mrs|ms|miss|mx|dr|prof|professor|sir|dame|rev|reverend|"
    r"herr|frau|mme|mlle|monsieur|madame|sra)\b\.? *)+"
)
LETTERS_BEHIND = r"( (jr|jnr|snr|esq|phd|obe|mbe|cbe)\b\.?)+$"
APOSTROPHES = r"['`.\x{2019}\x{00b4}]"
DOTLESS_DOMAINS = r"^(gmail|googlemail)\.com$"
STREET_WORDS = {
    "st": "street",
    "str": "street",
    "rd": "road",
    "av": "avenue",
    "ave": "avenue",
    "ln": "lane",
    "dr": "drive",
    "cl": "close",
    "ct": "court",
    "cres": "crescent",
    "sq": "square",
    "pl": "place",
    "gdn": "gardens",
    "gdns": "gardens",
    "pk": "park",
    "ter": "terrace",
    "terr": "terrace",
    "apt": "flat",
    "apartment": "flat",
}
PHONE_DIGITS = (6, 15)
"""Fewer digits reach nobody; E.164 knows no more."""
SAME_DIGIT = "|".join(f"^{digit}+$" for digit in range(10))


def _somebody(value: pl.Expr) -> pl.Expr:
    """Turn an empty value, or a word that stands for "nobody", into null."""
    return pl.when(value.is_in(NOBODY) | (value == "")).then(None).otherwise(value)


def _plain(column: str) -> pl.Expr:
    """Lower the case, take the accents off, make every run of blanks one blank."""
    folded = pl.col(column).str.normalize("NFKD").str.replace_all(r"\p{M}", "")
    lowered = folded.str.to_lowercase().str.replace_many(
        ["ß", "ø", "æ", "œ", "ł", "đ", "ð", "þ"],
        ["ss", "o", "ae", "oe", "l", "d", "d", "th"],
    )
    return lowered.str.replace_all(r"\s+", " ").str.strip_chars()


def mail(column: str) -> pl.Expr:
    """Give the mailbox behind a mail address: no case, blanks or plus tag; null when it is none."""
    address = _plain(column).str.replace_all(" ", "").str.strip_prefix("mailto:")
    address = address.str.strip_chars("<>.,;\"'")
    local = address.str.extract(r"^([^@]+)@", 1).str.replace(r"\+.*$", "")
    domain = address.str.extract(r"^[^@]+@([^@]+\.[^@]+)$", 1)
    domain = pl.when(domain == "googlemail.com").then(pl.lit("gmail.com")).otherwise(domain)
    dotless = local.str.replace_all(".", "", literal=True)
    local = pl.when(domain.str.contains(DOTLESS_DOMAINS)).then(dotless).otherwise(local)
    nobody = local.is_in([*NOBODY, "noreply", "no-reply", "nomail", "noemail"]) | (local == "")
    return pl.when(nobody | domain.is_null()).then(None).otherwise(local + "@" + domain)


def phone(column: str) -> pl.Expr:
    """Give the digits of a number without +44, 0044, (0) or 0; other countries keep their code."""
    digits = pl.col(column).str.replace_all(r"\(0\)", "").str.replace_all(r"\D", "")
    digits = digits.str.replace(r"^00", "").str.replace(r"^44", "").str.replace(r"^0+", "")
    size = digits.str.len_chars()
    same = digits.str.contains(SAME_DIGIT)
    counted = digits.is_in(["123456", "1234567", "12345678", "123456789", "1234567890"])
    usable = size.is_between(*PHONE_DIGITS) & ~same & ~counted
    return pl.when(usable).then(digits).otherwise(None)


def name_words(column: str) -> pl.Expr:
    """Give the words of a name in order "given … surname", without titles, as plain text."""
    name = _plain(column).str.replace(TITLES, "").str.replace(LETTERS_BEHIND, "")
    turned = name.str.replace(r"^\s*([^,]+?)\s*,\s*(\S.*)$", "$2 $1")
    words = turned.str.replace_all(APOSTROPHES, "").str.replace_all(r"[^a-z0-9 ]", " ")
    words = turned_initials(words.str.replace_all(r"\s+", " ").str.strip_chars())
    return _somebody(words)


def turned_initials(words: pl.Expr) -> pl.Expr:
    """Put "smith j" into the order "j smith"."""
    return words.str.replace(r"^([a-z]{2,}) ([a-z])$", "$2 $1")


def given_name(words: pl.Expr) -> pl.Expr:
    """Give the first of several words; null for a lone word."""
    return words.str.extract(r"^(\S+) ", 1)


def given_forms(given: pl.Expr) -> pl.Expr:
    """Give the list of full names that a given name may stand for: chris is two people's."""
    return given.replace(FULL_NAMES).str.split(" ")


def surname(words: pl.Expr) -> pl.Expr:
    """Give the last word; a lone word is a surname."""
    return words.str.extract(r"(\S+)$", 1)


def postcode(column: str) -> pl.Expr:
    """Give a postcode in capitals without blanks; null when it has no digit."""
    code = _plain(column).str.replace_all(r"[^a-z0-9]", "").str.to_uppercase()
    usable = code.str.contains(r"\d") & ~code.str.contains(r"^0+$")
    return pl.when(usable).then(code).otherwise(None)


def street_line(column: str) -> pl.Expr:
    """Give an address in plain words, abbreviations written out: "12 high street leeds"."""
    line = _plain(column).str.replace_all(APOSTROPHES, "").str.replace_all(r"[^a-z0-9 ]", " ")
    line = line.str.replace_all(r" +", " ").str.strip_chars()
    apart = " " + line.str.replace_all(" ", "  ", literal=True) + " "
    whole = apart.str.replace_many(
        {f" {short} ": f" {word} " for short, word in STREET_WORDS.items()}
    )
    line = whole.str.replace_all("  ", " ", literal=True).str.strip_chars()
    return _somebody(line)
