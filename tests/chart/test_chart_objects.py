"""Exactly which objects the chart makes, by kind and name."""

from __future__ import annotations

import pytest

from tests.chart.rendering import Object, render

STEPS = {
    "ClusterRole/stationmaster-stationmaster-nodes",
    "ClusterRoleBinding/stationmaster-stationmaster-nodes",
    "ConfigMap/stationmaster-catalog",
    "ConfigMap/stationmaster-step",
    "CronJob/stationmaster-maintenance",
    "Namespace/stationmaster-steps",
    "NetworkPolicy/default-deny",
    "NetworkPolicy/steps",
    "PriorityClass/stationmaster-platform",
    "PriorityClass/stationmaster-step",
    "PriorityClass/stationmaster-uninterruptible",
    "PriorityClass/stationmaster-urgent",
    "Role/stationmaster-launcher",
    "RoleBinding/stationmaster-launcher",
    "ServiceAccount/stationmaster-step",
}
AIRFLOW = {
    "ConfigMap/stationmaster-airflow",
    "ConfigMap/stationmaster-backup",
    "ConfigMap/stationmaster-files",
    "CronJob/stationmaster-backup",
    "CronJob/stationmaster-db-clean",
    "CronJob/stationmaster-restore",
    "Deployment/stationmaster-api-server",
    "Deployment/stationmaster-dag-processor",
    "Deployment/stationmaster-scheduler",
    "Deployment/stationmaster-triggerer",
    "Job/stationmaster-migrate-1",
    "NetworkPolicy/stationmaster-airflow",
    "NetworkPolicy/stationmaster-default",
    "NetworkPolicy/stationmaster-ui",
    "Pod/stationmaster-test",
    "PodDisruptionBudget/stationmaster-api-server",
    "PodDisruptionBudget/stationmaster-dag-processor",
    "PodDisruptionBudget/stationmaster-scheduler",
    "PodDisruptionBudget/stationmaster-triggerer",
    "Secret/stationmaster-login",
    "Service/stationmaster-api-server",
    "ServiceAccount/stationmaster-platform",
    "ServiceAccount/stationmaster-scheduler",
}
MONITOR = {
    "ClusterRoleBinding/stationmaster-stationmaster-watcher",
    "ConfigMap/stationmaster-monitor",
    "ConfigMap/stationmaster-monitor-files",
    "ConfigMap/stationmaster-rules",
    "Deployment/stationmaster-dashboard",
    "Deployment/stationmaster-watcher",
    "NetworkPolicy/stationmaster-watcher",
    "PodDisruptionBudget/stationmaster-dashboard",
    "PodDisruptionBudget/stationmaster-watcher",
    "Role/stationmaster-watcher",
    "RoleBinding/stationmaster-watcher",
    "Secret/stationmaster-monitor",
    "Service/stationmaster-dashboard",
    "Service/stationmaster-watcher",
    "ServiceAccount/stationmaster-dashboard",
    "ServiceAccount/stationmaster-watcher",
}
PROMETHEUS = {
    "ClusterRole/stationmaster-stationmaster-prometheus",
    "ClusterRoleBinding/stationmaster-stationmaster-prometheus",
    "ConfigMap/stationmaster-prometheus",
    "Deployment/stationmaster-alertmanager",
    "Deployment/stationmaster-prometheus",
    "NetworkPolicy/stationmaster-prometheus",
    "Role/stationmaster-prometheus",
    "RoleBinding/stationmaster-prometheus",
    "Service/stationmaster-alertmanager",
    "Service/stationmaster-prometheus",
    "ServiceAccount/stationmaster-prometheus",
}
DEV = {
    "Deployment/stationmaster-sources",
    "NetworkPolicy/stationmaster-dev",
    "PersistentVolumeClaim/stationmaster-sources",
    "Secret/stationmaster-database",
    "Secret/stationmaster-keys",
    "Secret/stationmaster-postgres",
    "Secret/stationmaster-s3",
    "Secret/stationmaster-step",
    "Secret/support-api-token",
    "Service/stationmaster-postgres",
    "Service/stationmaster-seaweedfs",
    "Service/stationmaster-sources",
    "StatefulSet/stationmaster-postgres",
    "StatefulSet/stationmaster-seaweedfs",
}
OWN_KEYS = {"Secret/stationmaster-keys"}
EKS = {
    "Ingress/stationmaster",
    "Ingress/stationmaster-dashboard",
    "NetworkPolicy/stationmaster-dashboard",
    "NetworkPolicy/step-extract-support",
    "ResourceQuota/stationmaster-steps",
    "ServiceAccount/stationmaster-step-extract-support",
}


def names(objects: list[Object]) -> set[str]:
    """Return each object as kind and name."""
    return {f"{item['kind']}/{item['metadata']['name']}" for item in objects}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("kind", STEPS | AIRFLOW | MONITOR | DEV),
        ("eks", STEPS | AIRFLOW | MONITOR | EKS),
        (
            "eks-cluster",
            STEPS | AIRFLOW | MONITOR | OWN_KEYS | {"ResourceQuota/stationmaster-steps"},
        ),
        ("foreign-airflow", STEPS),
    ],
)
def test_the_chart_makes_exactly_these_objects(name: str, wanted: set[str]) -> None:
    """Nothing is made that nobody asked for, and nothing asked for is left out."""
    assert names(render(name)) == wanted


