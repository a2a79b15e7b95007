"""What is given to a run: by mode, by bounded steps, with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.ledger.sizing.applying import Mode, decide
from stationmaster.ledger.sizing.observations import MIB
from stationmaster.ledger.sizing.recommending import Limits, recommend
from tests.sizing.runs import GIB, runs_of, steady

if TYPE_CHECKING:
    from stationmaster.ledger.sizing.recommending import Recommendation

SIZES = st.integers(64, 200_000).map(lambda mebibytes: mebibytes * MIB)
PAST = st.none() | SIZES


def advised(peak: float = 1000.0, declared: int = 4 * GIB) -> Recommendation:
    """Return the recommendation for a steady step."""
    return recommend(steady(30, peak), declared)


@pytest.mark.parametrize("mode", [Mode.OBSERVE, Mode.RECOMMEND])
def test_only_applying_changes_a_size(mode: Mode) -> None:
    """Observing and recommending leave what is declared."""
    applied = decide(advised(), before=None, day_before=None, mode=mode, limits=Limits())

    assert applied.memory_bytes == 4 * GIB
    assert not applied.changed


def test_recommending_says_what_would_do() -> None:
    """The log of a step that is sized by hand still tells what it needs, and why."""
    why = decide(advised(), before=None, day_before=None, mode=Mode.RECOMMEND, limits=Limits()).why

    assert why.startswith("4 GiB as declared; ")
    assert "would do (largest recent peak" in why


def test_a_size_shrinks_by_a_fifth_a_day_at_most() -> None:
    """From 4 GiB the way to 1 GiB takes days, and the sentence says where it leads."""
    size, days = 4 * GIB, [4 * GIB]
    for _ in range(12):
        applied = decide(advised(), before=size, day_before=size, mode=Mode.APPLY, limits=Limits())
        size = applied.memory_bytes
        days.append(size)

    assert days[1] == pytest.approx(0.8 * 4 * GIB, abs=MIB)
    assert days[-1] == advised().memory_bytes
    assert days == sorted(days, reverse=True)


def test_within_a_day_the_bound_is_that_of_the_day() -> None:
    """Ten runs a day shrink a size no faster than one."""
    first = decide(advised(), before=None, day_before=None, mode=Mode.APPLY, limits=Limits())
    again = decide(
        advised(), before=first.memory_bytes, day_before=None, mode=Mode.APPLY, limits=Limits()
    )

    assert again.memory_bytes == first.memory_bytes
    assert not again.changed


def test_a_size_grows_at_once() -> None:
    """A step that needs more gets it with its next run, up to twice as much."""
    grown = advised(7000.0)
    applied = decide(grown, before=5 * GIB, day_before=5 * GIB, mode=Mode.APPLY, limits=Limits())

    assert applied.memory_bytes == grown.memory_bytes
    assert applied.changed


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(Mode), SIZES, SIZES, st.tuples(PAST, PAST), st.just(0) | SIZES)
def test_bounds_hold_whatever_is_asked(
    mode: Mode, declared: int, peak: int, past: tuple[int | None, int | None], too_small: int
) -> None:
    """Never more than the node has, never what was too small, never beyond the day's bounds."""
    before, day = past
    advice, node = advised(peak / MIB, declared), 64 * GIB
    limits = Limits(node_bytes=node)
    applied = decide(
        advice, before=before, day_before=day, mode=mode, limits=limits, too_small=too_small
    )

    assert applied.memory_bytes <= node
    assert applied.memory_bytes > min(too_small, node - 1)
    assert applied.why
    if mode is Mode.APPLY and not too_small and applied.changed:
        anchor = declared if day is None else day
        assert min(0.8 * anchor, node) <= applied.memory_bytes <= 2.0 * anchor + MIB


@pytest.mark.parametrize("mode", Mode)
def test_what_was_too_small_is_never_given_again(mode: Mode) -> None:
    """Also where sizes are not applied: the retry gave more, and the next run starts there."""
    applied = decide(
        advised(500.0, 512 * MIB),
        before=None,
        day_before=None,
        mode=mode,
        limits=Limits(),
        too_small=GIB,
    )

    assert applied.memory_bytes > GIB
    assert "1 GiB proved too small at its last out of memory" in applied.why


def test_too_few_runs_keep_the_declared_size_in_every_mode() -> None:
    """Three runs are no history."""
    few = recommend(runs_of([100, 100, 100]), 4 * GIB)

    for mode in Mode:
        applied = decide(few, before=None, day_before=None, mode=mode, limits=Limits())
        assert applied.memory_bytes == 4 * GIB
