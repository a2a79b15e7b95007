"""Who reaches whom, by the NetworkPolicies as they are rendered (kind's network enforces none)."""

from __future__ import annotations

import pytest

from tests.chart.policing import AGENT, BUCKET, DNS, METADATA, Peer, part, reaches, step
from tests.chart.rendering import of_kind, render

DATABASE = Peer(address="10.0.0.5")
ELSEWHERE = Peer("monitoring", {"app": "prometheus"})
OTEL = Peer("monitoring", {"app": "otel-collector"})


@pytest.mark.parametrize(
    ("target", "port", "wanted"),
    [
        (DNS, 53, True),
        (part("postgres"), 5432, True),
        (part("seaweedfs"), 8333, True),
        (part("sources"), 8765, True),
        (part("api-server"), 8080, False),
        (part("scheduler"), 8793, False),
        (step("merge-customers"), 80, False),
        (BUCKET, 443, False),
        (METADATA, 80, False),
        (ELSEWHERE, 9090, False),
    ],
)
def test_a_step_on_kind_reaches_its_sources_and_stores_only(
    target: Peer, port: int, *, wanted: bool
) -> None:
    """Neither Airflow nor other steps nor the outside."""
    assert reaches(render("kind"), step(), target, port) is wanted


@pytest.mark.parametrize("name", ["eks", "eks-cluster", "foreign-airflow"])
@pytest.mark.parametrize(
    ("target", "port", "wanted"),
    [
        (DNS, 53, True),
        (BUCKET, 443, True),  # S3, and STS for roles by annotation
        (DATABASE, 5432, True),
        (AGENT, 80, True),  # Pod Identity
        (METADATA, 80, False),  # the node's own role
        (part("api-server"), 8080, False),
        (OTEL, 4318, False),
    ],
)
def test_a_step_in_the_cloud_reaches_stores_and_its_role_but_not_the_node_s(
    name: str, target: Peer, port: int, *, wanted: bool
) -> None:
    """The instance metadata, which would hand out the node's role, stays shut."""
    assert reaches(render(name), step(), target, port) is wanted


@pytest.mark.parametrize("component", ["api-server", "scheduler", "triggerer", "migrations"])
@pytest.mark.parametrize(
    ("target", "port", "wanted"),
    [
        (DNS, 53, True),
        (DATABASE, 5432, True),
        (BUCKET, 443, True),  # also Kubernetes' API and the OIDC provider
        (Peer(address="10.0.0.9"), 6443, True),
        (AGENT, 80, True),
        (OTEL, 4318, True),
        (part("scheduler"), 8793, True),  # live logs
        (part("api-server"), 8080, True),
        (METADATA, 80, False),
        (ELSEWHERE, 9090, False),
    ],
)
def test_every_part_of_airflow_reaches_what_the_eks_values_name(
    component: str, target: Peer, port: int, *, wanted: bool
) -> None:
    """Database, buckets, roles, telemetry, one another."""
    assert reaches(render("eks"), part(component), target, port) is wanted


@pytest.mark.parametrize(
    ("target", "port", "wanted"),
    [
        ("api-server", 8080, True),
        ("metrics", 9102, True),
        ("watcher", 9103, True),
        ("metrics", 8125, False),
        ("scheduler", 8793, False),
        ("postgres", 5432, False),
        ("seaweedfs", 8333, False),
    ],
)
def test_others_in_the_cluster_reach_the_ui_and_the_metrics_only(
    target: str, port: int, *, wanted: bool
) -> None:
    """A Prometheus elsewhere scrapes; nobody else's pod reads the database or a log."""
    objects = render("kind", "--set", "airflow.metrics.exporter.enabled=true")
    assert reaches(objects, ELSEWHERE, part(target), port) is wanted


@pytest.mark.parametrize(
    ("target", "port", "wanted"),
    [
        (DNS, 53, True),
        (DATABASE, 5432, True),
        (BUCKET, 443, True),  # also chat, and Kubernetes' API
        (Peer(address="10.0.0.9"), 6443, True),
        (Peer(address="203.0.113.25"), 587, True),  # mail
        (part("api-server"), 8080, True),
        (METADATA, 80, False),
        (Peer(address="203.0.113.25"), 22, False),
    ],
)
def test_the_watcher_reaches_what_it_looks_at_and_who_is_told(
    target: Peer, port: int, *, wanted: bool
) -> None:
    """Database, buckets, Airflow, the cluster, channels; nothing else."""
    assert reaches(render("eks"), part("watcher"), target, port) is wanted


def test_a_dashboard_by_token_is_reached_by_nobody_but_a_port_forward() -> None:
    """It listens on its pod's loopback, and no policy lets anybody in."""
    objects = render("kind")
    spec = of_kind(objects, "Deployment")["stationmaster-dashboard"]["spec"]["template"]["spec"]
    command = spec["containers"][0]["command"]
    assert command[command.index("--host") + 1] == "127.0.0.1"
    assert not reaches(objects, ELSEWHERE, part("dashboard"), 8090)


def test_a_dashboard_with_a_login_of_its_own_is_reached_where_people_are() -> None:
    """By its port, and it may ask the provider."""
    login = "monitor.dashboard.login=oidc,monitor.dashboard.viewers={data}"
    oidc = "issuer=https://login.example.com:8443,clientId=a,existingSecret=b"
    more = ",".join(f"monitor.dashboard.oidc.{each}" for each in oidc.split(","))
    url = "monitor.dashboard.publicUrl=https://numbers.example.com"
    objects = render("kind", "--set", f"{login},{more},{url}")
    assert reaches(objects, ELSEWHERE, part("dashboard"), 8090)
    assert reaches(objects, part("dashboard"), Peer(address="203.0.113.9"), 8443)
    assert not reaches(objects, step(), part("dashboard"), 8090)


@pytest.mark.parametrize(
    ("setting", "port", "protocol"),
    [
        ("database.port=6432", 6432, "TCP"),
        ("storage.endpoint=http://minio.storage:9000", 9000, "TCP"),
        ("steps.supportApiUrl=http://support.example.com", 80, "TCP"),
        ("airflow.login.oidc.issuer=https://login.example.com:8443", 8443, "TCP"),
        ("airflow.metrics.statsd.host=statsd.monitoring", 8125, "UDP"),
    ],
)
def test_a_port_that_a_value_names_is_open_to_the_platform(
    setting: str, port: int, protocol: str
) -> None:
    """Whoever gives an address does not have to write a policy as well."""
    there = Peer(address="10.1.2.3")
    assert not reaches(render("eks"), part("scheduler"), there, port, protocol)
    objects = render("eks", "--set", setting)
    assert reaches(objects, part("scheduler"), there, port, protocol)


def test_a_job_s_own_egress_is_its_own() -> None:
    """What one job may reach beyond the others, the others may not."""
    setting = 'jobs.extract-web.egress=[{"ports":[{"port":22,"protocol":"TCP"}]}]'
    objects = render("kind", "--set-json", setting)
    assert reaches(objects, step("extract-web"), BUCKET, 22)
    assert not reaches(objects, step("extract-app"), BUCKET, 22)
