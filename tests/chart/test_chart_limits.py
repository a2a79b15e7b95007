"""Limits, ranks and prices of steps, from the chart's values to what Airflow and pods are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stationmaster.airflow.pools import PoolRule, read_pools
from tests.chart.rendering import of_kind, refusal, render

if TYPE_CHECKING:
    from pathlib import Path

POOLS = (
    "--set-json",
    (
        'airflow.pools={"nightly": {"cores": 8}, "exports": {"slots": 3}, '
        '"costly": {"dollarsPerHour": 2.5, "capacityType": "spot"}}'
    ),
)


def settings_of(*arguments: str) -> dict[str, Any]:
    """Return the variables of Airflow's pods."""
    data: dict[str, Any] = of_kind(render("kind", *arguments), "ConfigMap")[
        "stationmaster-airflow"
    ]["data"]
    return data


def migration(*arguments: str) -> str:
    """Return the script of the migrations Job."""
    (job,) = of_kind(render("kind", *arguments), "Job").values()
    return str(job["spec"]["template"]["spec"]["containers"][0]["args"][0])


def test_pools_of_the_values_are_pools_of_the_library(tmp_path: Path) -> None:
    """What the values say is the file that operators and `stationmaster pools` read."""
    files = of_kind(render("kind", *POOLS), "ConfigMap")["stationmaster-files"]["data"]
    file = tmp_path / "pools.yaml"
    file.write_text(files["pools.yaml"], encoding="utf-8")
    assert read_pools(file) == {
        "nightly": PoolRule(cores=8),
        "costly": PoolRule(dollars_per_hour=2.5, capacity_type="spot"),
        "exports": PoolRule(slots=3),
    }


def test_pools_are_made_by_the_migrations() -> None:
    """Airflow is told where the file is, and each upgrade applies it; without pools neither is."""
    assert settings_of(*POOLS)["STATIONMASTER_POOLS_FILE"] == "/etc/stationmaster/pools.yaml"
    assert "python -m stationmaster.airflow.poolcommands apply" in migration(*POOLS)
    assert "STATIONMASTER_POOLS_FILE" not in settings_of()
    assert "poolcommands" not in migration()


def test_a_pool_of_two_limits_is_refused() -> None:
    """Helm says so before anything is installed."""
    two = ("--set", "airflow.pools.a.cores=8", "--set", "airflow.pools.a.slots=1")
    assert "airflow.pools.a" in refusal("kind", *two).replace("/", ".")
    assert "airflow.pools.b" in refusal("kind", "--set", "airflow.pools.b.core=8").replace("/", ".")
