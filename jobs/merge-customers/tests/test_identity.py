"""Who is one person and who is not: small cases, each of one kind."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl

from merge_customers.changes import changes_between
from merge_customers.counts import counts_of
from merge_customers.job import merge
from merge_customers.records import CONTACT, RECORD, Extracts
from merge_customers.sample import sample_days
from merge_customers.unify import customers_on, known_records, link

DAY = dt.date(2011, 11, 21)
JANE: dict[str, Any] = {
    "full_name": "Jane O'Neill",
    "email": "jane@example.com",
    "phone": "07700 900123",
    "address": "12 High St, Leeds",
    "postcode": "LS1 4AB",
}


def record(kind: str, number: str, day: int = 0, **known: str | None) -> dict[str, Any]:
    """Make a record; its day counts from DAY."""
    source = {"order": "web", "visit": "web", "parcel": "delivery", "ticket": "support"}[kind]
    when = DAY + dt.timedelta(days=day)
    order = {"order_id": number} if kind == "order" else {}
    base = {"source": source, "kind": kind, "record": number, "day": when, "last_day": when}
    return {**dict.fromkeys(RECORD), **base, **order, **known}


def linked_ids(*records: dict[str, Any], on: int = 0) -> list[str | None]:
    """Give each record's customer on a day, in the order of the records."""
    frame = pl.DataFrame(list(records), schema=RECORD, orient="row")
    linked = link(frame)
    found = known_records(linked, customers_on(linked, DAY + dt.timedelta(days=on)))
    return found["unified_id"].to_list()


def test_another_spelling_at_the_same_mail_is_one_person() -> None:
    """A nickname or a typo with the same mail is the same customer."""
    typo: dict[str, Any] = {
        **JANE,
        "full_name": "JANE ONEIL",
        "phone": None,
        "address": "12, high street leeds",
    }
    one, two = linked_ids(record("order", "1", **JANE), record("order", "2", **typo))
    assert one == two


def test_a_moved_house_is_one_person() -> None:
    """Another address with the same phone and name is the same customer."""
    moved: dict[str, Any] = {
        **JANE,
        "address": "3 Mill Road, York",
        "postcode": "YO1 7AA",
        "email": None,
    }
    one, two = linked_ids(record("order", "1", **JANE), record("parcel", "2", **moved))
    assert one == two


def test_a_changed_mail_is_one_person() -> None:
    """Another mail with the same phone, home and name is the same customer."""
    changed: dict[str, Any] = {**JANE, "email": "j.oneill@work.example"}
    one, two = linked_ids(record("order", "1", **JANE), record("order", "2", **changed))
    assert one == two


def test_a_family_phone_and_home_are_two_people() -> None:
    """Jane and Robert share surname, phone and address, and are two customers."""
    robert: dict[str, Any] = {**JANE, "full_name": "Robert O'Neill", "email": "robert@example.com"}
    one, two = linked_ids(record("order", "1", **JANE), record("order", "2", **robert))
    assert one != two


def test_a_family_tablet_is_two_people() -> None:
    """Two names that order from one device without login are two customers."""
    robert: dict[str, Any] = {
        "full_name": "Robert Hall",
        "email": "robert@example.com",
        "postcode": "YO1 7AA",
    }
    one, two = linked_ids(
        record("order", "1", device="d-1", **JANE), record("order", "2", device="d-1", **robert)
    )
    assert one != two


def test_an_order_number_ties_parcel_and_ticket_to_the_buyer() -> None:
    """A parcel and a ticket that name the order are the buyer's, whatever else is missing."""
    parcel = record("parcel", "P1", full_name="J O'Neill", order_id="1")
    ticket = record("ticket", "T1", full_name="Jane Oneill", order_id="1")
    assert len(set(linked_ids(record("order", "1", **JANE), parcel, ticket))) == 1


def test_a_name_alone_joins_the_only_one_who_bears_it() -> None:
    """A ticket with nothing but a name is the one customer's of that name; of two, nobody's."""
    ticket = record("ticket", "T1", day=1, full_name="Jane O'Neill")
    other: dict[str, Any] = {
        "full_name": "Jane O'Neill",
        "email": "jo@example.com",
        "phone": "07911 111222",
    }
    home: dict[str, Any] = {"address": "9 Mill Road", "postcode": "YO1 7AA"}
    namesake = record("order", "2", day=2, **other, **home)
    alone = linked_ids(record("order", "1", **JANE), ticket, on=1)
    assert alone[0] == alone[1]
    both = linked_ids(record("order", "1", **JANE), ticket, namesake, on=2)
    assert len(set(both)) == 3


