"""The pod that a shard's attempt is on Kubernetes."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator
from hypothesis import given
from hypothesis import strategies as st
from kubernetes.client import ApiClient  # type: ignore[import-untyped]

from stationmaster.airflow.catalog import find_job
from stationmaster.airflow.operator import StepOperator
from stationmaster.airflow.podmodels import read_pod
from stationmaster.airflow.pods import build_pod, label_value, pod_name
from stationmaster.airflow.sizes import resources_of
from stationmaster.step.protocol import Shard, StepContext

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow.models.dagrun import DagRun
    from airflow.sdk import DAG, Context

    RunDag = Callable[..., DagRun]

DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")


def as_json(pod: Any) -> dict[str, Any]:  # noqa: ANN401 (a model of an untyped library)
    """Return the pod as the API gets it."""
    document: dict[str, Any] = ApiClient().sanitize_for_serialization(pod)
    return document


def context_of(job: str, shard: Shard, attempt: int, try_id: str) -> StepContext:
    """Return a context with the parts that name a pod."""
    return StepContext(
        pipeline="p",
        run_id="r",
        step="s",
        job=job,
        shard=shard,
        attempt=attempt,
        try_id=try_id,
        business_date="2011-11-21",
    )


@given(st.text(max_size=80), st.integers(0, 998), st.integers(1, 99), st.uuids())
def test_a_pods_name_is_a_dns_label(job: str, shard: int, attempt: int, try_id: uuid.UUID) -> None:
    """Whatever the job is called, the name is a DNS label of at most 63 characters."""
    name = pod_name(context_of(job, Shard(index=shard, count=999), attempt, str(try_id)))

    assert DNS_LABEL.fullmatch(name)


def test_a_pods_name_differs_in_what_makes_an_attempt() -> None:
    """Another try, shard or attempt has another name; the same attempt always the same."""
    first, second = str(uuid.UUID(int=1)), str(uuid.UUID(int=2))
    attempts = [
        context_of("extract-web", Shard(index=index, count=11), attempt, try_id)
        for index in range(11)
        for attempt in (1, 2, 11)
        for try_id in (first, second)
    ]

    names = [pod_name(context) for context in attempts]

    assert len(set(names)) == len(attempts)
    assert names == [pod_name(context) for context in attempts]


@given(st.text(max_size=200))
def test_a_labels_value_is_valid(text: str) -> None:
    """Any text becomes a valid label value: run ids have colons and plus signs."""
    assert LABEL_VALUE.fullmatch(label_value(text))


def test_the_pod_is_one_the_kubernetes_models_know(dag: DAG) -> None:
    """The pod survives the round trip through the API's JSON and its models unchanged."""
    operator = StepOperator(task_id="step", job="toy-hello", dag=dag)
    document = as_json(operator.build_pod_request_obj())

    again = as_json(PodGenerator.deserialize_model_dict(document))

    assert again == document


