"""A budget of alarms across series: with many series, some are off by chance every day.

Y. Benjamini, Y. Hochberg, Controlling the False Discovery Rate, Journal of the Royal Statistical
Society B 57, 1995: of what is told, at most the given part is chance, on the average.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.series.judgements import Judgement, Kind, Standing

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FALSE_DISCOVERY_RATE", "Spent", "spend"]

FALSE_DISCOVERY_RATE: Final = 0.1

CERTAIN: Final = (Kind.MISSING, Kind.SILENT)
"""Kinds that are no draw from a distribution: nothing came."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Say which flags of one moment are told, and which the budget holds back.

    Args:
        told: Names of series, the least likely first.
        held_back: Names of series, each with why.
        tested: How many series were judged.
    """

    told: tuple[str, ...]
    held_back: Mapping[str, str]
    tested: int


def spend(
    judged: Mapping[str, Judgement], *, false_discovery_rate: float = FALSE_DISCOVERY_RATE
) -> Spent:
    """Return which flags of many series at one moment are worth telling.

    A value that is missing, or nothing where there always was something, is always told: it is no
    chance. Of the others as many are told, the least likely first, as keep the expected part of
    false ones within the rate.

    Args:
        judged: How each series stands, by its name: also those that are normal.
        false_discovery_rate: Part of the told that may be chance.
    """
    standings = (Standing.NORMAL, Standing.FLAGGED, Standing.CONTINUES)
    tested = sum(each.standing in standings for each in judged.values())
    flagged = {name: each for name, each in judged.items() if each.standing is Standing.FLAGGED}
    certain = [name for name, each in flagged.items() if _is_certain(each)]
    doubtful = sorted(
        (name for name in flagged if name not in certain), key=lambda name: flagged[name].chance
    )
    kept = 0
    for rank, name in enumerate(doubtful, start=1):
        if flagged[name].chance <= false_discovery_rate * (rank + len(certain)) / max(1, tested):
            kept = rank
    held = {name: _why(flagged[name], tested) for name in doubtful[kept:]}
    return Spent((*certain, *doubtful[:kept]), held, tested)


def _is_certain(judgement: Judgement) -> bool:
    return judgement.kind in CERTAIN or judgement.value == 0


def _why(judgement: Judgement, tested: int) -> str:
    often = judgement.chance * tested
    days = "most days" if often > 0.5 else f"{often * 100:.0f} of 100 days"  # noqa: PLR2004 (a half is most)
    return f"One of {tested} series; so far off is one by chance on {days}."