@pytest.mark.parametrize(
    ("switch", "gone"),
    [
        (
            "steps.readNodes=false",
            {
                "ClusterRole/stationmaster-stationmaster-nodes",
                "ClusterRoleBinding/stationmaster-stationmaster-nodes",
                "ClusterRoleBinding/stationmaster-stationmaster-watcher",
            },
        ),
        ("monitor.enabled=false", MONITOR),
        (
            "monitor.dashboard.enabled=false",
            {name for name in MONITOR if name.endswith("-dashboard")},
        ),
        ("monitor.prometheus.rules=false", {"ConfigMap/stationmaster-rules"}),
        ("steps.createNamespace=false", {"Namespace/stationmaster-steps"}),
        ("maintenance.enabled=false", {"CronJob/stationmaster-maintenance"}),
        ("airflow.dbClean.enabled=false", {"CronJob/stationmaster-db-clean"}),
        (
            "backup.enabled=false",
            {
                "ConfigMap/stationmaster-backup",
                "CronJob/stationmaster-backup",
                "CronJob/stationmaster-restore",
            },
        ),
        ("airflow.keys.existingSecret=ours", {"Secret/stationmaster-keys"}),
        ("airflow.login.existingSecret=ours", {"Secret/stationmaster-login"}),
    ],
)
def test_a_switch_takes_away_what_it_names_and_no_more(switch: str, gone: set[str]) -> None:
    """Each switch has an effect, and only its own."""
    whole, less = names(render("kind")), names(render("kind", "--set", switch))
    assert whole - less == gone
    assert less <= whole


def test_an_exporter_brings_a_port_that_prometheus_scrapes() -> None:
    """Metrics are one switch away, and Airflow is told where to send them."""
    objects = render("kind", "--set", "airflow.metrics.exporter.enabled=true")
    named = {(item["kind"], item["metadata"]["name"]): item for item in objects}
    ports = named["Service", "stationmaster-metrics"]["spec"]["ports"]
    assert {"name": "metrics", "port": 9102, "targetPort": "metrics"} in ports
    settings = named["ConfigMap", "stationmaster-airflow"]["data"]
    assert settings["AIRFLOW__METRICS__STATSD_HOST"] == "stationmaster-metrics"
    assert names(objects) - names(render("kind")) == {
        "Deployment/stationmaster-metrics",
        "NetworkPolicy/stationmaster-metrics",
        "Service/stationmaster-metrics",
    }


def test_prometheus_and_alertmanager_are_one_switch_away() -> None:
    """And the watcher is told where they are."""
    objects = render("kind", "--set", "dev.prometheus.enabled=true")
    settings = next(
        item["data"]
        for item in objects
        if (item["kind"], item["metadata"]["name"]) == ("ConfigMap", "stationmaster-monitor")
    )
    assert names(objects) - names(render("kind")) == PROMETHEUS
    assert settings["STATIONMASTER_PROMETHEUS_URL"] == "http://stationmaster-prometheus:9090"
    assert settings["STATIONMASTER_ALERTMANAGER_URL"] == "http://stationmaster-alertmanager:9093"


def test_where_the_operator_is_its_kinds_are_used() -> None:
    """Then nothing is scraped twice: the pods carry no annotations."""
    objects = render("kind", "--set", "monitor.prometheus.operator=on")
    gone = names(render("kind")) - names(objects)
    assert gone == {"ConfigMap/stationmaster-rules"}
    assert names(objects) - names(render("kind")) == {
        "PrometheusRule/stationmaster",
        "ServiceMonitor/stationmaster",
    }
    named = {(item["kind"], item["metadata"]["name"]): item for item in objects}
    watcher = named["Deployment", "stationmaster-watcher"]["spec"]["template"]["metadata"]
    assert "prometheus.io/scrape" not in watcher["annotations"]


def test_one_clock_maintains_the_datasets() -> None:
    """The DAG has no schedule where the CronJob is, and the CronJob's where it is not."""

    def told(*arguments: str) -> str:
        objects = render("kind", *arguments)
        named = {(item["kind"], item["metadata"]["name"]): item for item in objects}
        settings = named["ConfigMap", "stationmaster-airflow"]["data"]
        return str(settings["STATIONMASTER_MAINTENANCE_SCHEDULE"])

    assert told() == ""
    assert told("--set", "maintenance.enabled=false") == "0 4 * * 0"


def test_two_releases_tell_their_pods_apart() -> None:
    """Each Airflow is told an id of its own, by which it knows the pods of its steps."""
    ids = set()
    for namespace in ("staging", "production"):
        objects = render("kind", namespace=namespace)
        named = {(item["kind"], item["metadata"]["name"]): item for item in objects}
        ids.add(named["ConfigMap", "stationmaster-airflow"]["data"]["STATIONMASTER_PLATFORM_ID"])
    assert ids == {"staging.stationmaster", "production.stationmaster"}
