"""What people type comes into one form, and what names nobody becomes null."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from merge_customers import normalise


def one(expression: pl.Expr, value: str | None) -> object:
    """Run an expression on one value."""
    frame = pl.DataFrame({"typed": [value]}, schema={"typed": pl.String})
    return frame.select(out=expression)["out"][0]


def name_of(value: str | None) -> tuple[object, object]:
    """Give given name and surname of a typed name."""
    words = normalise.name_words("typed")
    return one(normalise.given_name(words), value), one(normalise.surname(words), value)


@pytest.mark.parametrize(
    ("typed", "mailbox"),
    [
        (" Jane.ONeill@Example.com ", "jane.oneill@example.com"),
        ("jane.o+shop@googlemail.com", "janeo@gmail.com"),
        ("jane+shop@example.com", "jane@example.com"),
        ("mailto:<jane@example.com>", "jane@example.com"),
        ("jane @example.com", "jane@example.com"),
    ],
)
def test_one_mailbox_has_one_form(typed: str, mailbox: str) -> None:
    """Case, blanks, plus tags and Gmail's dots make no second mailbox."""
    assert one(normalise.mail("typed"), typed) == mailbox


@pytest.mark.parametrize("typed", ["none", "", "a@b", "@", "none@example.com", "x@y@z.com", None])
def test_what_is_no_mailbox_links_nobody(typed: str | None) -> None:
    """A junk mail address becomes null."""
    assert one(normalise.mail("typed"), typed) is None


@pytest.mark.parametrize("typed", ["07700 900123", "+44 (0)7700-900123", "0044 7700900123"])
def test_one_number_has_one_form(typed: str) -> None:
    """A British number is the same with +44, 0044, (0) and 0."""
    assert one(normalise.phone("typed"), typed) == "7700900123"


@pytest.mark.parametrize("typed", ["00000", "none", "", "1111111111", "0123456789", "12", None])
def test_what_is_no_number_links_nobody(typed: str | None) -> None:
    """A junk phone number becomes null."""
    assert one(normalise.phone("typed"), typed) is None


@pytest.mark.parametrize(
    ("typed", "given_and_surname"),
    [
        ("Jane O'Neill", ("jane", "oneill")),
        ("  MRS.  jane  O\u2019NEILL ", ("jane", "oneill")),
        ("O'Neill, Jane", ("jane", "oneill")),
        ("Dr José M. Müller", ("jose", "muller")),
        ("Smith J", ("j", "smith")),
        ("Jane Smith PhD", ("jane", "smith")),
        ("Smith", (None, "smith")),
        ("n/a", (None, None)),
        (None, (None, None)),
    ],
)
def test_a_name_is_given_name_and_surname(
    typed: str | None, given_and_surname: tuple[str | None, str | None]
) -> None:
    """Titles, order, accents, apostrophes and case make no second name."""
    assert name_of(typed) == given_and_surname


def test_a_nickname_may_be_several_people() -> None:
    """Chris shares a full name with Christopher and with Christine; they share none."""
    frame = pl.DataFrame({"given": ["chris", "christopher", "christine"]})
    forms = frame.select(normalise.given_forms(pl.col("given")))["given"].to_list()
    chris, christopher, christine = (set(form) for form in forms)
    assert chris & christopher
    assert chris & christine
    assert not christopher & christine


def test_an_address_and_a_postcode_have_one_form() -> None:
    """Commas, abbreviations and blanks make no second home."""
    assert one(normalise.street_line("typed"), "12, High St.,Leeds") == "12 high street leeds"
    assert one(normalise.postcode("typed"), "ls1 4ab") == "LS14AB"
    assert one(normalise.postcode("typed"), "none") is None


@given(st.text(max_size=30))
def test_a_normal_form_is_its_own_normal_form(typed: str) -> None:
    """Whatever is typed, normalising twice is normalising once, and nothing fails."""
    assert one(normalise.phone("typed"), typed) != ""
    for normal in (normalise.mail, normalise.postcode, normalise.street_line):
        once = one(normal("typed"), typed)
        assert once is None or one(normal("typed"), str(once)) == once


@given(st.emails(), st.sampled_from([str.upper, str.title, str.lower]))
def test_case_never_makes_a_second_mailbox(mail: str, change: object) -> None:
    """A mail address in another case is the same one."""
    assert callable(change)
    typed = change(mail)
    if typed.lower() == mail.lower():
        assert one(normalise.mail("typed"), typed) == one(normalise.mail("typed"), mail)
