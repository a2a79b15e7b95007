"""A draft promises what samples show plainly, and nothing that a few of them only suggest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.step.payloads import Change, Field
from stationmaster.step.payloads.learning import confidence
from tests.payloads.samples import checked, learned, orders

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = learned(orders()).root


def field(name: str, values: Sequence[object]) -> Field:
    """Return what is learned of one field that has these values."""
    return learned([{name: value} for value in values]).root.properties[name]


def test_nested_fields_are_learned_as_they_are_nested() -> None:
    """Objects, lists of objects and what may be null or left out are told apart."""
    line = ROOT.properties["lines"].items

    assert line is not None
    assert sorted(line.properties) == ["price", "sku"]
    assert ROOT.properties["note"].nullable
    assert not ROOT.properties["note"].values
    assert not ROOT.properties["coupon"].required
    assert ROOT.properties["coupon"].presence == pytest.approx(0.45, abs=0.001)


def test_an_enumeration_needs_strong_evidence() -> None:
    """Few values that each came often are one; rare values, names and numbers are not."""
    assert ROOT.properties["status"].values == ("open", "paid", "sent")
    assert field("status", ["a", "b"] * 20).values == ()
    assert field("status", ["a", "b"] * 40 + ["c"] * 2).values == ()
    assert field("first_name", ["Ann", "Bob"] * 40).values == ()
    assert field("status", ["a b c", "!"] * 40).values == ()
    assert field("country", ["GB"] * 990 + ["FR"] * 7).values == ()


@pytest.mark.parametrize(
    ("values", "formats"),
    [
        (["2026-01-02"] * 3, ("date",)),
        (["2026-01-02T03:04:05Z", "2026-01-02T03:04:05+01:00"] * 2, None),
        (["02/01/2026", "31/01/2026", "03/04/2026"], ("date-slashed-day-first",)),
        (["01/02/2026", "01/31/2026", "03/04/2026"], ("date-slashed-month-first",)),
        (["2026-01-02", "", "2026-01-03", "2026-01-04"], ("blank", "date")),
        (["2026-01-02", "soon", "2026-01-03"], ()),
        (["2.50"] * 29, ()),
        (["2.50"] * 30, ("decimal",)),
        (["2.50", "3", "-1.5"] * 12, ("number-text",)),
        (["536365"] * 99, ()),
        (["9b2d4e1c-77aa-4d9e-8f00-0123456789ab"] * 3, ("uuid",)),
    ],
)
def test_a_format_is_promised_when_all_values_have_it(
    values: list[object], formats: tuple[str, ...] | None
) -> None:
    """Dates need three values, figures as text thirty; digits alone may be anything."""
    expected = formats or ()
    if formats is None:
        expected = ("date-time-offset", "date-time-utc")

    assert field("at", values).formats == expected


def test_keys_that_are_data_make_a_map() -> None:
    """An object by day, by id or with many rare keys is one place, however many keys come."""
    days = learned([{"by": {f"2026-01-{n % 28 + 1:02}": n, "2026-02-01": 1, "2026-02-02": 2}}
                    for n in range(28)])  # fmt: skip
    rare = learned([{"by": {f"key {n} {k}": {"size": n} for k in range(3)}} for n in range(60)])

    assert days.root.properties["by"].additional is not None
    assert checked(days, [{"by": {"2027-05-06": 7}}]) == []
    (finding,) = checked(rare, [{"by": {"other": {"size": "big"}}}])
    assert finding.path == "$.by.*.size"


def events(count: int = 60) -> list[dict[str, Any]]:
    """Return events of three kinds, each with fields of its own."""
    bodies: list[dict[str, Any]] = [
        {"type": "push", "commits": [{"sha": "a"}], "ref": "main"},
        {"type": "star", "stars": 3},
        {"type": "fork", "fork": {"id": 7}},
    ]
    return [{"id": n, "event": bodies[n % 3]} for n in range(count)]


def test_kinds_of_object_are_told_apart_by_their_tag() -> None:
    """What one kind always has is promised of that kind, not optional in all of them."""
    contract = learned(events())

    event = contract.root.properties["event"]
    assert (event.tag, sorted(event.variants)) == ("type", ["fork", "push", "star"])
    assert event.variants["push"].properties["commits"].required

    lost = [{"id": 1, "event": {"type": "push", "commits": []}} for _ in range(3)]
    (finding,) = checked(contract, [*events(), *lost])
    assert (finding.path, finding.when, finding.change) == (
        "$.event.ref",
        "type=push",
        Change.OPTIONAL,
    )
    assert (finding.count, finding.of) == (3, 23)


def test_a_kind_of_object_that_nobody_knew_is_a_finding() -> None:
    """A new kind of event breaks whoever dispatches by it, once, not field by field."""
    new = {"id": 1, "event": {"type": "gollum", "pages": []}}

    (finding,) = checked(learned(events()), [*events(), new])

    assert (finding.path, finding.change) == ("$.event", Change.VARIANT)
    assert finding.got == '`type` "gollum"'


def nested(depth: int, leaf: object) -> object:
    """Return a leaf within so many objects and lists."""
    for _ in range(depth):
        leaf = {"a": [leaf]}
    return leaf


def test_deep_payloads_are_followed_and_very_deep_ones_survived() -> None:
    """A change far down has its path; below sixty levels nothing is promised any more."""
    contract = learned([nested(20, 1)])

    (finding,) = checked(contract, [nested(20, "x")])

    assert finding.path == "$" + ".a[]" * 20
    assert checked(learned([nested(300, 1)]), [nested(300, "x")]) == []


def test_integers_of_more_than_64_bits_are_noticed() -> None:
    """They fit no column; where they always came they are no news."""
    (finding,) = checked(learned([{"id": 7}]), [{"id": 2**64}])

    assert (finding.change, finding.got) == (Change.TYPE, "an integer of more than 64 bits")
    assert checked(learned([{"id": 2**64}]), [{"id": 2**64}, {"id": 1}]) == []


def test_confidence_grows_with_the_number_of_values() -> None:
    """A draft says on how many samples it rests, and each rarer field on how many."""
    assert [confidence(n) for n in (29, 30, 300)] == ["low", "medium", "high"]
    assert ROOT.seen == 400
    assert ROOT.properties["coupon"].seen == 200
