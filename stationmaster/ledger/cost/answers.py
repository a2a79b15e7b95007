"""What the commands print, for programs: costs of a time, and what they had been otherwise.

`costs(ledger, Window(day, day), by=By.PIPELINE, settings=CostSettings()).total.split.retries`
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from stationmaster.ledger.cost.asking import Window, lives_in, uses_in
from stationmaster.ledger.cost.nodes import lives_of, share_out
from stationmaster.ledger.cost.prices import PriceBook
from stationmaster.ledger.cost.reporting import By, CostReport, report
from stationmaster.ledger.cost.whatif import Outcome, all_at, fixed_fleet, other_sizes
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from stationmaster.ledger.cost.settings import CostSettings
    from stationmaster.ledger.store import Ledger

__all__ = ["By", "CostReport", "Outcome", "Window", "costs", "what_ifs"]


def costs(
    ledger: Ledger,
    window: Window,
    *,
    by: By,
    settings: CostSettings,
    pipeline: str | None = None,
) -> CostReport:
    """Return what steps cost in a time, in the currency of the settings.

    Args:
        ledger: Where their attempts are; one that nobody has made is empty.
        window: The time.
        by: What to sum up by.
        settings: Of currency.
        pipeline: Only this one's attempts, by their own rows and without nodes' idle time.

    Raises:
        MisconfiguredError: There are more attempts than one answer is made of.
        sqlalchemy.exc.DBAPIError: The database does not answer.
    """
    uses = [] if ledger.is_missing else uses_in(ledger, window, pipeline)
    lives = lives_in(ledger, window, uses) if uses and pipeline is None else []
    return report(
        uses,
        by=by,
        since=window.since,
        until=window.until,
        lives=lives,
        with_nodes=pipeline is None,
        factor=settings.per_usd,
    )


def what_ifs(
    ledger: Ledger, window: Window, *, settings: CostSettings, fleet: str, margin: float
) -> tuple[float, list[Outcome]]:
    """Return the nodes' bill and what it had been otherwise; no outcomes without priced nodes.

    Args:
        ledger: Where the attempts are.
        window: The time.
        settings: Of prices and currency.
        fleet: Instance type of the fixed fleet.
        margin: Memory that a step of another size has, over its own peak.

    Raises:
        MisconfiguredError: The fleet's type has no price; or as `costs`.
        sqlalchemy.exc.DBAPIError: The database does not answer.
    """
    prices = PriceBook.from_settings(settings)
    instance = prices.instance(fleet)
    if instance is None:
        raise MisconfiguredError(
            where="the fixed fleet's instance type (--fleet)",
            expected="one of the table of prices, such as m5.xlarge",
            got=fleet,
            hint="See `stationmaster cost prices list`.",
        )
    uses = [] if ledger.is_missing else uses_in(ledger, window)
    priced = [each for each in uses if not each.why_unpriced]
    lives = (lives_in(ledger, window, uses) if uses else []) or lives_of(uses)
    if not lives:
        return 0.0, []
    span = (window.since, window.until)
    outcomes = [
        fixed_fleet(priced, instance, *span),
        all_at(lives, prices, "on-demand", *span),
        all_at(lives, prices, "spot", *span),
        other_sizes(priced, lives, *span, margin=margin),
    ]
    factor = settings.per_usd
    bill = share_out(lives, priced, *span).bill
    return bill * factor, [replace(each, bill=each.bill * factor) for each in outcomes]
