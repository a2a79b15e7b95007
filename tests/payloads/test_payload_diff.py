"""What differs between two contracts, and what only looks as if it did."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.step.payloads import Change, Field, Severity, differences
from stationmaster.step.payloads.fields import Typical
from tests.payloads.samples import changed, learned, orders

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = Field(kinds=frozenset({"string"}))
NUMBER = Field(kinds=frozenset({"number"}), maximum=10.0, scale=2, typical=Typical(1.0, 2.0, 3.0))


def renamed(order: dict[str, Any]) -> None:
    """Give the number of the order another name."""
    order["orderId"] = order.pop("order_id")


@pytest.mark.parametrize(
    ("change", "path", "kind"),
    [
        (renamed, "$.order_id", Change.RENAMED),
        (lambda one: one.pop("items"), "$.items", Change.REMOVED),
        (lambda one: one.update(gift=1), "$.gift", Change.ADDED),
        (lambda one: one["lines"][0].update(price=2), "$.lines[].price", Change.TYPE),
        (lambda one: one.update(created_at="1/11/2026"), "$.created_at", Change.DATE_FORMAT),
        (lambda one: one.update(total=one["total"] * 100), "$.total", Change.UNIT_OR_SCALE),
    ],
)
def test_a_change_of_all_samples_is_a_change_of_the_contract(
    change: Callable[[dict[str, Any]], object], path: str, kind: Change
) -> None:
    """Two drafts differ as the payloads would that they were made of."""
    found = differences(learned(orders()).root, learned(changed(change)).root)

    assert [(one.path, one.change) for one in found] == [(path, kind)]


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        (TEXT, replace(TEXT, formats=("date",)), []),
        (replace(TEXT, formats=("date",)), TEXT, [Change.DATE_FORMAT]),
        (replace(TEXT, formats=("date-time",)), replace(TEXT, formats=("date-time-utc",)), []),
        (replace(TEXT, values=("a", "b")), replace(TEXT, values=("a",)), [Change.NARROWED]),
        (replace(TEXT, values=("a",)), replace(TEXT, values=("a", "b")), [Change.ENUM_VALUE]),
        (replace(TEXT, values=("a",)), TEXT, [Change.ENUM_VALUE]),
        (replace(TEXT, max_length=9), TEXT, [Change.FORMAT]),
        (TEXT, replace(TEXT, max_length=9), []),
        (TEXT, replace(TEXT, encodings=("mojibake",)), [Change.ENCODING]),
        (NUMBER, replace(NUMBER, kinds=frozenset({"integer"})), [Change.NARROWED]),
        (NUMBER, replace(NUMBER, maximum=100.0), [Change.UNIT_OR_SCALE]),
        (NUMBER, replace(NUMBER, scale=5), [Change.UNIT_OR_SCALE]),
        (NUMBER, replace(NUMBER, typical=Typical(99.0, 200.0, 300.0)), [Change.UNIT_OR_SCALE]),
        (NUMBER, replace(NUMBER, typical=Typical(1.0, 3.0, 9.0)), []),
        (replace(TEXT, nullable=True), TEXT, []),
    ],
)
def test_a_promise_that_became_wider_breaks_and_a_narrower_one_does_not(
    old: Field, new: Field, changes: list[Change]
) -> None:
    """Readers of the old contract fail on what it did not allow, not on less than it did."""
    found = differences(old, new)

    assert [one.change for one in found] == changes
    breaking = [one for one in found if one.severity is Severity.BREAKING]
    assert bool(breaking) == bool(set(changes) - {Change.NARROWED})
