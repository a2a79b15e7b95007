"""What the tests of payload contracts share: a source's orders, and how to learn and check them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from stationmaster.step.payloads import Checker, Finding, Learner, PayloadContract

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["changed", "checked", "learned", "orders"]


def orders(count: int = 400) -> list[dict[str, Any]]:
    """Return orders as a shop sends them."""
    return [
        {
            "order_id": f"5{number:05}",
            "created_at": f"2026-11-{number % 28 + 1:02}T08:26:00Z",
            "status": ("open", "paid", "sent")[number % 3],
            "total": 12.5 + number % 9 * 10,
            "items": number % 4 + 1,
            "note": None if number % 5 else "leave it at the door",
            "customer": {"customer_id": f"C-{number % 90}", "email": f"jane{number}@example.com"},
            "lines": [{"sku": f"A{number % 40}", "price": "2.55"} for _ in range(number % 3 + 1)],
            **({"coupon": f"XMAS{number}"} if number % 2 else {}),
        }
        for number in range(count)
    ]


def learned(samples: Iterable[object], time_field: str = "") -> PayloadContract:
    """Return the contract that samples keep, read back from its text."""
    learner = Learner()
    for sample in samples:
        learner.add(sample)
    drafted = PayloadContract("shop", "orders", learner.field(), time_field=time_field)
    return PayloadContract.parse(drafted.text(), where="the draft")


def checked(contract: PayloadContract, payloads: Iterable[object]) -> list[Finding]:
    """Return what differs."""
    checker = Checker(contract)
    for line, payload in enumerate(payloads, start=1):
        checker.add(payload, line)
    return checker.findings()


def changed(change: Callable[[dict[str, Any]], object], count: int = 400) -> list[dict[str, Any]]:
    """Return orders after a change was made to each of them."""
    made = copy.deepcopy(orders(count))
    for order in made:
        change(order)
    return made
