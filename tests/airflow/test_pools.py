"""Pools measured in cores and in money: what a slot is, and how many a step takes."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stationmaster.airflow.operator import StepOperator
from stationmaster.airflow.pools import Need, PoolRule, price_of
from stationmaster.airflow.sizes import RESOURCES, Size
from stationmaster.step.errors import MisconfiguredError
from tests.airflow.test_mapped_steps import serialized

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.sdk import DAG

POOLS = """pools:
  nightly: {cores: 8}
  costly: {dollarsPerHour: 0.15}
  cheap: {dollarsPerHour: 0.25, capacityType: spot}
  priced: {dollarsPerHour: 1, instanceType: m5.large}
  exports: {slots: 3}
"""
NEEDS = st.builds(
    Need, st.integers(0, 64_000), st.integers(0, 2**40), is_interruptible=st.booleans()
)


@pytest.fixture(autouse=True)
def pools_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the file of the pools above, as the setting names it."""
    file = tmp_path / "pools.yaml"
    file.write_text(POOLS, encoding="utf-8")
    monkeypatch.setenv("STATIONMASTER_POOLS_FILE", str(file))
    return file


def a_step(dag: DAG, **arguments: Any) -> StepOperator:  # noqa: ANN401 (of StepOperator)
    """Return a step of the smallest job (size xs)."""
    return StepOperator(task_id="step", job="toy-hello", dag=dag, **arguments)


def taken(step: StepOperator) -> tuple[int, int | None]:
    """Return the slots that a step takes, and how many pods it may have at a time."""
    return step.pool_slots, step.shards_at_once


@settings(deadline=None)
@given(st.lists(NEEDS, max_size=20), st.floats(0.25, 1000))
def test_what_fits_the_slots_is_within_the_cores(needs: list[Need], cores: float) -> None:
    """Any steps whose slots fit a pool together ask for no more cores than it has."""
    pool = PoolRule(cores=cores)
    fitting = [each for each in needs if pool.slots_of(each) * len(needs) <= pool.pool_slots]
    assert sum(each.millicores for each in fitting) <= cores * 1000


@settings(deadline=None)
@given(st.lists(NEEDS, max_size=20), st.floats(0.001, 1000))
def test_what_fits_the_slots_is_within_the_money(needs: list[Need], dollars: float) -> None:
    """Any steps whose slots fit a pool together cost no more an hour than it may."""
    pool = PoolRule(dollars_per_hour=dollars)
    fitting = [each for each in needs if pool.slots_of(each) * len(needs) <= pool.pool_slots]
    assert sum(price_of(each, pool) for each in fitting) <= dollars * (1 + 1e-9)


@settings(deadline=None)
@given(NEEDS, st.integers(0, 8000), st.integers(0, 2**33))
def test_who_asks_for_more_takes_no_fewer_slots(need: Need, millicores: int, memory: int) -> None:
    """Slots grow with cores and memory, and every shard takes at least one."""
    more = need._replace(
        millicores=need.millicores + millicores, memory_bytes=need.memory_bytes + memory
    )
    for pool in (PoolRule(cores=8), PoolRule(dollars_per_hour=2.5)):
        assert 1 <= pool.slots_of(need) <= pool.slots_of(more)


def test_only_what_may_be_interrupted_counts_as_spot() -> None:
    """In a pool of spot prices a step that must not be moved costs what its nodes do."""
    pools = [PoolRule(dollars_per_hour=1, capacity_type=each) for each in ("spot", "on-demand")]
    need = Need(1000, 4 * 2**30)
    assert [pool.slots_of(need) for pool in pools] == [17, 49]
    steady = need._replace(is_interruptible=False)
    assert [pool.slots_of(steady) for pool in pools] == [49, 49]


def test_sizes_are_whole_quarters_of_cores() -> None:
    """An xs is one slot of a pool of cores, and each size twice the one before."""
    needs = [Need(round(float(RESOURCES[size].cpu.rstrip("m"))), 0) for size in (Size.XS, Size.S)]
    needs += [Need(int(RESOURCES[size].cpu) * 1000, 0) for size in (Size.M, Size.L, Size.XL)]
    assert [PoolRule(cores=8).slots_of(each) for each in needs] == [1, 2, 4, 8, 16]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ({"pool": "nightly"}, (1, None)),
        ({"pool": "nightly", "size": "l"}, (8, None)),
        ({"pool": "nightly", "size": "m", "shards": 5}, (20, None)),
        ({"pool": "nightly", "size": "m", "shards": 50}, (32, 8)),
        ({"pool": "nightly", "size": "m", "shards": 50, "shards_at_once": 3}, (12, 3)),
        ({"pool": "nightly", "size": "m", "shards": "{{ 7 }}"}, (32, 8)),
        ({"pool": "nightly", "shards": "{{ 7 }}", "shards_at_once": 4}, (4, 4)),
        ({"pool": "nightly", "shards": "3"}, (3, None)),
        ({"pool": "nightly", "pool_slots": 7, "size": "{{ 'm' }}"}, (7, None)),
        ({"pool": "nightly", "container_resources": {"requests": {"cpu": "600m"}}}, (3, None)),
        ({"pool": "nightly", "container_resources": {"limits": {"cpu": 2}}}, (8, None)),
        ({"pool": "costly"}, (13, None)),
        ({"pool": "cheap"}, (5, None)),
        ({"pool": "priced"}, (12, None)),
        ({"pool": "exports", "size": "xl", "shards": 9}, (1, None)),
        ({"shards": 9, "shards_at_once": 2}, (1, 2)),
    ],
)
def test_a_step_takes_what_its_size_and_shards_are(
    arguments: dict[str, Any], wanted: tuple[int, int | None], dag: DAG
) -> None:
    """Slots are size times the shards at once, and never more than the pool has."""
    assert taken(a_step(dag, **arguments)) == wanted


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            {"pool": "costly", "size": "xl"},
            "150 slots.* 195 slots: a shard of 4 cores and 16 GiB",
        ),
        ({"pool": "nightly", "pool_slots": 33}, "at most 32 slots.* got 33 slots"),
        ({"pool": "exports", "pool_slots": 4}, "at most 3 slots.* a slot is a task"),
        ({"pool": "nightly", "size": "{{ params.size }}"}, "pool_slots= for the largest"),
        ({"shards_at_once": 0}, "a whole number from 1 to 1000"),
        ({"shards_at_once": True}, "a whole number from 1 to 1000"),
    ],
)
def test_a_step_that_would_never_start_is_refused(
    arguments: dict[str, Any], words: str, dag: DAG
) -> None:
    """No step waits for ever: its file is refused, with what to do."""
    with pytest.raises(MisconfiguredError, match=f"(?s){words}"):
        a_step(dag, **arguments)


