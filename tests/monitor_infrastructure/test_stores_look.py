"""Which ways there are, by what the settings name; and that disks remember."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from stationmaster.monitor.facts.missing import FactsNotHereError
from stationmaster.monitor.facts.storeobjects import endpoint_of
from stationmaster.monitor.facts.storeslook import StoreProbes, StoresLook
from stationmaster.step.settings import Settings
from tests.monitor_infrastructure.infrastructure import NOW

if TYPE_CHECKING:
    from pathlib import Path

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reach everything directly, unless a test says otherwise."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def far(folder: Path) -> Settings:
    """Return settings whose parts are all elsewhere, where nobody listens."""
    return Settings(
        home=folder,
        ledger_uri="postgresql://u:p@127.0.0.1:9/ledger",
        catalog_uri="postgresql://u:p@127.0.0.1:9/catalog",
        warehouse="s3://warehouse",
        s3_endpoint="http://127.0.0.1:19",
        airflow_url="http://127.0.0.1:29",
        prometheus_url="http://127.0.0.1:39",
    )


def test_there_is_one_way_to_each_server(tmp_path: Path) -> None:
    """Two databases of one server are one way; what is local needs none."""
    hops = StoresLook(StoreProbes(far(tmp_path)), NOW).hops()

    assert {hop.target: hop.uses for hop in hops} == {
        "127.0.0.1:9": ("catalog", "ledger"),
        "127.0.0.1:19": ("object store",),
        "127.0.0.1:29": ("Airflow",),
        "127.0.0.1:39": ("Prometheus",),
    }
    assert StoresLook(StoreProbes(Settings(home=tmp_path)), NOW).hops() == ()


def test_where_clients_go_by_a_proxy_there_is_no_way_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A firewall that lets only the proxy through is no broken network; databases know no proxy."""
    monkeypatch.setenv("http_proxy", "http://proxy:3128")

    hops = StoresLook(StoreProbes(far(tmp_path)), NOW).hops()

    assert [hop.target for hop in hops] == ["127.0.0.1:9"]


def test_disks_remember_a_day(tmp_path: Path) -> None:
    """Points five minutes apart, no more than a cycle of them, for as long as we run."""
    probes = StoreProbes(Settings(home=tmp_path))
    for minute in range(0, 26 * 60, 3):
        (disk,) = StoresLook(probes, NOW + dt.timedelta(minutes=minute)).disks()

    assert 200 < len(disk.history) <= 290
    assert disk.history[-1].at - disk.history[0].at <= dt.timedelta(hours=24)
    assert disk.trend() is not None


def test_a_pods_disk_is_its_nodes(tmp_path: Path) -> None:
    """It is found there, by the node's name, and not once more for each pod."""
    with pytest.raises(FactsNotHereError):
        StoresLook(StoreProbes(Settings(home=tmp_path, runtime="kubernetes")), NOW).disks()


def test_s3_has_an_endpoint_also_without_a_setting(tmp_path: Path) -> None:
    """AWS's own, of the region; China has its own domain."""
    regions = {"eu-west-1": "s3.eu-west-1.amazonaws.com:443"}
    regions["cn-north-1"] = "s3.cn-north-1.amazonaws.com.cn:443"

    told = {name: endpoint_of(Settings(home=tmp_path, s3_region=name)) for name in regions}

    assert told == regions
