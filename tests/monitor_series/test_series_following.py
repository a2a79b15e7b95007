"""What goes on from one value to the next, and how often a year a week may be told as a whole."""

from __future__ import annotations

import random

from stationmaster.monitor.series.following import Following
from stationmaster.monitor.series.limits import Sensitivity
from stationmaster.monitor.series.points import DAILY
from stationmaster.monitor.series.rolling import Rolling


def followed(share: float, days: int = 400) -> tuple[Following, list[float]]:
    """Return what learned errors of which a share goes on to the next day, and the errors."""
    rng = random.Random(3)  # noqa: S311 (noise, no secret)
    following, error, errors = Following(DAILY), 0.0, []
    for day in range(days):
        error = share * error + rng.gauss(0, 0.1)
        following.learn(day, error)
        errors.append(error)
    following.refresh(0.1)
    return following, errors


def test_what_follows_is_expected_and_leaves_less_to_chance() -> None:
    """Where half of an error goes on to the next day, about half of the last one is expected."""
    following, errors = followed(0.5)

    added = following.added(400)

    assert 0.3 < added / max(-0.2, min(0.2, errors[-1])) < 0.6


def test_what_does_not_follow_is_not_expected() -> None:
    """Independent errors add next to nothing, and errors that alternate nothing at all."""
    independent, errors = followed(0.0)
    alternating, _ = followed(-0.5)

    assert abs(independent.added(400)) < 0.2 * abs(errors[-1])
    assert alternating.added(400) == 0.0


def test_a_gap_breaks_what_follows() -> None:
    """Of a day whose predecessor has no normal value nothing is added."""
    following, _ = followed(0.5)

    assert following.added(401) == 0.0
    following.restart()
    assert following.added(400) == 0.0


def told(rolling: Rolling, factor: float, days: int = 7) -> bool:
    """Return whether any of some days at a factor of their level is told as off, as a week."""
    found = [rolling.see(100.0 * factor, 100.0) for _ in range(days)]
    return any(each is not None for each in found)


def test_a_series_whose_weeks_are_often_off_tells_only_what_is_worse() -> None:
    """The third low week of a year is told only if it is lower than the two before it."""
    rng = random.Random(5)  # noqa: S311 (noise, no secret)
    rolling = Rolling(DAILY, Sensitivity())
    for _ in range(120):
        rolling.see(100.0 * (1 + rng.gauss(0, 0.02)), 100.0)
    heard = []
    for factor in (0.5, 0.5, 0.55, 0.3):
        heard.append(told(rolling, factor))
        for _ in range(21):
            rolling.see(100.0, 100.0)

    assert heard == [True, True, False, True]
