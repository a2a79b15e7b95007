"""What the chart refuses: unknown keys, wrong types, and combinations that cannot work."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.chart.rendering import CHART, ROOT, refusal

POSTGRES_OFF = "dev.postgres.enabled=false"
DASHBOARD = "monitor.dashboard"
INGRESS = f"{DASHBOARD}.ingress"
BY_PROXY = f"{DASHBOARD}.login=proxy,{DASHBOARD}.proxy.addresses={{10.0.0.1}}"


@pytest.mark.parametrize(
    "setting",
    [
        "imagee.tag=1",
        "airflow.schedulr.replicas=2",
        "airflow.scheduler.replica=2",
        "airflow.login.users.eve.email=e@example.org",
        "jobs.extract-web.sizes=l",
        "dev.postgres.enable=true",
        "storage.bucket=x",
    ],
)
def test_an_unknown_or_missing_key_is_refused(setting: str) -> None:
    """A slip of the pen is an error at once, not a setting that silently does nothing."""
    said = refusal("kind", "--set", setting)
    assert "additional properties" in said or "missing properties" in said


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("storage.warehouse=/tmp/warehouse", "/storage/warehouse"),
        ("jobs.extract-web.size=xxl", "/jobs/extract-web/size"),
        ("airflow.config.core__parallelism=4", "/airflow/config"),
        ("airflow.scheduler.replicas=0", "/airflow/scheduler/replicas"),
        ("airflow.login.users.admin.roles={Public}", "/airflow/login/users/admin/roles"),
        ("backup.keep=many", "/backup/keep"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(setting: str, words: str) -> None:
    """The refusal says which key."""
    assert words in refusal("kind", "--set", setting)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ("database.existingSecret=a", "set only one of the two"),
        (f"{POSTGRES_OFF},steps.existingSecret=a", "Airflow needs a database"),
        (f"{POSTGRES_OFF},database.existingSecret=a", "Steps need STATIONMASTER_CATALOG_URI"),
        ("steps.existingSecret=a", "steps.existingSecret names a Secret of yours"),
        ("storage.existingSecret=a", "an object store of yours"),
        ("dev.seaweedfs.enabled=false", "dev.sources.enabled writes into the dev object store"),
        ("steps.supportApiUrl=http://x", "a support API of yours"),
        ("steps.namespace=stationmaster", "must not share the platform's namespace"),
        ("maintenance.job=tidy-up", "which is not in jobs"),
        (
            "dev.prometheus.enabled=true,monitor.prometheus.url=http://p:9090",
            "a Prometheus of yours",
        ),
        (f"{DASHBOARD}.ingress.enabled=true", "do not travel in the clear"),
        (
            f"{INGRESS}.enabled=true,{INGRESS}.host=a.b,{INGRESS}.tlsSecret=c",
            "is for port-forwards only",
        ),
        (f"{DASHBOARD}.login=oidc", "needs oidc.issuer"),
        (f"{DASHBOARD}.login=proxy", "from whom a header is believed"),
        (
            BY_PROXY,
            "nobody could look",
        ),
        (
            f"{BY_PROXY},{DASHBOARD}.viewers={{data}}",
            "say where people reach the dashboard",
        ),
        ("priorityClasses.urgent=1000", "urgent steps would wait"),
        ("airflow.ingress.enabled=true", "airflow.ingress.host"),
        ("airflow.ingress.enabled=true,airflow.ingress.host=a", "airflow.ingress.tlsSecret"),
        ("airflow.login.oidc.enabled=true", "needs issuer, clientId and existingSecret"),
        ("airflow.login.webserverConfig=AUTH_ROLE_PUBLIC = 'Admin'", "lets everybody in"),
        ("airflow.config.AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS=1", "who may do what"),
        ("airflow.config.AIRFLOW__FAB__AUTH_ROLE_PUBLIC=Admin", "who may do what"),
        ("airflow.metrics.otel.traces=true", "airflow.metrics.otel.endpoint"),
        ("airflow.login.users.admin=null", "nobody could log in"),
        ("airflow.config.AIRFLOW__CORE__FERNET_KEY=k", "does not belong into values"),
        ("airflow.environment.AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=u", "database.existingSecret"),
        ("airflow.executor=LocalExecutor", "would start that many processes"),
        ("airflow.enabled=false", "steps.launchers"),
    ],
)
def test_an_impossible_combination_ends_with_a_sentence(settings: str, sentence: str) -> None:
    """Whoever reads the refusal knows what is wrong and what to set."""
    # As strings, since a number would be refused for its type before.
    assert sentence in refusal("kind", "--set-string", settings) or sentence in refusal(
        "kind", "--set", settings
    )


def test_everybody_an_administrator_is_refused() -> None:
    """A provider's whole staff does not get the role Admin by default."""
    assert "groupRoles" in refusal("eks", "--set", "airflow.login.oidc.defaultRole=Admin")


def test_the_schema_is_closed_at_every_depth() -> None:
    """No object of the schema takes keys that it does not describe."""

    def open_objects(node: Any, where: str) -> list[str]:  # noqa: ANN401 (any JSON)
        if isinstance(node, list):
            return [found for item in node for found in open_objects(item, where)]
        if not isinstance(node, dict):
            return []
        here = "properties" in node and node.get("additionalProperties") is not False
        below = [open_objects(value, f"{where}/{key}") for key, value in node.items()]
        return [where] * here + [found for part in below for found in part]

    schema = json.loads((CHART / "values.schema.json").read_text())
    assert open_objects(schema["properties"], "") == []
    assert open_objects(schema["$defs"], "$defs") == []
    assert schema["additionalProperties"] is False


def test_an_entry_of_jobs_takes_what_a_job_file_takes() -> None:
    """A field added to job.yaml is a field of the chart's jobs too."""
    schema = json.loads((CHART / "values.schema.json").read_text())["$defs"]["job"]["properties"]
    file = ROOT / "stationmaster" / "step" / "schemas" / "job.schema.json"
    wanted = json.loads(file.read_text())["properties"].keys() - {"name"}
    ours = {"image", "serviceAccount", "env", "envFrom", "nodeSelector", "tolerations"}
    assert schema.keys() == wanted | ours | {"priorityClassName", "egress"}
