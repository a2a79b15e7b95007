"""Airflow pools that are measured in cores or in money: what a slot is, and how many a step takes.

The pools of a deployment stand in one file (`STATIONMASTER_POOLS_FILE`; the chart writes it from
`airflow.pools`), which two read: `stationmaster pools apply` makes Airflow's pools of it, and
StepOperator takes from it what its steps cost. Airflow's scheduler enforces the rest.

    pools:
      nightly: {cores: 8}                  a slot is a quarter of a core
      costly: {dollarsPerHour: 2.5}        a slot is a tenth of a US cent an hour
      exports: {slots: 3}                  a slot is a task, as Airflow has it
"""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from stationmaster.airflow.current import current_settings
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from stationmaster.ledger.cost.weights import Rates
    from stationmaster.step.settings import Settings

__all__ = [
    "MILLICORES_A_SLOT",
    "SLOTS_A_DOLLAR",
    "Need",
    "PoolRule",
    "find_pool",
    "price_of",
    "read_pools",
]

MILLICORES_A_SLOT: Final = 250
"""The smallest size (xs) is one slot."""

SLOTS_A_DOLLAR: Final = 1000
"""Slots that one US dollar an hour is: whole cents would count an xs, 1.2 cents, as two."""

GIBIBYTE: Final = 2**30
UNSET: Final = Path()


class Need(NamedTuple):
    """Hold what one shard of a step asks for."""

    millicores: int
    memory_bytes: int
    is_interruptible: bool = True
    """Whether it goes to a spot node where there is one."""


