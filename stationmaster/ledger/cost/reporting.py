"""What steps cost, by step, try, pipeline, day or team, and a million rows of them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from stationmaster.ledger.cost.nodes import lives_of, share_out
from stationmaster.ledger.cost.splitting import Split, cost_of
from stationmaster.ledger.cost.uses import SUCCEEDED

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Sequence

    from stationmaster.ledger.cost.nodes import NodeLife
    from stationmaster.ledger.cost.uses import Use

__all__ = ["By", "CostReport", "CostRow", "report"]

MILLION: Final = 1_000_000
MOST_REASONS: Final = 5


class By(StrEnum):
    """Name what costs are summed up by."""

    STEP = "step"
    TRY = "try"
    RUN = "run"
    PIPELINE = "pipeline"
    DAY = "day"
    TEAM = "team"


KEYS: Final[dict[By, Callable[[Use], tuple[str, ...]]]] = {
    By.STEP: lambda use: (use.pipeline, use.step),
    By.TRY: lambda use: (use.pipeline, use.run_id, use.step, str(use.try_number)),
    By.RUN: lambda use: (use.pipeline, use.run_id),
    By.PIPELINE: lambda use: (use.pipeline,),
    By.DAY: lambda use: (str(use.day or "goes on"),),
    By.TEAM: lambda use: (use.team or "(no team)",),
}


@dataclass(frozen=True)
class CostRow:
    """Hold what one step, try, pipeline, day or team cost."""

    key: tuple[str, ...]
    split: Split = field(default_factory=Split)
    attempts: int = 0
    unpriced: int = 0
    """Attempts whose price is not known: their cost is not in `split`."""
    rows_written: int = 0
    """By attempts that succeeded."""

    @property
    def per_million_rows(self) -> float | None:
        """Return what a million rows cost, retries and slack included; None without rows."""
        return self.split.total / self.rows_written * MILLION if self.rows_written else None


@dataclass(frozen=True)
class CostReport:
    """Hold costs of a time, all in one currency; tasks, idle and system are the nodes' bill."""

    rows: tuple[CostRow, ...]
    total: CostRow
    bill: float
    idle: float
    system: float
    nodes: int
    nodes_kept: bool
    """The nodes' lives are in the ledger; else they are guessed from the attempts on them."""
    reasons: tuple[tuple[str, int], ...] = field(default=())
    """Why attempts have no price, and how many; the most frequent first."""

    @property
    def difference(self) -> float:
        """Return by which share of the bill tasks, idle and system miss it."""
        parts = self.total.split.total + self.idle + self.system
        return (parts - self.bill) / self.bill if self.bill else 0.0


def report(  # noqa: PLR0913 (each by its name)
    uses: Sequence[Use],
    *,
    by: By,
    since: dt.datetime,
    until: dt.datetime,
    lives: Sequence[NodeLife] = (),
    with_nodes: bool = True,
    factor: float = 1.0,
) -> CostReport:
    """Return what attempts cost.

    Args:
        uses: Attempts that were on a node between `since` and `until`.
        by: What to sum up by.
        since: From when the nodes' bill counts.
        until: Up to when.
        lives: Of the nodes; guessed from the attempts where there are none.
        with_nodes: False prices each attempt by its own row: these are some of the attempts,
            and whose a node's idle time is only all of them show.
        factor: What one unit of the prices' currency is in the one to show.

    An attempt on a node of no known life is priced by its own row, and that is added to the bill.
    """
    known = (list(lives) or lives_of(uses)) if with_nodes else []
    priced = [each for each in uses if not each.why_unpriced]
    shared = share_out(known, priced, since, until)
    own = [(use, cost_of(use) or Split()) for use in shared.homeless]
    homed = {id(use) for use, _ in (*shared.tasks, *own)}
    nowhere = [(use, Split()) for use in priced if id(use) not in homed]
    rows = _rows([*shared.tasks, *own, *nowhere], [u for u in uses if u.why_unpriced], by, factor)
    extra = sum(split.total for _, split in own)
    return CostReport(
        rows=tuple(sorted(rows, key=lambda row: (-row.split.total, row.key))),
        total=_total(rows),
        bill=(shared.bill + extra) * factor,
        idle=shared.idle * factor,
        system=shared.system * factor,
        nodes=len(known),
        nodes_kept=bool(lives),
        reasons=_reasons(uses),
    )


def _rows(
    costs: Iterable[tuple[Use, Split]], unpriced: Iterable[Use], by: By, factor: float
) -> list[CostRow]:
    found: dict[tuple[str, ...], CostRow] = defaultdict(lambda: CostRow(()))
    key_of = KEYS[by]
    for use, split in costs:
        key = key_of(use)
        found[key] = _plus(found[key], use, split.times(factor), key)
    for use in unpriced:
        key = key_of(use)
        row = _plus(found[key], use, Split(), key)
        found[key] = replace(row, unpriced=row.unpriced + 1)
    return list(found.values())


def _plus(row: CostRow, use: Use, split: Split, key: tuple[str, ...]) -> CostRow:
    written = (use.rows_written or 0) if use.verdict == SUCCEEDED else 0
    return replace(
        row,
        key=key,
        split=row.split + split,
        attempts=row.attempts + 1,
        rows_written=row.rows_written + written,
    )


def _total(rows: Sequence[CostRow]) -> CostRow:
    return CostRow(
        key=("total",),
        split=sum((row.split for row in rows), Split()),
        attempts=sum(row.attempts for row in rows),
        unpriced=sum(row.unpriced for row in rows),
        rows_written=sum(row.rows_written for row in rows),
    )


def _reasons(uses: Iterable[Use]) -> tuple[tuple[str, int], ...]:
    counts: dict[str, int] = defaultdict(int)
    for use in uses:
        if why := use.why_unpriced:
            counts[why] += 1
    return tuple(sorted(counts.items(), key=lambda each: -each[1])[:MOST_REASONS])
