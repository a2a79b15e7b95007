"""Are the numbers right: do sources agree, what was set aside, how do they compare."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.dashboard.reading.expectations import title_of
from stationmaster.monitor.dashboard.reading.products import facts_of
from stationmaster.monitor.facts.figures import ROWS, FigureFacts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stationmaster.monitor.dashboard.reading.expectations import Expectations
    from stationmaster.monitor.dashboard.reading.products import ProductRow
    from stationmaster.monitor.dashboard.reading.source import Source
    from stationmaster.monitor.monitoring import Agreement

__all__ = ["AgreementRow", "FigureRow", "Rightness", "rightness"]

WEEK: Final = dt.timedelta(days=7)
MOST_FIGURES: Final = 8
SHOWN_DAYS: Final = 28


@dataclass(frozen=True)
class AgreementRow:
    """Hold whether two figures of a day agree; None where one is not known yet."""

    agreement: Agreement
    day: dt.date
    left: float | None
    right: float | None

    @property
    def left_name(self) -> str:
        """Return what the one side is."""
        return " + ".join(title_of(each) for each in self.agreement.left)

    @property
    def right_name(self) -> str:
        """Return what the other side is."""
        return " + ".join(title_of(each) for each in self.agreement.right)

    @property
    def holds(self) -> bool | None:
        """Return whether they agree; None: it cannot be told."""
        if self.left is None or self.right is None:
            return None
        wanted = self.agreement
        allowed = wanted.relative * max(abs(self.left), abs(self.right))
        return self.difference <= max(allowed, wanted.absolute)

    @property
    def difference(self) -> float:
        """Return how far they are apart."""
        return abs((self.left or 0.0) - (self.right or 0.0))

    @property
    def share(self) -> float:
        """Return that as a share of the larger one."""
        largest = max(abs(self.left or 0.0), abs(self.right or 0.0))
        return self.difference / largest if largest else 0.0


@dataclass(frozen=True)
class FigureRow:
    """Hold a number of the day beside the same weekdays before.

    Args:
        name: As people call it.
        value: Of the day; None: not known yet.
        usual: The middle of the same weekdays of the four weeks before; None: too few.
        days: The last four weeks, oldest first.
    """

    name: str
    value: float | None
    usual: float | None
    days: tuple[tuple[dt.date, float], ...]

    @property
    def change(self) -> float | None:
        """Return by which share it is off what is usual."""
        return self.value / self.usual - 1 if self.value is not None and self.usual else None


@dataclass(frozen=True)
class Rightness:
    """Hold all that says whether a morning's numbers are right.

    Args:
        day: Whose numbers.
        agreements: What should agree.
        figures: The numbers themselves.
        rows: Rows that were published of the day.
        aside: Rows that were set aside of it.
    """

    day: dt.date
    agreements: tuple[AgreementRow, ...]
    figures: tuple[FigureRow, ...]
    rows: int
    aside: int

    @property
    def aside_share(self) -> float:
        """Return which share of all rows was set aside."""
        whole = self.rows + self.aside
        return self.aside / whole if whole else 0.0


def rightness(source: Source, expectations: Expectations, products: list[ProductRow]) -> Rightness:
    """Return whether the numbers of the products' newest whole day are right."""
    pipelines = sorted({row.product.pipeline for row in products})
    days = [row.day for row in products if row.here_at] or [
        row.last_day for row in products if row.last_day
    ]
    yesterday = source.now().astimezone(source.zone).date() - dt.timedelta(days=1)
    day = max(days, default=yesterday)
    return source.kept(("rightness", day), lambda: _rightness(source, expectations, pipelines, day))


def _rightness(
    source: Source, expectations: Expectations, pipelines: list[str], day: dt.date
) -> Rightness:
    attempts = [each for name in pipelines for each in facts_of(source, name).attempts(name)]
    told = FigureFacts(attempts)
    known = {name: told.days(name) for name in told.history}
    outputs = [
        output
        for each in attempts
        if each.is_done
        for output in each.outputs
        if output.business_date == each.business_date == day and not output.already_published
    ]
    return Rightness(
        day=day,
        agreements=tuple(_agreement(each, known, day) for each in expectations.agreements),
        figures=tuple(_figures(expectations, known, day)),
        rows=sum(each.rows for each in outputs if not each.staged and not each.uri),
        aside=sum(each.quarantined_rows for each in outputs),
    )


def _agreement(
    wanted: Agreement, known: Mapping[str, Mapping[dt.date, float]], day: dt.date
) -> AgreementRow:
    other = day - dt.timedelta(days=wanted.lag_days)
    # The right side comes later: today's tells of a left one that is so many days back.
    return AgreementRow(
        wanted, other, _sum(wanted.left, known, other), _sum(wanted.right, known, day)
    )


def _sum(
    names: Iterable[str], known: Mapping[str, Mapping[dt.date, float]], day: dt.date
) -> float | None:
    values = [known.get(name, {}).get(day) for name in names]
    return None if None in values else sum(value for value in values if value is not None)


def _figures(
    expectations: Expectations, known: Mapping[str, Mapping[dt.date, float]], day: dt.date
) -> list[FigureRow]:
    said = [name for name in sorted(known) if not name.endswith(f"/{ROWS}")]
    wanted = list(expectations.figures) or said
    return [_figure(title_of(name), known.get(name, {}), day) for name in wanted[:MOST_FIGURES]]


def _figure(title: str, days: Mapping[dt.date, float], day: dt.date) -> FigureRow:
    same = [days[day - n * WEEK] for n in (1, 2, 3, 4) if day - n * WEEK in days]
    first = day - dt.timedelta(days=SHOWN_DAYS - 1)
    shown = tuple((each, value) for each, value in days.items() if first <= each <= day)
    usual = median(same) if len(same) > 1 else None
    return FigureRow(title, days.get(day), usual, shown)
