"""Notice that numbers became ten, sixty, a hundred or a thousand times what they were."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from stationmaster.step.payloads.findings import Change, Finding
from stationmaster.step.payloads.masking import masked
from stationmaster.step.payloads.place import BUCKETS_AN_OCTAVE, NO_SIZE
from stationmaster.step.payloads.tally import Sighting

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from stationmaster.step.payloads.place import Place

__all__ = ["LEAST_FACTOR", "quantile", "shifted"]

_FEWEST: Final = 20
LEAST_FACTOR: Final = 8.0
_FACTORS: Final = (10, 60, 100, 1000, 3600, 86_400, 1_000_000, 1_000_000_000)
"""Between units: tens, seconds and minutes, pence and pounds, seconds and milliseconds, …"""
_NEAR: Final = 0.3
_LARGE: Final = 1000.0


def quantile(sizes: Counter[int], share: float) -> float:
    """Return a quantile of numbers counted by size (`bucket_of`), zeros left out; 0 for none.

    It is right within the width of a class, a fifth.
    """
    counted = sorted((size, count) for size, count in sizes.items() if size != NO_SIZE)
    rest = share * sum(count for _, count in counted)
    for size, count in counted:
        rest -= count
        if rest <= 0:
            return float(2 ** min((size + 0.5) / BUCKETS_AN_OCTAVE, 1000.0))
    return 0.0


def shifted(place: Place) -> Iterator[Finding]:
    """Yield that most numbers of a place have another size, or more digits, than they had."""
    field = place.field
    if field.typical is not None and _counted(place) >= _FEWEST:
        low, median, high = (quantile(place.sizes, share) for share in (0.05, 0.5, 0.95))
        was = field.typical
        apart = low > was.high or high < was.low
        factor = median / was.median if was.median else 1.0
        if apart and not 1 / LEAST_FACTOR < factor < LEAST_FACTOR:
            side = "greater" if factor > 1 else "smaller"
            told = f"a median of about {_round(was.median)}"
            yield _finding(place, told, _words(median, factor), side)
    if (
        field.scale is not None
        and place.visits >= _FEWEST
        and place.beyond_scale * 2 > place.visits
    ):
        yield _finding(
            place,
            f"{field.scale} digits behind the point",
            f"more in {place.beyond_scale:,} values",
            "digits",
        )


def _counted(place: Place) -> int:
    return place.sizes.total() - place.sizes[NO_SIZE]


def _words(median: float, factor: float) -> str:
    greater = factor > 1
    times = factor if greater else 1 / factor
    unit = min(_FACTORS, key=lambda one: abs(math.log(times / one)))
    near = abs(math.log(times / unit)) < _NEAR
    shown = f"{unit:,}" if near else f"{times:,.0f}"
    return f"about {_round(median)}, {shown} times {'as great' if greater else 'smaller'}"


def _round(number: float) -> str:
    return f"{number:,.0f}" if number >= _LARGE else f"{number:,.3g}"


def _finding(place: Place, expected: str, got: str, sighted: str) -> Finding:
    seen = place.sightings.get(sighted, Sighting())
    value = int(seen.value) if float(seen.value).is_integer() else seen.value
    return Finding(
        path=place.path,
        change=Change.UNIT_OR_SCALE,
        expected=expected,
        got=got,
        count=seen.records,
        of=place.home.records,
        first_line=seen.first_line,
        first_time=seen.first_time,
        example=masked(value, place.name, personal=place.field.personal),
        when=place.when,
    )
