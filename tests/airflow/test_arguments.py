"""Each argument of KubernetesPodOperator is honoured, or refused with a sentence that says why."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.secret import Secret
from airflow.sdk import Param
from kubernetes.client import ApiClient  # type: ignore[import-untyped]
from kubernetes.client import models as k8s

from stationmaster.airflow.arguments import ANSWERS, Only, Refused
from stationmaster.airflow.operator import StepOperator
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from airflow.sdk import DAG

SIGNATURE = inspect.signature(KubernetesPodOperator.__init__).parameters
OWN = set(SIGNATURE) - {"self", "kwargs"}
REFUSED = sorted(name for name, answer in ANSWERS.items() if isinstance(answer, Refused))
ONLY = sorted(name for name, answer in ANSWERS.items() if isinstance(answer, Only))

VOLUME = k8s.V1Volume(name="v", empty_dir=k8s.V1EmptyDirVolumeSource())
IN_POD: dict[str, tuple[Any, str, Any]] = {
    "namespace": ("steps", "metadata.namespace", "steps"),
    "image": ("mine:1", "spec.containers.0.image", "mine:1"),
    "cmds": (["sh"], "spec.containers.0.command", ["sh"]),
    "arguments": (["-x"], "spec.containers.0.args", ["-x"]),
    "env_vars": ({"A": "b"}, "spec.containers.0.env.-1", {"name": "A", "value": "b"}),
    "env_from": (
        [k8s.V1EnvFromSource(config_map_ref=k8s.V1ConfigMapEnvSource(name="c"))],
        "spec.containers.0.envFrom.-1.configMapRef.name",
        "c",
    ),
    "configmaps": (["c"], "spec.containers.0.envFrom.-1.configMapRef.name", "c"),
    "pod_runtime_info_envs": (
        [
            k8s.V1EnvVar(
                name="IP",
                value_from=k8s.V1EnvVarSource(
                    field_ref=k8s.V1ObjectFieldSelector(field_path="status.podIP")
                ),
            )
        ],
        "spec.containers.0.env.-1.valueFrom.fieldRef.fieldPath",
        "status.podIP",
    ),
    "secrets": (
        [Secret("env", "TOKEN", "a-secret", "key")],  # type: ignore[no-untyped-call]
        "spec.containers.0.env.-1.valueFrom.secretKeyRef.name",
        "a-secret",
    ),
    "ports": (
        [k8s.V1ContainerPort(container_port=80)],
        "spec.containers.0.ports.0.containerPort",
        80,
    ),
    "volumes": ([VOLUME], "spec.volumes.-1.name", "v"),
    "volume_mounts": (
        [k8s.V1VolumeMount(name="v", mount_path="/v")],
        "spec.containers.0.volumeMounts.-1.mountPath",
        "/v",
    ),
    "labels": ({"team": "x"}, "metadata.labels.team", "x"),
    "annotations": ({"note": "n"}, "metadata.annotations.note", "n"),
    "base_container_name": ("main", "spec.containers.0.name", "main"),
    "image_pull_policy": ("Always", "spec.containers.0.imagePullPolicy", "Always"),
    "image_pull_secrets": (
        [k8s.V1LocalObjectReference(name="p")],
        "spec.imagePullSecrets.0.name",
        "p",
    ),
    "container_resources": (
        k8s.V1ResourceRequirements(requests={"memory": "9Gi"}),
        "spec.containers.0.resources.requests",
        {"memory": "9Gi"},
    ),
    "affinity": (
        k8s.V1Affinity(node_affinity=k8s.V1NodeAffinity()),
        "spec.affinity",
        {"nodeAffinity": {}},
    ),
    "node_selector": ({"disk": "ssd"}, "spec.nodeSelector.disk", "ssd"),
    "runtime_class_name": ("gvisor", "spec.runtimeClassName", "gvisor"),
    "priority_class_name": ("high", "spec.priorityClassName", "high"),
    "service_account_name": ("me", "spec.serviceAccountName", "me"),
    "automount_service_account_token": (True, "spec.automountServiceAccountToken", True),
    "hostnetwork": (True, "spec.hostNetwork", True),
    "host_aliases": ([k8s.V1HostAlias(ip="1.2.3.4")], "spec.hostAliases.0.ip", "1.2.3.4"),
    "hostname": ("h", "spec.hostname", "h"),
    "subdomain": ("s", "spec.subdomain", "s"),
    "dnspolicy": ("Default", "spec.dnsPolicy", "Default"),
    "dns_config": (k8s.V1PodDNSConfig(searches=["x"]), "spec.dnsConfig.searches", ["x"]),
    "schedulername": ("other", "spec.schedulerName", "other"),
    "tolerations": ([k8s.V1Toleration(key="gpu")], "spec.tolerations.-1.key", "gpu"),
    "security_context": ({"runAsUser": 5}, "spec.securityContext.runAsUser", 5),
    "container_security_context": (
        k8s.V1SecurityContext(read_only_root_filesystem=False),
        "spec.containers.0.securityContext.readOnlyRootFilesystem",
        False,
    ),
    "init_containers": ([k8s.V1Container(name="i")], "spec.initContainers.0.name", "i"),
    "full_pod_spec": (
        k8s.V1Pod(
            metadata=k8s.V1ObjectMeta(labels={"full": "yes"}),
            spec=k8s.V1PodSpec(containers=[k8s.V1Container(name="base")]),
        ),
        "metadata.labels.full",
        "yes",
    ),
    "pod_template_dict": (
        {"metadata": {"labels": {"t": "y"}}, "spec": {"containers": [{"name": "base"}]}},
        "metadata.labels.t",
        "y",
    ),
    "termination_grace_period": (7, "spec.terminationGracePeriodSeconds", 7),
    "active_deadline_seconds": (70, "spec.activeDeadlineSeconds", 70),
}


def step(dag: DAG, given: dict[str, Any], task_id: str = "step") -> StepOperator:
    """Return a step with these arguments."""
    return StepOperator(task_id=task_id, job="toy-hello", dag=dag, **given)


def at(document: Any, path: str) -> Any:  # noqa: ANN401 (any part of a JSON document)
    """Return the part of a JSON document that a dotted path names."""
    for part in path.split("."):
        document = document[int(part)] if isinstance(document, list) else document[part]
    return document


def test_every_argument_has_an_answer() -> None:
    """When the provider adds or drops an argument, we must say what a step does with it."""
    assert set(ANSWERS) == OWN


@pytest.mark.parametrize("name", REFUSED)
def test_refused_arguments_say_why(name: str, dag: DAG) -> None:
    """A refused argument stops the DAG's import with task, argument and reason."""
    with pytest.raises(MisconfiguredError) as caught:
        step(dag, {name: "x"})

    answer = ANSWERS[name]
    assert isinstance(answer, Refused)
    assert str(caught.value) == (
        f"StepOperator step, argument {name}=: expected no such argument, got it is set. "
        f"It is refused because {answer.why}"
    )


