"""Bytes as people read them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stationmaster.ledger.quantities import size_text

FACTORS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (0, "0 B"),
        (900 * 2**10, "900 KiB"),
        (1.5 * 2**20, "1.5 MiB"),
        (300.4 * 2**20, "300 MiB"),
        (1005 * 2**20, "1005 MiB"),
        (2**30, "1 GiB"),
        (12.34 * 2**30, "12.3 GiB"),
        (2 * 2**40, "2 TiB"),
        (5000 * 2**40, "5000 TiB"),
    ],
)
def test_sizes_are_written_as_people_read_them(number: float, told: str) -> None:
    """The unit that reads best, three digits, four where the unit holds more."""
    assert size_text(number) == told


@given(st.integers(0, 2**60))
def test_what_is_told_is_what_was_meant(number: int) -> None:
    """Read back, a size is off by half of its last digit at most, and it has no exponent."""
    found = re.fullmatch(r"([0-9.]+) (B|KiB|MiB|GiB|TiB)", size_text(number))

    assert found
    assert abs(float(found[1]) * FACTORS[found[2]] - number) <= 0.005 * number
