"""What holds for payloads of any shape."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.step.payloads import differences
from stationmaster.step.payloads.reading import parse
from tests.payloads.samples import checked, learned

if TYPE_CHECKING:
    import random

KEYS = st.sampled_from(["id", "type", "name", "at", "a", "b", "c", "d e", "ключ"])
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["2026-11-21", "21/11/2026", "11/21/2026", "a@b.de", "push", "2.50", "é"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=6,
)
SAMPLES = st.lists(st.dictionaries(KEYS, VALUES, max_size=6) | VALUES, min_size=1, max_size=5)


@given(SAMPLES, st.integers(1, 8))
@settings(max_examples=40, deadline=None)
def test_samples_keep_what_was_learned_of_them(samples: list[object], times: int) -> None:
    """Learned, then checked with the same samples, nothing differs; also after a trip by file."""
    again = [parse(json.dumps(one).encode()) for one in samples] * times

    assert checked(learned(again), again) == []


@given(SAMPLES, SAMPLES, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_findings_do_not_depend_on_the_order(
    samples: list[object], payloads: list[object], order: random.Random
) -> None:
    """Shuffled payloads give the same findings, but for the number of the first line."""
    contract = learned(samples)
    shuffled = list(payloads)
    order.shuffle(shuffled)

    found = [replace(one, first_line=0) for one in checked(contract, payloads)]

    assert [replace(one, first_line=0) for one in checked(contract, shuffled)] == found


@given(SAMPLES)
@settings(max_examples=40, deadline=None)
def test_a_contract_does_not_differ_from_itself(samples: list[object]) -> None:
    """Two equal contracts have no differences, read from two files."""
    assert differences(learned(samples).root, learned(samples).root) == []


@given(SAMPLES, SAMPLES)
@settings(max_examples=40, deadline=None)
def test_any_two_contracts_can_be_compared(old: list[object], new: list[object]) -> None:
    """Comparing never fails, and what is found has a path, an expectation and what came."""
    for finding in differences(learned(old).root, learned(new).root):
        assert finding.path.startswith("$")
        assert finding.expected
        assert finding.got
        assert finding.sentence
