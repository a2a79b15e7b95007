"""Each kind of change is found where it is, by name, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.step.payloads import Change, Severity
from tests.payloads.samples import changed, checked, learned, orders

if TYPE_CHECKING:
    from collections.abc import Callable

CONTRACT = learned(orders(), time_field="created_at")


def renamed(order: dict[str, Any]) -> None:
    """Give the customer's number another name."""
    order["customer"]["customerId"] = order["customer"].pop("customer_id")


def retimed(order: dict[str, Any]) -> None:
    """Write the time as people do."""
    day = order["created_at"][8:10]
    order["created_at"] = f"{day}/11/2026 08:26"


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], object], str, Change]] = {
    "a field is gone": (lambda one: one.pop("items"), "$.items", Change.REMOVED),
    "an optional field is gone": (
        lambda one: one.pop("coupon", None),
        "$.coupon",
        Change.REMOVED,
    ),
    "a field has another name": (renamed, "$.customer.customer_id", Change.RENAMED),
    "a number became text": (
        lambda one: one.update(items=str(one["items"])),
        "$.items",
        Change.TYPE,
    ),
    "an object became a list": (
        lambda one: one.update(customer=[one["customer"]]),
        "$.customer",
        Change.TYPE,
    ),
    "a field may be null": (
        lambda one: one.update(order_id=None),
        "$.order_id",
        Change.NULLABLE,
    ),
    "a new value": (lambda one: one.update(status="refunded"), "$.status", Change.ENUM_VALUE),
    "pence, not pounds": (
        lambda one: one.update(total=one["total"] * 100),
        "$.total",
        Change.UNIT_OR_SCALE,
    ),
    "another format of dates": (retimed, "$.created_at", Change.DATE_FORMAT),
    "a time without zone": (
        lambda one: one.update(created_at=one["created_at"].rstrip("Z")),
        "$.created_at",
        Change.DATE_FORMAT,
    ),
    "a comma in numbers": (
        lambda one: one["lines"][0].update(price="2,55"),
        "$.lines[].price",
        Change.FORMAT,
    ),
    "encoded twice": (
        lambda one: one.update(note="M\u00c3\u00bcller"),
        "$.note",
        Change.ENCODING,
    ),
    "a new field": (lambda one: one.update(gift=True), "$.gift", Change.ADDED),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_found_where_it_is(name: str) -> None:
    """One change in every payload is one finding, with its path, kind and share."""
    change, path, kind = CHANGES[name]

    (finding,) = checked(CONTRACT, changed(change))

    assert (finding.path, finding.change) == (path, kind)
    assert (finding.count, finding.of) == (400, 400)
    expected = Severity.ADDING if kind is Change.ADDED else Severity.BREAKING
    assert finding.severity is expected


def test_a_field_missing_at_times_is_not_one_that_is_gone() -> None:
    """What is missing in some payloads is counted, and told apart from what is gone."""
    payloads = orders()
    for order in payloads[100:140]:
        del order["items"]

    (finding,) = checked(CONTRACT, payloads)

    assert finding.change is Change.OPTIONAL
    assert (finding.count, finding.of, finding.first_line) == (40, 400, 101)


def test_a_finding_says_since_when_by_the_payloads_own_time() -> None:
    """The earliest time counts, whatever order the payloads came in."""
    late, early = orders()[20], orders()[3]
    late["status"] = early["status"] = "refunded"

    (finding,) = checked(CONTRACT, [late, early])

    assert finding.first_time == "2026-11-04T08:26:00Z"
    assert finding.since == "2026-11-04T08:26:00Z (line 1)"


def test_a_rename_says_how_much_the_new_field_is_like_the_old_one() -> None:
    """The share of the new field's values that keep the old one's promise is counted."""
    payloads = changed(renamed)
    for order in payloads[:8]:
        order["customer"]["customerId"] = 17

    (finding,) = checked(CONTRACT, payloads)

    assert finding.new_name == "$.customer.customerId"
    assert finding.alike == pytest.approx(0.98)
    assert "looks the same in 98% of them" in finding.sentence


def test_two_fields_gone_and_one_new_is_no_rename_of_both() -> None:
    """A new field takes the place of one field only, the one whose name is nearer."""

    def change(order: dict[str, Any]) -> None:
        order["items_count"] = order.pop("items")
        del order["order_id"]

    found = {one.path: one.change for one in checked(CONTRACT, changed(change))}

    assert found == {"$.items": Change.RENAMED, "$.order_id": Change.REMOVED}


def test_an_unlike_new_field_is_no_rename() -> None:
    """A field that is gone and one of another kind with another name are two findings."""

    def change(order: dict[str, Any]) -> None:
        del order["items"]
        order["loyalty"] = {"points": 3}

    found = {one.path: one.change for one in checked(CONTRACT, changed(change))}

    assert found == {"$.items": Change.REMOVED, "$.loyalty": Change.ADDED}


def test_seconds_that_became_milliseconds_are_a_change_of_unit() -> None:
    """A thousand times as great is said so."""
    samples = [{"took": 3 + number % 5, "at": 1_700_000_000 + number} for number in range(100)]
    contract = learned(samples)
    payloads = [{"took": one["took"] * 1000, "at": one["at"] * 1000} for one in samples]

    findings = checked(contract, payloads)

    assert {one.path for one in findings} == {"$.took", "$.at"}
    assert all("1,000 times as great" in one.got for one in findings)


def test_more_digits_behind_the_point_are_a_change_of_scale() -> None:
    """Prices of two digits that come with five no longer fit a decimal of two."""
    contract = learned([{"price": number / 100} for number in range(1, 400)])

    findings = checked(contract, [{"price": number / 3} for number in range(1, 4)] * 10)

    assert [one.change for one in findings] == [Change.UNIT_OR_SCALE]
    assert findings[0].expected == "2 digits behind the point"
