"""Replay one history under all policies and say what each reserved, wasted and ran out of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stationmaster.ledger.sizing.measuring import doubled, enlarged, enlarged_by_vpa, measure
from stationmaster.ledger.sizing.replaying import replay_sizes
from stationmaster.ledger.sizing.rivals import largest_so_far_sizes, vpa_sizes
from stationmaster.ledger.sizing.traces import as_history

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl

    from stationmaster.ledger.sizing.measuring import Enlarge, Measured

__all__ = ["POLICIES", "compare"]

Sizes = "Callable[[pl.DataFrame], pl.Series]"

POLICIES: Final[dict[str, tuple[Callable[[pl.DataFrame], pl.Series], Enlarge]]] = {
    "user_preset": (lambda frame: frame["declared"], doubled),
    "vpa_defaults": (vpa_sizes, enlarged_by_vpa),
    "max_times_1_10": (lambda frame: largest_so_far_sizes(frame, 1.10), doubled),
    "ours": (lambda frame: frame["size"], enlarged),
}
"""Each policy: the first size of each run, and the next one after running out of memory."""


def compare(trace: pl.DataFrame, policies: Sequence[str] = tuple(POLICIES)) -> dict[str, Measured]:
    """Return the measure of each policy over a history in order of submission.

    Every policy sees, at each run, the runs submitted before it and nothing else; the first three
    runs of a step take the preset.
    """
    frame = replay_sizes(as_history(trace)).frame
    return {
        name: measure(
            frame.with_columns(POLICIES[name][0](frame).alias("tried")), "tried", POLICIES[name][1]
        )
        for name in policies
    }
