"""What stands in the objects: who may do what, what pods may not, and what Airflow is told."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from cryptography.fernet import Fernet

from stationmaster.airflow.catalog import find_job
from stationmaster.ledger.cost.settings import CostSettings
from stationmaster.monitor.dashboard.settings import DashboardSettings
from stationmaster.step.jobfile import find_jobs
from stationmaster.step.settings import Settings
from tests.chart.rendering import CHART, ROOT, Object, of_kind, render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_settings import BaseSettings

NAMES = ("kind", "eks", "eks-cluster", "foreign-airflow")


def pods(objects: list[Object]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each pod's spec, with the name of what makes it."""
    for item in objects:
        spec = item.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec)
        spec = spec if item["kind"] == "Pod" else spec.get("template", {}).get("spec", {})
        if "containers" in spec:
            yield f"{item['kind']}/{item['metadata']['name']}", spec


@pytest.mark.parametrize("name", NAMES)
def test_every_pod_is_restricted(name: str) -> None:
    """No root, no writable root file system, no capabilities, no token unless it starts pods."""
    for where, spec in pods(render(name)):
        assert spec["securityContext"]["runAsNonRoot"] is True, where
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, where
        asks = where.endswith(("scheduler", "watcher", "prometheus"))
        assert spec["automountServiceAccountToken"] is asks, where
        for container in [*spec.get("initContainers", []), *spec["containers"]]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, where
            assert container["resources"]["requests"].keys() >= {"cpu", "memory"}, where
            assert container["resources"]["limits"]["memory"], where


@pytest.mark.parametrize("name", NAMES)
def test_the_platform_may_touch_pods_of_steps_and_nothing_else(name: str) -> None:
    """No exec, no secrets, nothing outside the steps' namespace but reading nodes."""
    objects = render(name)
    role = of_kind(objects, "Role")["stationmaster-launcher"]
    allowed = {
        (what, verb)
        for rule in role["rules"]
        for what in rule["resources"]
        for verb in rule["verbs"]
    }
    assert role["metadata"]["namespace"] == "stationmaster-steps"
    assert {what for what, _ in allowed} == {"pods", "pods/log", "events"}
    assert {verb for what, verb in allowed if what == "pods"} == {
        "create", "get", "list", "watch", "patch", "delete",
    }  # fmt: skip
    (nodes,) = of_kind(objects, "ClusterRole").values()
    assert nodes["rules"] == [
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["karpenter.sh"], "resources": ["nodeclaims"], "verbs": ["get", "list"]},
    ]


def test_the_watcher_may_look_and_change_nothing() -> None:
    """Pods, claims, events and nodes, by no verb that changes; no Secrets, no logs."""
    roles = [
        item
        for item in render("kind")
        if item["kind"] == "Role" and item["metadata"]["name"] == "stationmaster-watcher"
    ]
    places = {item["metadata"].get("namespace") for item in roles}
    assert places == {"stationmaster", "stationmaster-steps"}
    for rule in [rule for item in roles for rule in item["rules"]]:
        assert set(rule["verbs"]) == {"get", "list"}
        assert set(rule["resources"]) <= {"pods", "persistentvolumeclaims", "events"}


def test_the_watcher_logs_in_to_airflow_as_somebody_who_may_look() -> None:
    """The migration makes that user with the password that the watcher has."""
    objects = render("kind")
    maps, secrets = of_kind(objects, "ConfigMap"), of_kind(objects, "Secret")
    users = json.loads(maps["stationmaster-files"]["data"]["users.json"])
    name = secrets["stationmaster-monitor"]["stringData"]["airflow-user"]
    assert users[name]["roles"] == ["Viewer"]
    (job,) = of_kind(objects, "Job").values()
    volumes = {each["name"]: each for each in job["spec"]["template"]["spec"]["volumes"]}
    assert {"key": "airflow-password", "path": name} in [
        item
        for source in volumes["login"]["projected"]["sources"]
        for item in source["secret"].get("items", [])
    ]


def test_watcher_and_dashboard_have_each_their_own_secrets() -> None:
    """Who answers people has no password of Airflow, and who sends alerts signs no session."""
    channels = "monitor.channels.existingSecret=channels"
    objects = of_kind(render("kind", "--set", channels), "Deployment")

    def held(name: str) -> set[str]:
        spec = objects[f"stationmaster-{name}"]["spec"]["template"]["spec"]
        volume = next(each for each in spec["volumes"] if each["name"] == "secrets")
        sources = [each["secret"] for each in volume["projected"]["sources"]]
        return {
            item
            for each in sources
            for item in [i["path"] for i in each.get("items", [])] or [each["name"]]
        }

    assert held("dashboard") == {"dashboard-key", "dashboard-token"}
    assert held("watcher") == {
        "airflow-user",
        "airflow-password",
        "channels",
        "support-api-token",
    }