def test_the_pod_is_restricted(dag: DAG) -> None:
    """The pod passes the restricted Pod Security Standard, with a read-only root file system."""
    operator = StepOperator(task_id="step", job="toy-hello", dag=dag)
    spec = as_json(operator.build_pod_request_obj())["spec"]

    assert spec["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "runAsGroup": 10001,
        "fsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert spec["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["automountServiceAccountToken"] is False


def test_the_pod_keeps_the_contract(dag: DAG) -> None:
    """One container, no restart, the result in the termination file, secrets as files."""
    operator = StepOperator(task_id="step", job="toy-hello", dag=dag)
    spec = as_json(operator.build_pod_request_obj())["spec"]
    (container,) = spec["containers"]

    assert spec["restartPolicy"] == "Never"
    assert container["terminationMessagePath"] == "/dev/termination-log"
    assert container["terminationMessagePolicy"] == "File"
    assert spec["volumes"][1]["projected"]["sources"] == [
        {"secret": {"name": "toy-token", "items": [{"key": "value", "path": "toy-token"}]}}
    ]
    assert {"name": "STATIONMASTER_SECRETS", "value": "/run/secrets/stationmaster"} in container[
        "env"
    ]


def test_a_lost_node_is_given_up_after_20_seconds(dag: DAG) -> None:
    """The pod leaves a node that is not ready or unreachable 15 times sooner than by default."""
    operator = StepOperator(task_id="step", job="toy-hello", dag=dag)
    tolerations = as_json(operator.build_pod_request_obj())["spec"]["tolerations"]

    assert {each["key"]: each["tolerationSeconds"] for each in tolerations} == {
        "node.kubernetes.io/not-ready": 20,
        "node.kubernetes.io/unreachable": 20,
    }


@pytest.mark.parametrize("interruptible", [True, False])
def test_a_step_that_must_not_be_moved_says_so(*, interruptible: bool) -> None:
    """Karpenter empties no node under a step whose job is not interruptible, and any other's."""
    found = find_job("toy-hello")
    job = replace(found, file=found.file.model_copy(update={"interruptible": interruptible}))
    context = context_of(job.name, Shard(index=0, count=1), 1, str(uuid.uuid4()))
    wishes = read_pod({"metadata": {}, "spec": {"containers": [{"name": "base"}]}})
    pod = as_json(build_pod(wishes, job, resources_of("s"), context))

    marked = pod["metadata"]["annotations"].get("karpenter.sh/do-not-disrupt")
    assert marked == (None if interruptible else "true")


@pytest.mark.parametrize(("size", "memory"), [(None, "1Gi"), ("m", "4Gi"), ("xl", "16Gi")])
def test_memory_limit_is_the_request(size: str | None, memory: str, dag: DAG) -> None:
    """A size's memory is request and limit; CPU is a request only."""
    operator = StepOperator(task_id="step", job="toy-hello", size=size, dag=dag)
    resources = as_json(operator.build_pod_request_obj())["spec"]["containers"][0]["resources"]

    assert resources["limits"] == {"memory": memory}
    assert resources["requests"]["memory"] == memory


def test_naming_one_security_field_drops_no_other(dag: DAG) -> None:
    """An author who wants another uid keeps the rest of the restricted context."""
    operator = StepOperator(
        task_id="step", job="toy-hello", security_context={"runAsUser": 5}, dag=dag
    )
    security = as_json(operator.build_pod_request_obj())["spec"]["securityContext"]

    assert (security["runAsUser"], security["runAsNonRoot"]) == (5, True)


def test_xcom_push_never_means_a_sidecar(dag: DAG) -> None:
    """`do_xcom_push=True` pushes references; the pod keeps its one container."""
    operator = StepOperator(task_id="step", job="toy-hello", do_xcom_push=True, dag=dag)

    assert len(as_json(operator.build_pod_request_obj())["spec"]["containers"]) == 1
    assert operator.do_xcom_push


def test_the_pods_of_a_run_carry_its_context(dag: DAG, run_dag: RunDag) -> None:
    """Within a run each shard has its pod, named and labelled after try, shard and day."""
    pods: list[dict[str, Any]] = []

    def build(context: Context, result: object) -> None:
        del result
        operator: Any = context["task"]
        pods.extend(as_json(pod) for pod in operator.build_pods(context))
        pods.append({"id": str(context["ti"].id)})

    StepOperator(task_id="step", job="toy-hello", shards=2, post_execute=build, dag=dag)
    run_dag(dag)

    first, second, ti = pods
    told = json.loads(first["spec"]["containers"][0]["env"][0]["value"])
    assert told["business_date"] == "2011-11-21"
    assert first["metadata"]["name"] == f"toy-hello-{ti['id'].replace('-', '')}-0-1"
    assert second["metadata"]["labels"]["stationmaster.io/shard"] == "1"
    assert second["metadata"]["labels"]["stationmaster.io/try-id"] == ti["id"]
    assert second["metadata"]["annotations"]["stationmaster.io/run-id"] == told["run_id"]
