"""What a machine costs an hour, by its type, its region and how it is paid."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from stationmaster.ledger.cost.settings import CostSettings

__all__ = ["SHIPPED_PRICES", "InstancePrice", "NodePrice", "PriceBook", "read_prices"]

SHIPPED_PRICES: Final = Path(__file__).parent / "data" / "ec2-on-demand.csv"
SHIPPED_AS: Final = "EC2's price list of August 2026"
NEEDED: Final = ("region", "instance_type", "vcpu", "memory_mib", "usd_per_hour")
DOLLARS: Final = "USD"
SPOT: Final = "spot"


@dataclass(frozen=True)
class InstancePrice:
    """Hold a row of the table of prices."""

    region: str
    instance_type: str
    cpu_millicores: int
    memory_bytes: int
    usd_per_hour: float
    spot_usd_per_hour: float | None
    source: str


@dataclass(frozen=True)
class NodePrice:
    """Say what a node costs an hour, and where that is from; None where it is not known."""

    per_hour: float | None
    currency: str
    note: str


class PriceBook:
    """Look prices up.

    Args:
        rows: Of the table; a later row of the same region and type stands.
        region: Whose prices hold where none is named.
        spot_share: What spot costs of on-demand where the row has no spot price.
    """

    def __init__(self, rows: Iterable[InstancePrice], *, region: str, spot_share: float) -> None:
        self._rows = {(each.region, each.instance_type): each for each in rows}
        self._region = region
        self._spot_share = spot_share

    @classmethod
    def from_settings(cls, settings: CostSettings) -> Self:
        """Return the table that comes along, with the team's own prices over it.

        Raises:
            MisconfiguredError: A file that is none of prices; the message names its line.
        """
        rows = list(read_prices(SHIPPED_PRICES, SHIPPED_AS))
        if settings.prices != Path():
            rows += read_prices(settings.prices, str(settings.prices.name))
        return cls(rows, region=settings.region, spot_share=settings.spot_share)

    @classmethod
    def for_recording(cls, settings: CostSettings, say: Callable[[str], None]) -> Self:
        """Return the same for whoever must go on: a file that is none is said, and left out."""
        try:
            return cls.from_settings(settings)
        except MisconfiguredError as error:
            say(f"{error} Until then the ledger's prices are of the table that comes along.")
            return cls.from_settings(settings.model_copy(update={"prices": Path()}))

    def __iter__(self) -> Iterator[InstancePrice]:
        return iter(self._rows.values())

    def instance(self, instance_type: str, region: str = "") -> InstancePrice | None:
        """Return the row of a type: in its region, else in the setting's; None for none."""
        named = self._rows.get((region or self._region, instance_type))
        return named or self._rows.get((self._region, instance_type))

    def price_of(self, instance_type: str, capacity_type: str, region: str = "") -> NodePrice:
        """Return what a node costs an hour; unknown is said in a sentence, and never an error.

        Args:
            instance_type: Such as m5.large.
            capacity_type: spot; anything else is priced as on-demand.
            region: Of the node; the setting's where it is not known.
        """
        if not instance_type:
            return _unknown("The price is unknown: the node does not say which type it is.")
        row = self.instance(instance_type, region)
        if row is None:
            return _unknown(self._no_row(instance_type, region))
        note = f"{instance_type} {capacity_type or 'on-demand'} by {row.source}"
        if region and row.region != region:
            note += f", of {row.region}: there is no price of {region}"
        if capacity_type != SPOT:
            return NodePrice(row.usd_per_hour, DOLLARS, note)
        if row.spot_usd_per_hour is not None:
            return NodePrice(row.spot_usd_per_hour, DOLLARS, note)
        note += f", taken as {self._spot_share:.0%} of on-demand"
        return NodePrice(row.usd_per_hour * self._spot_share, DOLLARS, note)

    def _no_row(self, instance_type: str, region: str) -> str:
        near = get_close_matches(instance_type, {name for _, name in self._rows}, n=1)
        like = f" (like {near[0]}?)" if near else ""
        return (
            f"The price is unknown: no row of {instance_type}{like} in "
            f"{region or self._region}. Add one to the file that STATIONMASTER_COST_PRICES "
            "names, or run `stationmaster cost prices refresh`."
        )


def read_prices(path: Path, source: str) -> Iterator[InstancePrice]:
    """Yield the rows of a CSV of prices; lines that begin with # are comments.

    Columns: region, instance_type, vcpu, memory_mib, usd_per_hour, and where it is known
    spot_usd_per_hour; others are left alone.

    Raises:
        MisconfiguredError: No such file, a missing column, or a value that is no price.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, got=str(error)) from error
    numbered = [(n, line) for n, line in enumerate(lines, 1) if line and not line.startswith("#")]
    rows = csv.DictReader(line for _, line in numbered)
    missing = [name for name in NEEDED if name not in (rows.fieldnames or ())]
    if missing:
        raise _unreadable(path, got=f"no column {', '.join(missing)}")
    for (number, _), row in zip(numbered[1:], rows, strict=True):
        try:
            yield _price(row, source)
        except (TypeError, ValueError) as error:
            raise _unreadable(path, got=f"line {number}: {error}") from error


def _price(row: Mapping[str, str], source: str) -> InstancePrice:
    spot = (row.get("spot_usd_per_hour") or "").strip()
    return InstancePrice(
        region=row["region"],
        instance_type=row["instance_type"],
        cpu_millicores=round(_number(row["vcpu"]) * 1000),
        memory_bytes=round(_number(row["memory_mib"]) * 2**20),
        usd_per_hour=_number(row["usd_per_hour"]),
        spot_usd_per_hour=_number(spot) if spot else None,
        source=source,
    )


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number) or number < 0:
        msg = f"{text!r} is no price and no size"
        raise ValueError(msg)
    return number


def _unknown(why: str) -> NodePrice:
    return NodePrice(None, "", why)


def _unreadable(path: Path, *, got: str) -> MisconfiguredError:
    return MisconfiguredError(
        where=f"prices {path}",
        expected=f"a CSV with the columns {', '.join(NEEDED)}; amounts of 0 or more",
        got=got,
        hint="Correct the file that STATIONMASTER_COST_PRICES names, or leave the variable out.",
    )