def test_a_pipeline_is_limited_by_its_default_args(pools_file: Path) -> None:
    """One line limits all steps of a pipeline by cores; the serialized DAG says so."""
    from airflow.sdk import DAG  # noqa: PLC0415 (Airflow makes its home when imported)

    start = dt.datetime(2011, 1, 1, tzinfo=dt.UTC)
    arguments = {"pool": "nightly", "shards_at_once": 2}
    with DAG("limited", schedule=None, start_date=start, default_args=arguments) as dag:
        StepOperator(task_id="plain", job="toy-hello", size="m", shards=3)
        StepOperator.partial(task_id="mapped", job="toy-hello", size="s").expand(
            step_params=[{"rows": 1}, {"rows": 2}]
        )
    assert serialized(dag, "plain").pool_slots == 8
    assert serialized(dag, "mapped").pool_slots == 2
    assert pools_file.exists()


def test_mapping_over_what_a_pool_counts_by_is_refused(dag: DAG) -> None:
    """A mapped size is known too late for the pool; with pool_slots= it is the author's word."""
    made = StepOperator.partial(task_id="a", job="toy-hello", pool="nightly", dag=dag)
    with pytest.raises(MisconfiguredError, match=r"size= is mapped"):
        made.expand(size=["s", "m"])
    said = StepOperator.partial(
        task_id="b", job="toy-hello", pool="nightly", pool_slots=4, dag=dag
    ).expand(size=["s", "m"])
    assert said.pool_slots == 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pools: {a: {cores: 8, slots: 2}}", "expected one of cores"),
        ("pools: {a: {cores: 0.2}}", "less than one slot"),
        ("pools: {a: {core: 8}}", "Extra inputs are not permitted at `core`"),
        ("pools: [a]", "one mapping a pool"),
        ("{", "a YAML or JSON file"),
    ],
)
def test_a_file_that_is_none_of_pools_is_named(
    text: str, words: str, pools_file: Path, dag: DAG
) -> None:
    """What is wrong with the file is said, and where it comes from."""
    pools_file.write_text(text, encoding="utf-8")
    with pytest.raises(MisconfiguredError, match=words):
        a_step(dag, pool="a")


def test_an_unknown_instance_type_is_named(pools_file: Path, dag: DAG) -> None:
    """A pool by the price of a machine that no table has is refused, with where to look."""
    pools_file.write_text("pools: {a: {dollarsPerHour: 1, instanceType: x0.huge}}", "utf-8")
    with pytest.raises(MisconfiguredError, match="cost prices list"):
        a_step(dag, pool="a")


@pytest.mark.usefixtures("_database")
def test_applying_twice_makes_the_pools_once() -> None:
    """The file's pools are made and changed; a pool of somebody else's stays as it is."""
    from airflow.models.pool import Pool  # noqa: PLC0415 (Airflow makes its home when imported)
    from airflow.utils.session import create_session  # noqa: PLC0415 (as above)

    from stationmaster.airflow.poolcommands import apply_pools  # noqa: PLC0415 (as above)

    Pool.create_or_update_pool("by_hand", 5, "mine", include_deferred=False)
    with create_session() as session:
        first = apply_pools({"nightly": PoolRule(cores=8)}, session)
        second = apply_pools({"nightly": PoolRule(cores=8)}, session)
        third = apply_pools({"nightly": PoolRule(dollars_per_hour=2.5)}, session)
        slots = {pool.pool: pool.slots for pool in session.query(Pool)}
    assert first == ["Made nightly: 8 cores in 32 slots; a slot is a quarter of a core."]
    assert second == ["All pools are as the file says."]
    assert third[0].endswith("It had 32 slots.")
    assert (slots["nightly"], slots["by_hand"]) == (2500, 5)
