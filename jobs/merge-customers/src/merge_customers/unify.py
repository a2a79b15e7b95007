"""Find out who is one customer, as of a day, from the records of all days up to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from merge_customers.clusters import clusters_on
from merge_customers.contacts import Contacts, contacts_of, customer_id_of
from merge_customers.model import Parameters, read_parameters, scored, scores_of
from merge_customers.pairs import candidate_pairs

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["Linked", "Unscored", "customers_on", "known_records", "link", "paired"]


@dataclass(frozen=True)
class Linked:
    """Hold records, contacts, and all scored pairs of contacts."""

    contacts: Contacts
    pairs: pl.DataFrame
    parameters: Parameters


@dataclass(frozen=True)
class Unscored:
    """Hold records, contacts, and the pairs of contacts that are to be compared."""

    contacts: Contacts
    pairs: pl.DataFrame
    parameters: Parameters

    def scores(self, pairs: pl.DataFrame) -> pl.DataFrame:
        """Compare some of the pairs."""
        return scores_of(self.contacts.contacts, pairs, self.parameters)

    def linked(self, scores: pl.DataFrame) -> Linked:
        """Put the scores of all pairs to them."""
        return Linked(self.contacts, scored(self.pairs, scores), self.parameters)


def paired(records: pl.DataFrame, parameters: Parameters | None = None) -> Unscored:
    """Find which contacts to compare; by the parameters that are checked in, unless given."""
    contacts = contacts_of(records)
    pairs = candidate_pairs(contacts.keys)
    return Unscored(contacts, pairs, parameters or read_parameters())


def link(records: pl.DataFrame, parameters: Parameters | None = None) -> Linked:
    """Compare the contacts of records; by the parameters that are checked in, unless given."""
    unscored = paired(records, parameters)
    return unscored.linked(unscored.scores(unscored.pairs))


def customers_on(linked: Linked, day: dt.date) -> pl.DataFrame:
    """Give each contact of a day its `cluster` and the customer's `unified_id`.

    The id is that of the customer's first order, parcel or ticket, so it stays when more becomes
    known. It is null for who has only ever logged in: an account, not yet a customer.
    """
    frame = linked.contacts.contacts
    clusters = clusters_on(frame, linked.pairs, day, linked.parameters)
    deeds = ["deed_source", "deed_kind", "deed_record", "deed_copy"]
    firsts = (
        clusters.join(frame, on="contact")
        .filter(pl.col("deed_day") <= day)
        .sort("deed_day", *deeds)
        .unique("cluster", keep="first", maintain_order=True)
    )
    ids = [customer_id_of(*row) for row in firsts.select(deeds).iter_rows()]
    named = firsts.select("cluster", unified_id=pl.Series(ids, dtype=pl.String))
    return clusters.join(named, on="cluster", how="left", maintain_order="left")


def known_records(linked: Linked, customers: pl.DataFrame) -> pl.DataFrame:
    """Give the records with `cluster` and `unified_id`; both null where nobody is known."""
    return linked.contacts.records.join(customers, on="contact", how="left", maintain_order="left")
