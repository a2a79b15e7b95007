"""How much of a pool a step takes, known when its DAG file is parsed: size times shards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from stationmaster.airflow.contexts import MOST_SHARDS
from stationmaster.airflow.life.podfacts import bytes_of, human_bytes, millicores_of
from stationmaster.airflow.pools import Need, find_pool
from stationmaster.airflow.sizes import resources_of
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stationmaster.airflow.pools import PoolRule

__all__ = ["DEFAULT_POOL", "Share", "checked_at_once", "share_of"]

DEFAULT_POOL: Final = "default_pool"
"""Airflow's pool of tasks that name none."""


class Share(NamedTuple):
    """Hold what a step takes of its pool; None: as its author says, or as Airflow has it."""

    pool_slots: int | None
    shards_at_once: int | None

    @property
    def pool_arguments(self) -> dict[str, int]:
        """Return what Airflow's scheduler is told."""
        return {} if self.pool_slots is None else {"pool_slots": self.pool_slots}


def share_of(task_id: str, given: Mapping[str, Any], *, size: str, is_interruptible: bool) -> Share:
    """Return what a step takes of a pool that is measured.

    A step that is split has at most as many pods at once as fit into the whole pool: Airflow
    never starts a task that wants more slots than its pool has.

    Args:
        task_id: Names the step in messages.
        given: What its author says, default_args included.
        size: By the author or the job.
        is_interruptible: By the job.

    Raises:
        MisconfiguredError: It would never start, or what it asks for is not known here.
    """
    at_once = checked_at_once(task_id, given.get("shards_at_once"))
    name = str(given.get("pool") or DEFAULT_POOL)
    rule = find_pool(name)
    if rule is None:
        return Share(None, at_once)
    if (own := given.get("pool_slots")) is not None:
        _refuse_too_many(task_id, name, rule, int(own), "pool_slots=")
        return Share(None, at_once)
    if not rule.is_measured:
        return Share(None, at_once)
    need = _need(task_id, name, given.get("container_resources"), size, is_interruptible)
    one = rule.slots_of(need)
    told = f"a shard of {need.millicores / 1000:g} cores and {human_bytes(need.memory_bytes)}"
    _refuse_too_many(task_id, name, rule, one, told)
    shards = _fixed(given.get("shards", 1))
    wanted = min(at_once or MOST_SHARDS, shards or MOST_SHARDS)
    fitting = min(wanted, rule.pool_slots // one)
    is_whole = fitting == shards and at_once is None
    return Share(fitting * one, None if is_whole else fitting)


def checked_at_once(task_id: str, value: object) -> int | None:
    """Return `shards_at_once` as it is.

    Raises:
        MisconfiguredError: It is no whole number from 1 to 1,000.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_SHARDS:
        raise MisconfiguredError(
            where=f"StepOperator {task_id}, argument shards_at_once=",
            expected=f"a whole number from 1 to {MOST_SHARDS}",
            got=repr(value),
            hint="Write how many of its pods may run side by side, or leave it out.",
        )
    return value


def _fixed(shards: object) -> int | None:
    """Return a number of shards that stands in the DAG file; None where a run counts them."""
    if isinstance(shards, str) and shards.isdigit():
        return int(shards)
    return shards if isinstance(shards, int) else None


def _need(
    task_id: str,
    pool: str,
    resources: Any,  # noqa: ANN401 (a mapping, or a model of an untyped library)
    size: str,
    is_interruptible: bool,  # noqa: FBT001 (a field of what is returned)
) -> Need:
    if resources:
        requests = {**_part(resources, "limits"), **_part(resources, "requests")}
        cpu, memory = requests.get("cpu"), requests.get("memory")
        if "{{" in f"{cpu}{memory}":
            raise _unknown(task_id, pool, f"container_resources= with {cpu!r} and {memory!r}")
        return Need(millicores_of(cpu) or 0, bytes_of(memory) or 0, is_interruptible)
    if "{{" in size:
        raise _unknown(task_id, pool, f"size={size!r}")
    asked = resources_of(size)
    return Need(millicores_of(asked.cpu) or 0, bytes_of(asked.memory) or 0, is_interruptible)


def _part(resources: Any, name: str) -> dict[str, Any]:  # noqa: ANN401 (as above)
    part = resources.get(name) if isinstance(resources, dict) else getattr(resources, name, None)
    return dict(part or {})


def _refuse_too_many(task_id: str, pool: str, rule: PoolRule, slots: int, what: str) -> None:
    if slots <= rule.pool_slots:
        return
    raise MisconfiguredError(
        where=f"StepOperator {task_id}, pool={pool!r}",
        expected=f"at most {rule.pool_slots} slots: the pool holds {rule.limit}, {rule.slot}",
        got=f"{slots} slots: {what}",
        hint="Airflow would never start it. Take a smaller size or another pool, or give the pool "
        f"more (chart: airflow.pools.{pool}).",
    )


def _unknown(task_id: str, pool: str, got: str) -> MisconfiguredError:
    return MisconfiguredError(
        where=f"StepOperator {task_id}, pool={pool!r}",
        expected="what it asks for, known when the file is parsed: the pool counts by it",
        got=got,
        hint="Write the size itself, or say pool_slots= for the largest it may become.",
    )
