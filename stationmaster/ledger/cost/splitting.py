"""What one attempt costs, split into what it was for."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Self

from stationmaster.ledger.cost.uses import SUCCEEDED, Use, held

if TYPE_CHECKING:
    from stationmaster.ledger.cost.uses import Held
    from stationmaster.ledger.cost.weights import Rates

__all__ = ["Split", "cost_of", "split_of"]

SECONDS_AN_HOUR = 3600.0


@dataclass(frozen=True)
class Split:
    """Hold money by what it was for, all in one currency.

    `useful`: what attempts that succeeded used while they ran. `slack`: what those had reserved
    and did not use. `retries`: all of every attempt that did not succeed, its start-up too.
    `start_up`: from the node to the process, of attempts that succeeded.
    """

    useful: float = 0.0
    slack: float = 0.0
    retries: float = 0.0
    start_up: float = 0.0

    @property
    def total(self) -> float:
        """Return the sum."""
        return self.useful + self.slack + self.retries + self.start_up

    def __add__(self, other: Split) -> Split:
        return Split(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def times(self, factor: float) -> Self:
        """Return it in another currency, or a share of it."""
        return type(self)(*(part * factor for part in astuple(self)))


def cost_of(use: Use) -> Split | None:
    """Return what an attempt costs by its own row; None where `use.why_unpriced` says why.

    max(request, usage) x hours on the node x the node's rates, as OpenCost has it
    (opencost/opencost, spec/opencost-specv01.md).
    """
    if use.why_unpriced:
        return None
    span, rates = held(use), use.rates
    if span is None or rates is None:
        return Split()
    per_second = rates.of(span.cores, span.gib) / SECONDS_AN_HOUR
    starting = (span.running - span.start).total_seconds() * per_second
    running = (span.end - span.running).total_seconds() * per_second
    return split_of(use, span, rates, starting=starting, running=running)


def split_of(use: Use, span: Held, rates: Rates, *, starting: float, running: float) -> Split:
    """Split the money of an attempt's start-up and run into what it was for."""
    if use.verdict != SUCCEEDED:
        return Split(retries=starting + running)
    useful = running * span.used_share(rates)
    return Split(useful=useful, slack=running - useful, start_up=starting)
