"""Examples show what a value looks like, and nobody's name, address or token."""

from __future__ import annotations

import json

import pytest

from stationmaster.step.payloads.findings import rendered
from stationmaster.step.payloads.masking import is_personal, masked, masked_key
from tests.payloads.samples import changed, checked, learned, orders


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("email", "jane.doe@example.com", '"xxxx.xxx@xxxxxxx.xxx"'),
        ("contact", "Jane O'Neill", '"Xxxx X\'Xxxxx"'),
        ("anything", "Jane O'Neill", '"Xxxx X\'Xxxxx"'),
        ("phone", "+44 7700 900123", '"+99 9999 999999"'),
        ("number", "+44 7700 900123", '"+99 9999 999999"'),
        ("mobile", 447700900123, "999999999999"),
        ("card", 4111111111111111, "9999999999999999"),
        ("apiToken", "ghp_16C7e42F292c6912E7", '"xxx_99X9x99X999x9999X9"'),
        ("id", "9b2d-77", '"9x9x-99"'),
        ("price", "2.55", '"2.55"'),
        ("at", "2026-11-21", '"2026-11-21"'),
        ("born", "José", '"Xxxx"'),
        ("birthDate", "1990-02-01", '"9999-99-99"'),
        ("total", 12.5, "12.5"),
        ("paid", True, "true"),
        ("tags", ["vip", "Jane"], '["xxx", "Xxxx"]'),
        (
            "who",
            {"name": "Jane", "age": 7, "pets": [{"a": 1}]},
            '{age: 7, name: "Xxxx", pets: […]}',
        ),
    ],
)
def test_a_value_is_shown_by_its_shape(name: str, value: object, shown: str) -> None:
    """Figures and dates are shown, unless their field is a person's; of texts only the shape."""
    assert masked(value, name) == shown


def test_a_word_is_shown_only_where_an_enumeration_stands() -> None:
    """A new status has to be readable; the same word in a text may be a name."""
    assert masked("refunded", "status", shown=True) == '"refunded"'
    assert masked("refunded", "status") == '"xxxxxxxx"'
    assert masked("refunded", "nickname", shown=True) == '"xxxxxxxx"'


def test_a_long_text_is_cut_and_says_how_long_it_was() -> None:
    """Nobody's letter is printed, not even as x."""
    assert masked("a" * 5000, "body") == f'"{"x" * 60}… (5,000 characters)"'


@pytest.mark.parametrize("key", ["jane@example.com", "447700900123", "k" * 90])
def test_a_key_that_is_data_is_masked(key: str) -> None:
    """An object keyed by people's addresses does not print them in a path."""
    assert key not in masked_key(key)


def test_names_of_fields_tell_what_is_personal() -> None:
    """Camel case, snake case and kebab case are read alike."""
    assert all(map(is_personal, ["fullName", "full_name", "e-mail", "userEmail", "accessToken"]))
    assert not any(map(is_personal, ["status", "total", "shipment_id", "monkey", "opened_at"]))


def test_no_personal_value_is_in_a_finding() -> None:
    """Whatever differs about a person, what is printed of it has no letter of them."""

    def change(order: dict[str, object]) -> None:
        order["customer"] = f"Jane Miller <jane{order['order_id']}@example.com> +44 7700 900123"
        order["owner"] = {"name": "Jane Miller", "phone": "07700900123"}
        order["jane@example.com"] = "Miller"

    findings = checked(learned(orders()), changed(change))
    told = rendered(findings) + json.dumps([one.as_json() for one in findings])

    assert len(findings) == 3
    assert not [word for word in ("Jane", "jane", "Miller", "7700", "@example") if word in told]
