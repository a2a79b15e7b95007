"""The ways of others, as their own pages describe them, on the series that we are measured on.

Each gets the values up to and with the newest one, oldest first, None where nothing came, and says
whether the newest is off.
"""

from __future__ import annotations

import importlib
import math
from statistics import mean, median, stdev
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["RIVALS", "predict_linear"]

SENSITIVITY: Final = 3.0
WEEK: Final = 7
STL_WEEKS: Final = 26
WIDE: Final = 3.29
"""Both sides of 99.9 %, the interval that Soda used with Prophet."""


def elementary(values: Sequence[float | None]) -> bool:
    """Test as Elementary does unless told otherwise.

    A z-score against mean and standard deviation of the training period of 14 days, the tested
    bucket in it; off beyond 3; no score below 7 buckets; a deviation of 0 scores 0. Sources:
    docs.elementary-data.com, data-tests/anomaly-detection-configuration (training-period,
    anomaly-sensitivity); dbt-data-reliability, get_anomaly_scores_query.sql, whose window ends
    with the current row.
    """
    known = [value for value in values[-14:] if value is not None]
    return _z_score(known, values[-1])


def elementary_told(values: Sequence[float | None]) -> bool:
    """Test as Elementary does at its best: told to leave the tested bucket out, and of weekdays.

    `exclude_detection_period_from_training`, `seasonality: day_of_week`, a training period of 10
    weeks: the same weekday only.
    """
    same = list(values[::-1][WEEK : 10 * WEEK + 1 : WEEK])
    known = [value for value in same if value is not None]
    return _z_score(known, values[-1])


def seasonal_trend(values: Sequence[float | None]) -> bool:
    """Test against a seasonal decomposition (STL of statsmodels, period 7, robust) of half a year.

    Prophet-like: fitted on what came before, carried on by the last trend and the weekday's last
    season; off beyond the 99.9 % interval of its residuals.
    """
    seasonal = importlib.import_module("statsmodels.tsa.seasonal")
    before = list(values[-STL_WEEKS * WEEK - 1 : -1])
    known = [value for value in before if value is not None]
    newest = values[-1]
    if newest is None or len(known) < 4 * WEEK or len(before) < 4 * WEEK:
        return newest is None
    filled = _filled(before)
    fitted = seasonal.STL(filled, period=WEEK, robust=True).fit()
    expected = float(fitted.trend[-1]) + float(fitted.seasonal[-WEEK])
    spread = stdev([float(each) for each in fitted.resid])
    return abs(newest - expected) > WIDE * spread


def predict_linear(values: Sequence[float], limit: float, *, days: int, ahead: int) -> float | None:
    """Return in how many days Prometheus' predict_linear sees the limit met; None: not by `ahead`.

    A least-squares line through a range of days. Source: prometheus/prometheus,
    promql/functions.go, linearRegression.
    """
    recent = values[-days:]
    number = len(recent)
    if number < 2:
        return None
    middle, centre = (number - 1) / 2, mean(recent)
    squares = sum((n - middle) ** 2 for n in range(number))
    slope = sum((n - middle) * (v - centre) for n, v in enumerate(recent)) / squares
    level = centre + slope * (number - 1 - middle)
    if level + slope * ahead < limit or slope <= 0:
        return None
    return max(0.0, (limit - level) / slope)


def _z_score(known: Sequence[float], newest: float | None) -> bool:
    if newest is None or len(known) < WEEK:
        return False
    spread = stdev(known)
    return spread > 0 and abs(newest - mean(known)) / spread > SENSITIVITY


def _filled(values: Sequence[float | None]) -> list[float]:
    """Return values with gaps filled by the same weekday's last one: STL knows no gaps."""
    filled: list[float] = []
    usual = median(value for value in values if value is not None)
    for at, value in enumerate(values):
        earlier = filled[at - WEEK] if at >= WEEK else usual
        filled.append(earlier if value is None or math.isnan(value) else value)
    return filled


RIVALS: Final[dict[str, Callable[[Sequence[float | None]], bool]]] = {
    "elementary": elementary,
    "elementary, told to": elementary_told,
    "seasonal decomposition": seasonal_trend,
}
