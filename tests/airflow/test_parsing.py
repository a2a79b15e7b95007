"""What a DAG file's parsing keeps from one step to the next changes nothing of any step."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from kubernetes.client import models as k8s  # type: ignore[import-untyped]

from stationmaster.airflow.catalog import find_job
from stationmaster.airflow.current import current_settings
from stationmaster.airflow.launcher.plain import plain
from stationmaster.airflow.launcher.template import NeedsWorkerError
from stationmaster.airflow.launcher.wishes import plain_wishes
from stationmaster.airflow.operator import StepOperator

if TYPE_CHECKING:
    from pathlib import Path

    from airflow.sdk import DAG

PODS: list[dict[str, Any]] = [
    {},
    {"image": "other:1", "cmds": ["run"], "arguments": ["{{ ds }}", "2"]},
    {"cmds": ["go"], "arguments": []},
    {"env_vars": {"GREETING": "{{ ds }}", "NOTHING": None}},
    {"env_vars": [k8s.V1EnvVar(name="A", value="1"), k8s.V1EnvVar(name="B", value="2")]},
    {"image_pull_policy": "Always", "hostname": "mine"},
    {"labels": {"team": "web", "empty": None}, "annotations": {"note": "{{ run_id }}"}},
    {"labels": {"airflow_version": "mine"}, "service_account_name": "other"},
    {"container_resources": k8s.V1ResourceRequirements(requests={"cpu": "2"})},
    {"container_resources": {"limits": {"memory": "3Gi"}}, "node_selector": {"zone": "a"}},
    {"security_context": {"fsGroup": 3}, "hostnetwork": True, "priority_class_name": "high"},
    {"tolerations": [k8s.V1Toleration(key="spot", operator="Exists")], "env_vars": {"A": "1"}},
    {"volumes": [k8s.V1Volume(name="v", empty_dir=k8s.V1EmptyDirVolumeSource())]},
    {"pod_template_dict": {"spec": {"containers": [{"name": "base", "args": ["a"]}]}}},
    {"full_pod_spec": k8s.V1Pod(spec=k8s.V1PodSpec(containers=[k8s.V1Container(name="base")]))},
]


def as_the_provider_builds(operator: StepOperator) -> dict[str, Any]:
    """Return the pod of the operator's arguments by KubernetesPodOperator alone, without a name."""
    pod: dict[str, Any] = plain(copy.copy(operator).wishes())
    del pod["metadata"]["name"]
    return pod


@pytest.mark.parametrize("number", range(len(PODS)))
def test_what_is_kept_is_what_the_provider_builds(number: int, dag: DAG) -> None:
    """Whatever was written before, and twice: the pod is the one of the step's own arguments."""
    operators = [
        StepOperator(task_id=f"s{n}", job="toy-hello", runtime="kubernetes", dag=dag, **arguments)
        for n, arguments in enumerate(PODS)
    ]
    for each in operators:
        plain_wishes(each)
    operator = operators[number]
    assert plain_wishes(operator) == plain_wishes(operator) == as_the_provider_builds(operator)


def test_a_pod_that_is_changed_leaves_the_next_alone(dag: DAG) -> None:
    """A caller may fill in what is mapped: the next step's pod does not have it."""
    operator = StepOperator(task_id="step", job="toy-hello", runtime="kubernetes", dag=dag)
    pod = plain_wishes(operator)
    pod["spec"]["containers"][0]["args"] = ["mine"]
    pod["metadata"]["labels"]["mine"] = "1"
    assert plain_wishes(operator) == as_the_provider_builds(operator)


def test_an_argument_that_is_changed_later_counts(dag: DAG) -> None:
    """A cluster policy may change an operator after it is made: the pod follows."""
    operator = StepOperator(task_id="step", job="toy-hello", runtime="kubernetes", dag=dag)
    plain_wishes(operator)
    operator.service_account_name = "other"
    operator.env_vars = [k8s.V1EnvVar(name="ADDED", value="1")]
    assert plain_wishes(operator)["spec"]["serviceAccountName"] == "other"
    assert plain_wishes(operator) == as_the_provider_builds(operator)


def test_braces_that_nobody_renders_are_found_each_time(dag: DAG) -> None:
    """Braces in an argument that Airflow does not render need a worker, also the second time."""
    operator = StepOperator(
        task_id="step", job="toy-hello", runtime="kubernetes", subdomain="{{ ds }}", dag=dag
    )
    for _ in range(2):
        with pytest.raises(NeedsWorkerError, match="not templated"):
            plain_wishes(operator)


def test_parsing_says_nothing_of_pods(dag: DAG, capsys: pytest.CaptureFixture[str]) -> None:
    """No line in the DAG processor's log for each step of each parsing; the step's own stay."""
    operator = StepOperator(
        task_id="step", job="toy-hello", runtime="kubernetes", hostname="fresh", dag=dag
    )
    plain_wishes(operator)
    assert "Building pod" not in capsys.readouterr().out
    operator.wishes()
    assert "Building pod" in capsys.readouterr().out


def test_settings_follow_their_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings are the same object until one of their variables changes."""
    before = current_settings()
    assert current_settings() is before
    monkeypatch.setenv("STATIONMASTER_STEPS_NAMESPACE", "elsewhere")
    assert current_settings().steps_namespace == "elsewhere"
    monkeypatch.setenv("stationmaster_steps_namespace", "lower")
    monkeypatch.delenv("STATIONMASTER_STEPS_NAMESPACE")
    assert current_settings().steps_namespace == "lower"


def test_a_catalog_that_changed_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job of the catalog file is kept until the file changes: a deploy changes its image."""
    path = tmp_path / "catalog.json"
    monkeypatch.setenv("STATIONMASTER_CATALOG_FILE", str(path))
    found = []
    for image in ("web@sha256:12", "web@sha256:34"):
        fields = {"image": image, "summary": "s", "owner": "o"}
        path.write_text(json.dumps({"jobs": {"extract-web": fields}}))
        found += [find_job("extract-web"), find_job("extract-web")]
    assert found[0] is found[1]
    assert [each.image for each in found[1:3]] == ["web@sha256:12", "web@sha256:34"]