def test_a_split_is_logged() -> None:
    """The day a namesake turns up, what a name alone had joined is two again, and says why."""
    other = {**JANE, "email": "jo@example.com", "phone": "07911 111222", "postcode": "YO1 7AA"}
    frame = pl.DataFrame(
        [
            record("ticket", "T1", full_name="Jane O'Neill"),
            record("order", "1", **JANE),
            record("order", "2", day=1, **{**other, "address": "9 Mill Road"}),
        ],
        schema=RECORD,
    )
    linked, after = link(frame), DAY + dt.timedelta(days=1)
    then, now = customers_on(linked, DAY), customers_on(linked, after)
    changes = changes_between(linked, then, now, after)
    assert sorted(changes["change"]) == ["new", "split"]
    assert "another bearer of the name" in changes.filter(pl.col("change") == "split")["reason"][0]


def test_an_account_that_only_logged_in_is_no_customer_yet() -> None:
    """A login alone counts nobody; once it orders, the login is the customer's."""
    visit = record("visit", "W-1 on v-1", account="W-1", device="v-1")
    order = record("order", "1", day=1, account="W-1", **JANE)
    assert linked_ids(visit, order, on=0)[0] is None
    first, second = linked_ids(visit, order, on=1)
    assert first == second


def test_junk_links_nobody() -> None:
    """Mail "none" and phone 00000 make two people no one person."""
    junk: dict[str, Any] = {"email": "none", "phone": "00000", "address": None, "postcode": None}
    one, two = linked_ids(
        record("order", "1", **{**JANE, **junk}),
        record("order", "2", **{**JANE, **junk, "full_name": "Robert Hall"}),
    )
    assert one is not None
    assert one != two


def test_an_order_of_nobody_is_a_customer_and_a_ticket_of_nobody_is_not() -> None:
    """Somebody paid for an order that says nothing; a ticket that says nothing counts nobody."""
    order, ticket = linked_ids(record("order", "1"), record("ticket", "T1", email="none"))
    assert order is not None
    assert ticket is None


def test_a_mail_shared_by_two_people_is_explained() -> None:
    """The web team counts one guest mail; the reasons say that two people stand behind it."""
    robert: dict[str, Any] = {
        **JANE,
        "full_name": "Robert Hall",
        "phone": "07911 111222",
        "address": "1 Mill Road",
    }
    frame = pl.DataFrame(
        [record("order", "1", **JANE), record("order", "2", **{**robert, "postcode": "YO1 7AA"})],
        schema=RECORD,
    )
    linked = link(frame)
    counts = counts_of(known_records(linked, customers_on(linked, DAY)), DAY)
    web = dict(counts.filter(pl.col("source") == "web").select("measure", "value").iter_rows())
    assert web["own_count"] == 1
    assert web["shared_contacts"] == 1


def test_a_person_in_two_names_is_merged_and_logged_when_it_shows() -> None:
    """Two customers become one the day an account ties them, and the log says by what."""
    empty = {name: frame.clear() for name, frame in sample_days(1).items()}
    web = {
        "order_id": ["1", "2", "3"],
        "business_date": [DAY, DAY, DAY + dt.timedelta(days=1)],
        "full_name": ["Jane Hall", "Jane O'Neill", "Jane O'Neill"],
        "email": ["jane@hall.example", "jane@example.com", "jane@hall.example"],
        "customer_id": [None, "W-1", "W-1"],
    }
    orders = pl.concat([empty["web_orders"], pl.DataFrame(web)], how="diagonal")
    extracts = Extracts(
        **{name: frame.lazy() for name, frame in empty.items()} | {"web_orders": orders.lazy()}
    )
    changes = merge(extracts, DAY + dt.timedelta(days=1))["identity_changes"]
    assert changes["change"].to_list() == ["merged"]
    assert "same account" in changes["reason"][0]


def test_contacts_are_what_a_source_may_know() -> None:
    """The columns that make a contact are all columns of a record."""
    assert set(CONTACT) <= set(RECORD)