@pytest.mark.parametrize("name", ONLY)
def test_values_that_a_step_cannot_do_are_refused(name: str, dag: DAG) -> None:
    """Only the value that a step always has is accepted; another is refused with the reason."""
    answer = ANSWERS[name]
    assert isinstance(answer, Only)
    step(dag, {name: answer.values[0]}, task_id="accepted")

    with pytest.raises(MisconfiguredError, match="is refused because") as caught:
        step(dag, {name: "other"})

    assert answer.why in str(caught.value)


def test_default_args_are_checked_too(dag: DAG) -> None:
    """A refused argument is found when it comes from the DAG's default_args."""
    dag.default_args["deferrable"] = True

    with pytest.raises(MisconfiguredError, match="argument deferrable=: expected False, got True"):
        StepOperator(task_id="step", job="toy-hello", dag=dag)


def test_the_contracts_own_variables_are_refused(dag: DAG) -> None:
    """An author cannot overwrite the context that a step is told."""
    with pytest.raises(MisconfiguredError, match=r"got 'STATIONMASTER_CONTEXT'.*step_params="):
        StepOperator(
            task_id="step", job="toy-hello", env_vars={"STATIONMASTER_CONTEXT": "{}"}, dag=dag
        )


def test_our_label_names_are_refused(dag: DAG) -> None:
    """Labels that pods are found again by belong to us."""
    with pytest.raises(MisconfiguredError, match=r"names below stationmaster\.io/"):
        StepOperator(task_id="step", job="toy-hello", labels={"stationmaster.io/try": "1"}, dag=dag)


def test_a_jobs_parameter_in_params_is_refused(dag: DAG) -> None:
    """`params=` is Airflow's: a job's parameter there would silently do nothing."""
    with pytest.raises(MisconfiguredError, match=r"Write step_params=\{'name': …\}"):
        StepOperator(task_id="step", job="toy-hello", params={"name": Param("x")}, dag=dag)


@pytest.mark.parametrize("name", sorted(IN_POD))
def test_pod_arguments_are_in_the_pods_spec(name: str, dag: DAG) -> None:
    """An argument about the pod stands in the spec as KubernetesPodOperator would put it there."""
    value, path, expected = IN_POD[name]
    operator = step(dag, {name: value})

    document = ApiClient().sanitize_for_serialization(operator.build_pod_request_obj())

    assert at(document, path) == expected


def test_mapped_steps_are_checked_when_the_dag_is_read(dag: DAG) -> None:
    """`.partial` refuses an unknown job and a refused argument before anything runs."""
    with pytest.raises(MisconfiguredError, match="Did you mean toy-hello"):
        StepOperator.partial(task_id="step", job="toy-helo", dag=dag)
    with pytest.raises(MisconfiguredError, match="argument name="):
        StepOperator.partial(task_id="step", job="toy-hello", name="x", dag=dag)