def test_watcher_and_dashboard_are_told_what_they_read() -> None:
    """Each variable is one of their settings: a misspelt one would silently do nothing."""
    settings = of_kind(render("kind", "--set", "dev.prometheus.enabled=true"), "ConfigMap")[
        "stationmaster-monitor"
    ]["data"]
    models: tuple[type[BaseSettings], ...] = (Settings, DashboardSettings, CostSettings)
    known = {
        f"{model.model_config.get('env_prefix')}{field}".upper()
        for model in models
        for field in model.model_fields
    }
    ours = {name for name in settings if name.startswith("STATIONMASTER_")}
    assert ours - known == set()


@pytest.mark.parametrize(("grows", "expected"), [("true", {"patch"}), ("false", set())])
def test_pods_are_resized_only_where_that_is_wanted(grows: str, expected: set[str]) -> None:
    """The right to resize pods comes with growInPlace, and the platform is told of it."""
    objects = render("kind", f"--set=steps.growInPlace={grows}")
    rules = of_kind(objects, "Role")["stationmaster-launcher"]["rules"]
    verbs = {verb for rule in rules if "pods/resize" in rule["resources"] for verb in rule["verbs"]}
    assert verbs == expected
    told = [
        config["data"]["STATIONMASTER_GROW_IN_PLACE"]
        for config in of_kind(objects, "ConfigMap").values()
        if "STATIONMASTER_GROW_IN_PLACE" in config.get("data", {})
    ]
    assert set(told) == {grows}


