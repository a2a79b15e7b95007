"""What varies by itself: counts, figures that differ by a few, tries that fail and pass."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Final

from tests.monitor_drill.plans import Trip

if TYPE_CHECKING:
    import random

__all__ = ["about", "customers_on", "figures_of", "natural_trips"]

RETRIED: Final = 0.012
"""Share of steps whose first try fails by something that passes."""

RECLAIMED: Final = 0.008
"""Share of steps whose first attempt loses its spot node."""


def customers_on(day: dt.date) -> int:
    """Return how many customers are known on a day: ever more, ever slower."""
    age = (day - dt.date(2009, 12, 1)).days
    return round(6000 * (1 - math.exp(-age / 260)) + 40)


def figures_of(
    came: tuple[int, int, float],
    before: tuple[int, int, float],
    sold: int,
    customers: int,
    drawn: random.Random,
) -> dict[str, dict[str, float]]:
    """Return what each step says, as the real jobs name their figures.

    Args:
        came: Web orders, app orders and pounds that came of the day.
        before: As above, of the day before.
        sold: Orders that there really were: the carrier picks up their parcels.
        customers: Who are known.
        drawn: What varies by itself.
    """
    web, app, pounds = came
    of_web = round(pounds * web / max(1, web + app), 2)
    of_app = round(pounds - of_web, 2)
    web_before, app_before, _ = before
    report = {
        "orders": web + app,
        "revenue": of_web + of_app,
        "customers": customers,
        "web_orders_day_before": web_before,
        "web_picked_up_day_before": max(0, web_before - drawn.choice((0, 0, 0, 0, 1))),
        "parcels_picked_up": sold,
        "parcels_of_known_orders": max(0, min(sold, web + app) - drawn.choice((0, 0, 1, 2))),
        "app_orders_day_before": app_before,
        "app_picked_up_day_before": max(0, app_before - drawn.choice((0, 0, 0, 0, 1))),
    }
    return {
        "extract_web": {
            "web_orders/revenue": of_web,
            "web_sessions/orders": max(0, web - drawn.choice((0, 0, 1))),
        },
        "extract_app": {
            "app_orders/revenue": of_app,
            "app_sessions/orders": max(0, app - drawn.choice((0, 0, 1))),
        },
        "merge_customers": {"unified_orders/revenue": of_web + of_app},
        "report_morning": {f"morning_report/{name}": value for name, value in report.items()},
    }


def natural_trips(drawn: random.Random) -> tuple[Trip, ...]:
    """Return what one step in fifty has: a try that fails and passes, a spot node that goes."""
    luck = drawn.random()
    if luck < RETRIED:
        return (_trip(drawn, "temporary", 75, "The catalog did not answer in 30 s"),)
    if luck < RETRIED + RECLAIMED:
        return (_trip(drawn, "drained", 143, "EC2 took the spot node back"),)
    return ()


def _trip(drawn: random.Random, verdict: str, exit_code: int, sentence: str) -> Trip:
    seconds = drawn.uniform(5, 40)
    return Trip(verdict=verdict, exit_code=exit_code, seconds=seconds, sentence=sentence)


def about(drawn: random.Random, mean: float) -> int:
    """Return a count around a mean, as independent things happen."""
    return max(0, round(drawn.gauss(mean, math.sqrt(max(mean, 0.0)))))
