"""Limits, ranks and prices of steps, from the chart's values to what Airflow and pods are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from stationmaster.airflow.pools import PoolRule, read_pools
from stationmaster.ledger.cost.prices import PriceBook
from stationmaster.ledger.cost.settings import CostSettings
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
    assert "stationmaster pools apply" in migration(*POOLS)
    assert "STATIONMASTER_POOLS_FILE" not in settings_of()
    assert "pools" not in migration()


def test_a_pool_of_two_limits_is_refused() -> None:
    """Helm says so before anything is installed."""
    two = ("--set", "airflow.pools.a.cores=8", "--set", "airflow.pools.a.slots=1")
    assert "airflow.pools.a" in refusal("kind", *two).replace("/", ".")
    assert "airflow.pools.b" in refusal("kind", "--set", "airflow.pools.b.core=8").replace("/", ".")


def test_pools_of_an_airflow_that_is_not_the_chart_s_are_refused() -> None:
    """Values that nobody would read end with the way to do it."""
    told = refusal("foreign-airflow", *POOLS)
    assert "stationmaster pools apply FILE" in told


def jobs_of(*arguments: str) -> dict[str, Any]:
    """Return the catalog's jobs."""
    text = of_kind(render("kind", *arguments), "ConfigMap")["stationmaster-catalog"]["data"]
    jobs: dict[str, Any] = yaml.safe_load(text["catalog.yaml"])["jobs"]
    return jobs


def test_urgent_steps_take_the_place_of_ordinary_ones_only() -> None:
    """Kubernetes preempts what ranks lower: ordinary steps, never those that must not be moved."""
    classes = of_kind(render("kind"), "PriorityClass")
    value = {name.removeprefix("stationmaster-"): each["value"] for name, each in classes.items()}
    assert value["step"] < value["urgent"] == value["uninterruptible"] < value["platform"]
    assert classes["stationmaster-uninterruptible"]["preemptionPolicy"] == "Never"
    assert "preemptionPolicy" not in classes["stationmaster-urgent"]
    assert settings_of()["STATIONMASTER_URGENT_PRIORITY_CLASS"] == "stationmaster-urgent"


def test_a_job_that_must_not_be_moved_ranks_as_high_as_urgent_ones() -> None:
    """`interruptible: false` gives its pods the class that nothing urgent preempts."""
    jobs = jobs_of("--set", "jobs.extract-web.interruptible=false")
    assert jobs["extract-web"]["kubernetes"]["priorityClass"] == "stationmaster-uninterruptible"
    assert jobs["extract-app"]["kubernetes"]["priorityClass"] == "stationmaster-step"


def test_without_priority_classes_nothing_names_one() -> None:
    """Where a cluster's own classes are used, the chart makes none and refers to none."""
    off = ("--set", "priorityClasses.enabled=false")
    assert of_kind(render("kind", *off), "PriorityClass") == {}
    assert "STATIONMASTER_URGENT_PRIORITY_CLASS" not in settings_of(*off)
    assert not any("priorityClass" in each["kubernetes"] for each in jobs_of(*off).values())


COSTS = (
    *("--set", "steps.cost.currency=EUR", "--set-json", "steps.cost.perUsd=0.92"),
    *("--set", "steps.cost.region=eu-west-1", "--set-json", "steps.cost.spotShare=0.4"),
)
PRICES = """# mine
region,instance_type,vcpu,memory_mib,usd_per_hour
eu-west-1,rack-1,64,262144,1.5
"""


def test_costs_of_the_values_are_settings_of_the_library(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What the values say is what launcher and `stationmaster cost` read from their variables."""
    file = tmp_path / "prices.csv"
    file.write_text(PRICES, encoding="utf-8")
    told = (*COSTS, "--set-file", f"steps.cost.prices={file}")
    for name, value in settings_of(*told).items():
        monkeypatch.setenv(name, value)
    made = of_kind(render("kind", *told), "ConfigMap")["stationmaster-files"]["data"]["prices.csv"]
    assert made == PRICES
    monkeypatch.setenv("STATIONMASTER_COST_PRICES", str(file))
    assert PriceBook.from_settings(CostSettings()).price_of(
        "rack-1", "spot"
    ).per_hour == pytest.approx(0.6)
    assert (CostSettings().currency, CostSettings().per_usd) == ("EUR", 0.92)
    assert settings_of(*told)["STATIONMASTER_COST_PRICES"] == "/etc/stationmaster/prices.csv"


def test_the_chart_s_costs_are_the_library_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody pays otherwise for having installed the chart: its defaults change nothing."""
    plain = CostSettings()
    for name, value in settings_of().items():
        monkeypatch.setenv(name, value)
    assert CostSettings() == plain


@pytest.mark.parametrize(
    "value", ["prices=12", "spotShare=0", "spotShare=1.5", "currency=Euro", "perUsd=-1"]
)
def test_a_cost_that_makes_no_sense_is_refused(value: str) -> None:
    """Helm names the value before anything is installed."""
    name = value.partition("=")[0]
    flag = "--set-json" if name in {"spotShare", "perUsd"} else "--set-string"
    assert f"/steps/cost/{name}" in refusal("kind", flag, f"steps.cost.{value}")