class PoolRule(BaseModel):
    """Hold one pool's limit: in cores, in US dollars an hour, or in tasks."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    cores: float | None = Field(default=None, gt=0, description="Of CPU requests at once.")
    dollars_per_hour: float | None = Field(
        default=None, gt=0, alias="dollarsPerHour", description="US dollars, of all at once."
    )
    slots: int | None = Field(default=None, ge=1, description="Tasks at once.")
    capacity_type: Literal["on-demand", "spot"] = Field(
        default="on-demand",
        alias="capacityType",
        description="How nodes are paid of steps that may be interrupted; the others' are "
        "on-demand. Steps that may get either are bounded by on-demand.",
    )
    instance_type: str = Field(
        default="",
        alias="instanceType",
        description="Whose price a core and a GiB are shares of; OpenCost's rates by default.",
    )

    @model_validator(mode="after")
    def _says_one_limit(self) -> Self:
        given = [each for each in (self.cores, self.dollars_per_hour, self.slots) if each]
        if len(given) != 1:
            message = "expected one of cores, dollarsPerHour and slots"
            raise ValueError(message)
        if self.pool_slots < 1:
            message = f"less than one slot ({self.slot})"
            raise ValueError(message)
        return self

    @property
    def is_measured(self) -> bool:
        """Tell whether a step takes slots by what it asks for."""
        return self.slots is None

    @property
    def pool_slots(self) -> int:
        """Return the pool's slots in Airflow; a limit is rounded down to whole ones."""
        if self.cores is not None:
            return _floor(Decimal(str(self.cores)) * 1000 / MILLICORES_A_SLOT)
        if self.dollars_per_hour is not None:
            return _floor(Decimal(str(self.dollars_per_hour)) * SLOTS_A_DOLLAR)
        return self.slots or 0

    @property
    def slot(self) -> str:
        """Return what one slot is, in words."""
        if self.cores is not None:
            return "a slot is a quarter of a core"
        if self.dollars_per_hour is not None:
            return "a slot is a tenth of a US cent an hour"
        return "a slot is a task"

    @property
    def limit(self) -> str:
        """Return the limit in words."""
        if self.cores is not None:
            return f"{self.cores:g} cores"
        if self.dollars_per_hour is not None:
            return f"{self.dollars_per_hour:g} US dollars an hour"
        return f"{self.slots} tasks"

    def slots_of(self, need: Need) -> int:
        """Return the slots that one shard takes, at least one; what it asks for is rounded up.

        So whatever fits into the slots together is within the limit.

        Raises:
            MisconfiguredError: There is no price of the pool's instance type.
        """
        if self.cores is not None:
            return max(1, -(-need.millicores // MILLICORES_A_SLOT))
        if self.dollars_per_hour is not None:
            return max(1, _ceiling(Decimal(repr(price_of(need, self))) * SLOTS_A_DOLLAR))
        return 1


def price_of(need: Need, rule: PoolRule) -> float:
    """Return what one shard costs, US dollars an hour: its share of a node by cores and GiB.

    Raises:
        MisconfiguredError: There is no price of the pool's instance type.
    """
    from stationmaster.ledger.cost.settings import CostSettings  # noqa: PLC0415 (where it is money)

    whole = _rates(rule.instance_type).of(need.millicores / 1000, need.memory_bytes / GIBIBYTE)
    is_spot = rule.capacity_type == "spot" and need.is_interruptible
    return whole * (CostSettings().spot_share if is_spot else 1.0)


def find_pool(name: str, settings: Settings | None = None) -> PoolRule | None:
    """Return the rule of a pool; None for one that the deployment's file does not name.

    Raises:
        MisconfiguredError: The file cannot be used.
    """
    path = (settings or current_settings()).pools_file
    return None if path == UNSET else read_pools(path).get(name)


def read_pools(path: Path) -> dict[str, PoolRule]:
    """Return the pools of a file by name; it is read again only when it has changed.

    Raises:
        MisconfiguredError: There is no such file, or it holds something else.
    """
    try:
        changed = path.stat().st_mtime_ns
    except OSError as error:
        raise _unusable(path, "a file", str(error)) from error
    return _read(path, changed)


@lru_cache(maxsize=8)
def _read(path: Path, changed: int) -> dict[str, PoolRule]:
    del changed  # part of the cache's key: a changed file is a new entry
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _unusable(path, "a YAML or JSON file", " ".join(str(error).split())) from error
    pools = document.get("pools") if isinstance(document, dict) else None
    if not isinstance(pools, dict):
        raise _unusable(path, "`pools:` with one mapping a pool", type(pools).__name__)
    try:
        return {str(name): PoolRule.model_validate(each) for name, each in pools.items()}
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        told = ".".join(str(part) for part in problem["loc"]) or "the pool"
        got = f"{problem['msg']} at `{told}`"
        raise _unusable(path, "cores, dollarsPerHour or slots of each pool", got) from error


@lru_cache(maxsize=64)
def _rates(instance_type: str) -> Rates:
    from stationmaster.ledger.cost.prices import PriceBook  # noqa: PLC0415 (where it is money)
    from stationmaster.ledger.cost.settings import CostSettings  # noqa: PLC0415 (as above)
    from stationmaster.ledger.cost.weights import (  # noqa: PLC0415 (as above)
        CPU_WEIGHT,
        MEMORY_WEIGHT,
        Rates,
        rates_of,
    )

    if not instance_type:
        return Rates(CPU_WEIGHT, MEMORY_WEIGHT)
    row = PriceBook.from_settings(CostSettings()).instance(instance_type)
    if row is None:
        raise MisconfiguredError(
            where=f"instanceType {instance_type!r} of a pool",
            expected="a type in the table of prices",
            got="none of that name",
            hint="Look at `stationmaster cost prices list`, or leave instanceType out.",
        )
    return rates_of(row.usd_per_hour, row.cpu_millicores, row.memory_bytes)


def _floor(number: Decimal) -> int:
    return int(number.to_integral_value(ROUND_FLOOR))


def _ceiling(number: Decimal) -> int:
    return math.ceil(number.quantize(Decimal("1e-9"), ROUND_CEILING))


def _unusable(path: Path, expected: str, got: str) -> MisconfiguredError:
    return MisconfiguredError(
        where=f"pools {path}",
        expected=expected,
        got=got,
        hint="Correct `airflow.pools` of the chart's values and deploy again, or the file that "
        "STATIONMASTER_POOLS_FILE names.",
    )
