"""Gather the facts of the infrastructure: what is kept between looks, and one look of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stationmaster.monitor.facts.airflowapi import AirflowApi
from stationmaster.monitor.facts.airflowlook import AirflowLook
from stationmaster.monitor.facts.alertmanager import AlertmanagerApi, AlertmanagerLook
from stationmaster.monitor.facts.clusterapi import ClusterApi
from stationmaster.monitor.facts.clusterlook import ClusterLook, namespaces_of
from stationmaster.monitor.facts.partslook import PartsLook
from stationmaster.monitor.facts.prometheusapi import PrometheusApi
from stationmaster.monitor.facts.prometheuslook import PrometheusLook
from stationmaster.monitor.facts.storeslook import StoreProbes, StoresLook

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    from stationmaster.monitor.facts.airflow import AirflowFacts
    from stationmaster.monitor.facts.alertmanager import AlertmanagerFacts
    from stationmaster.monitor.facts.cluster import ClusterFacts
    from stationmaster.monitor.facts.parts import PartsFacts
    from stationmaster.monitor.facts.prometheus import PrometheusFacts
    from stationmaster.monitor.facts.stores import StoresFacts
    from stationmaster.step.settings import Settings

__all__ = ["Infrastructure"]


class Infrastructure:
    """Hold clients and probes; opens nothing before it is asked. None of it needs the ledger.

    Args:
        settings: Name where everything is.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._airflow = AirflowApi(settings.airflow_url, settings.secrets_folder)
        self._alertmanager = AlertmanagerApi(settings.alertmanager_url)
        self._prometheus = PrometheusApi(settings.prometheus_url, settings.secrets_folder)
        self._cluster = ClusterApi(
            settings.kubernetes_url, kubeconfig=settings.runtime == "kubernetes"
        )
        self._stores = StoreProbes(settings)
        self._namespaces = namespaces_of(
            settings.watched_namespaces, self._cluster.own_namespace, settings.steps_namespace
        )

    def close(self) -> None:
        """Close all connections."""
        for each in (self._airflow, self._alertmanager, self._prometheus, self._cluster):
            each.close()

    def parts(self, now: dt.datetime) -> Mapping[str, Callable[[], Any]]:
        """Return what gathers each part of the facts of one look, by its name.

        Args:
            now: The look's moment.
        """

        def airflow() -> AirflowFacts:
            return AirflowLook(self._airflow, now)

        def cluster() -> ClusterFacts:
            return ClusterLook(self._cluster, self._namespaces)

        def prometheus() -> PrometheusFacts:
            return PrometheusLook(self._prometheus, now, self._namespaces)

        def alertmanager() -> AlertmanagerFacts:
            return AlertmanagerLook(self._alertmanager)

        def stores() -> StoresFacts:
            return StoresLook(self._stores, now)

        def platform() -> PartsFacts:
            return PartsLook(self._settings)

        return {
            "airflow": airflow,
            "alertmanager": alertmanager,
            "cluster": cluster,
            "platform": platform,
            "prometheus": prometheus,
            "stores": stores,
        }
