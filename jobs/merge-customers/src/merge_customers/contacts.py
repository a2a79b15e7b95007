"""Turn records into contacts: each distinct way in which somebody is known, whatever the source.

Two records with the same name and the same mail, phone, street and postcode are one contact. A
contact is compared with others only by what it holds itself, so a score never depends on the rest.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import polars as pl

from merge_customers import normalise
from merge_customers.records import CONTACT

__all__ = ["Contacts", "contacts_of", "customer_id_of"]

RAW = ["source", "kind", "record", "account", "device", *CONTACT]
KNOWN = ("words", "mail", "phone_digits", "street", "code")
"""The columns that make a contact, in their normal form."""


KEY_KINDS = pl.Enum(
    [
        *("account", "device", "order", "mail", "phone", "name"),
        *("surname and postcode", "surname and house", "end of phone and initial"),
    ]
)


@dataclass(frozen=True)
class Contacts:
    """Hold the records with their contact, the contacts, and the keys that contacts share.

    Attributes:
        records: The records, with `contact` (null: nothing tells who it was).
        contacts: One row each, `contact` = 0, 1, … in the order in which they were first seen.
        keys: `contact`, `key_kind`, `key`, `since`: what may tie a contact to another one.
    """

    records: pl.DataFrame
    contacts: pl.DataFrame
    keys: pl.DataFrame


def customer_id_of(source: str, kind: str, record: str, copy: int) -> str:
    """Give the id of the customer whose first deed is this record; it names no person."""
    return "C" + hashlib.sha256(f"{source}|{kind}|{record}|{copy}".encode()).hexdigest()[:16]


def contacts_of(records: pl.DataFrame) -> Contacts:
    """Find the contacts of records."""
    named = _normalised(records).with_columns(identity=_identity())
    order = ["day", "source", "kind", "record"]
    firsts = (
        named.filter(pl.col("identity").is_not_null())
        .sort(*order)
        .unique("identity", keep="first", maintain_order=True)
        .sort(*order, "identity")
        .with_row_index("contact")
    )
    named = named.join(
        firsts.select("identity", "contact"), on="identity", how="left", maintain_order="left"
    )
    contacts = firsts.select(
        "contact",
        "day",
        "source",
        "kind",
        "record",
        *KNOWN,
        given=normalise.given_name(pl.col("words")),
        surname=normalise.surname(pl.col("words")),
        house=pl.col("street").str.extract(r"\b(\d+[a-z]?)\b", 1),
    ).with_columns(
        forms=normalise.given_forms(pl.col("given")),
        mailbox=pl.col("mail").str.extract(r"^([^@]+)@", 1),
    )
    named = named.drop("identity", *KNOWN)
    dealt = contacts.join(_first_deeds(named), on="contact", how="left", maintain_order="left")
    return Contacts(named, dealt, _keys(named, contacts))


def _first_deeds(records: pl.DataFrame) -> pl.DataFrame:
    """Give each contact its first order, parcel or ticket: what makes somebody a customer.

    A record that is written in two ways belongs to two contacts; `deed_copy` counts them.
    """
    deeds = records.filter(pl.col("contact").is_not_null(), pl.col("kind") != "visit")
    order = ["day", "source", "kind", "record"]
    firsts = deeds.sort(*order).unique("contact", keep="first", maintain_order=True)
    return firsts.sort(*order, "contact").select(
        "contact",
        *[pl.col(name).alias(f"deed_{name}") for name in order],
        deed_copy=pl.int_range(pl.len()).over("source", "kind", "record"),
    )


def _normalised(records: pl.DataFrame) -> pl.DataFrame:
    """Add the normal forms to records: each distinct value of a column is normalised once."""
    forms = {
        "full_name": normalise.name_words("full_name").alias("words"),
        "email": normalise.mail("email").alias("mail"),
        "phone": normalise.phone("phone").alias("phone_digits"),
        "address": normalise.street_line("address").alias("street"),
        "postcode": normalise.postcode("postcode").alias("code"),
    }
    whole = records
    for column, form in forms.items():
        typed = records.lazy().select(pl.col(column).drop_nulls().unique())
        values = typed.with_columns(form).collect()
        whole = whole.join(values, on=column, how="left", maintain_order="left")
    return whole


def _identity() -> pl.Expr:
    """Say what makes a record's contact: what it holds, or else the account, device or order."""
    reach = pl.col("mail").is_not_null() | pl.col("phone_digits").is_not_null()
    home = pl.col("words").is_not_null() & (
        pl.col("street").is_not_null() | pl.col("code").is_not_null()
    )
    held = pl.concat_str([pl.col(name).fill_null("") for name in KNOWN], separator="|")
    of_source = [
        pl.concat_str(pl.lit(f"{kind}:"), pl.col("source"), pl.lit(":"), pl.col(kind))
        for kind in ("account", "device")
    ]
    of_order = pl.concat_str(pl.lit("order:"), pl.col("order_id"))
    lone = pl.concat_str(pl.lit("name:"), "source", "record", separator=":")
    return (
        pl.when(reach | home)
        .then(held)
        .otherwise(pl.coalesce(*of_source, of_order, pl.when(pl.col("words") != "").then(lone)))
    )


def _keys(records: pl.DataFrame, contacts: pl.DataFrame) -> pl.DataFrame:
    """Give what contacts may share, as hashes: of two that agree by chance the score is low."""
    known = records.filter(pl.col("contact").is_not_null())
    ties = {
        "account": pl.concat_str("source", "account"),
        "device": pl.concat_str("source", "device"),
        "order": pl.col("order_id"),
    }
    parts = [
        _hashed(known, kind, key).group_by("contact", "key_kind", "key").agg(pl.col("since").min())
        for kind, key in ties.items()
    ]
    parts += [_hashed(contacts, kind, key) for kind, key in _blocks().items()]
    return pl.concat(parts)


def _hashed(frame: pl.DataFrame, kind: str, key: pl.Expr) -> pl.DataFrame:
    return (
        frame.lazy()
        .filter(key.is_not_null())
        .select("contact", key_kind=pl.lit(kind, dtype=KEY_KINDS), key=key.hash(), since="day")
        .filter(pl.len().over("key") > 1)
        .collect()
    )


def _blocks() -> dict[str, pl.Expr]:
    """Say what two contacts must share to be compared at all; null keys share nothing.

    Each rule was kept for pairs that no other one finds on the tuning days.
    """
    start, house = pl.col("surname").str.slice(0, 3), pl.col("street").str.slice(0, 6)
    digits = pl.col("phone_digits")
    return {
        "mail": pl.col("mail"),
        "phone": digits,
        "name": pl.concat_str("given", "surname", separator=" "),
        "surname and postcode": pl.concat_str("surname", "code", separator=" "),
        "surname and house": pl.concat_str(start, house, separator=" "),
        "end of phone and initial": pl.concat_str(
            digits.str.slice(-7), pl.col("given").str.head(1)
        ),
    }