def test_steps_live_where_pod_security_is_restricted() -> None:
    """The steps' namespace enforces the strictest level."""
    namespace = of_kind(render("kind"), "Namespace")["stationmaster-steps"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_a_job_that_must_not_be_moved_goes_to_the_nodes_that_stay() -> None:
    """`interruptible: false` adds the nodes of the values to the job's own, and to no other's."""
    objects = render(
        "eks-cluster",
        "--set=jobs.extract-web.interruptible=false",
        "--set=steps.uninterruptible.nodeSelector.karpenter\\.sh/capacity-type=on-demand",
    )
    text = of_kind(objects, "ConfigMap")["stationmaster-catalog"]["data"]["catalog.yaml"]
    jobs = yaml.safe_load(text)["jobs"]
    own = {"stationmaster.io/nodes": "steps"}
    steady = {**own, "karpenter.sh/capacity-type": "on-demand"}
    assert jobs["extract-web"]["kubernetes"]["nodeSelector"] == steady
    assert jobs["extract-app"]["kubernetes"]["nodeSelector"] == own


def test_the_catalog_holds_every_job_as_its_file_says(tmp_path: Path) -> None:
    """The chart's jobs are those of the folder, field by field, and the library can read them."""
    catalog = tmp_path / "catalog.yaml"
    maps = of_kind(render("foreign-airflow"), "ConfigMap")
    catalog.write_text(maps["stationmaster-catalog"]["data"]["catalog.yaml"])
    files = {file.name: file for file in find_jobs(ROOT / "jobs")}
    assert yaml.safe_load(catalog.read_text())["jobs"].keys() == files.keys()
    for name, file in files.items():
        job = find_job(name, Settings(catalog_file=catalog))
        assert job.file == file, (
            f"charts/stationmaster/values.yaml: jobs.{name} is not its job.yaml"
        )
        assert job.image == f"stationmaster/{name}:0.1.0"


def test_a_job_with_a_role_of_its_own_runs_under_its_own_account(tmp_path: Path) -> None:
    """Annotations on one job's account do not reach the other jobs."""
    objects = render("eks")
    catalog = tmp_path / "catalog.yaml"
    text = of_kind(objects, "ConfigMap")["stationmaster-catalog"]["data"]["catalog.yaml"]
    catalog.write_text(text)
    settings = Settings(catalog_file=catalog)
    support = find_job("extract-support", settings).placement.service_account
    assert support == "stationmaster-step-extract-support"
    assert find_job("extract-web", settings).placement.service_account == "stationmaster-step"
    accounts = of_kind(objects, "ServiceAccount")
    assert accounts[support]["metadata"]["annotations"]["eks.amazonaws.com/role-arn"]


def test_an_image_by_digest_stands_above_its_tag() -> None:
    """What is deployed is what was built, when the digest is known."""
    digest = f"sha256:{'0' * 64}"
    objects = render("kind", "--set", f"jobs.extract-web.image.digest={digest}")
    catalog = of_kind(objects, "ConfigMap")["stationmaster-catalog"]["data"]["catalog.yaml"]
    image = yaml.safe_load(catalog)["jobs"]["extract-web"]["image"]
    assert image == f"stationmaster/extract-web@{digest}"


def test_every_airflow_setting_is_one_that_airflow_has() -> None:
    """No setting is misspelt or of another version: Airflow would silently ignore it."""
    settings = of_kind(render("eks"), "ConfigMap")["stationmaster-airflow"]["data"]
    spec = find_spec("airflow.config_templates")
    assert spec is not None
    assert spec.submodule_search_locations
    known = yaml.safe_load((Path(spec.submodule_search_locations[0]) / "config.yml").read_text())
    options = {
        f"AIRFLOW__{section}__{option}".upper()
        for section in known
        for option in known[section]["options"]
    }
    ours = {name for name in settings if name.startswith("AIRFLOW__")}
    assert {name for name in ours if not name.startswith("AIRFLOW__FAB__")} <= options


def test_spans_go_where_metrics_go_by_the_same_protocol() -> None:
    """Airflow's default speaks gRPC: at a port that expects HTTP nothing would arrive."""
    settings = of_kind(render("eks"), "ConfigMap")["stationmaster-airflow"]["data"]
    assert settings["OTEL_EXPORTER_OTLP_ENDPOINT"].endswith(":4318")
    assert settings["OTEL_EXPORTER_OTLP_PROTOCOL"] == "http/protobuf"
    assert settings["OTEL_TRACES_EXPORTER"] == "otlp_proto_http"


def test_passwords_of_one_render_fit_each_other() -> None:
    """The URI that Airflow, ledger and steps use holds the password that Postgres takes."""
    objects = render("kind")
    secrets = of_kind(objects, "Secret")
    passwords = secrets["stationmaster-postgres"]["stringData"]
    for key, role in {"airflow": "airflow", "catalog": "iceberg", "ledger": "ledger"}.items():
        uri = secrets["stationmaster-database"]["stringData"][key]
        assert f"://{role}:{passwords[f'{role.upper()}_PASSWORD']}@" in uri
    steps, store = (secrets[f"stationmaster-{name}"]["stringData"] for name in ("step", "s3"))
    assert passwords["ICEBERG_PASSWORD"] in steps["STATIONMASTER_CATALOG_URI"]
    assert steps["AWS_SECRET_ACCESS_KEY"] == store["AWS_SECRET_ACCESS_KEY"]


def test_the_fernet_key_is_one() -> None:
    """Airflow can encrypt with what the chart draws."""
    keys = of_kind(render("kind"), "Secret")["stationmaster-keys"]["stringData"]
    key = keys["AIRFLOW__CORE__FERNET_KEY"]
    assert Fernet(key).decrypt(Fernet(key).encrypt(b"word")) == b"word"


def test_an_api_server_is_there_all_the_time() -> None:
    """A rollout takes none away before the new one answers."""
    server = of_kind(render("kind"), "Deployment")["stationmaster-api-server"]["spec"]
    assert server["replicas"] == 2
    assert server["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_steps_reach_only_what_the_policies_name() -> None:
    """Everything is denied first; no rule of the kind values is open to any address."""
    policies = of_kind(render("kind"), "NetworkPolicy")
    deny = policies["default-deny"]["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert all(rule.get("to") for rule in policies["steps"]["spec"]["egress"])


def test_every_key_of_the_schema_has_a_default_and_the_other_way_round() -> None:
    """Whoever reads values.yaml sees every key there is, at any depth."""

    def compare(values: Any, schema: dict[str, Any], where: str) -> list[str]:  # noqa: ANN401 (any JSON)
        known = schema.get("properties")
        if not known or not isinstance(values, dict):
            return []
        apart = [f"{where}.{key}" for key in values.keys() ^ known.keys()]
        both = values.keys() & known.keys()
        below = [compare(values[key], known[key], f"{where}.{key}") for key in both]
        return apart + [found for part in below for found in part]

    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert compare(values, schema, "") == [".global"]
