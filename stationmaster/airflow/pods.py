"""The pod of one shard's attempt: what the step contract needs, with the author's wishes on top.

The author's wishes come as the pod that KubernetesPodOperator's own arguments describe; what is
set there wins, save what makes a pod a step: its name, the context, and no restart.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator
from kubernetes.client import models as k8s  # type: ignore[import-untyped]

from stationmaster.airflow.arguments import LABEL_DOMAIN
from stationmaster.airflow.life.names import LOG_LABEL, label_value, labels_of, pod_name
from stationmaster.airflow.podmodels import read_pod
from stationmaster.step.protocol import CONTEXT_VARIABLE, TERMINATION_LOG

if TYPE_CHECKING:
    from stationmaster.airflow.catalog import CatalogJob
    from stationmaster.airflow.sizes import Resources
    from stationmaster.step.protocol import StepContext

__all__ = ["build_pod", "label_value", "pod_name"]

USER_ID: Final = 10001
"""The uid that the jobs' Dockerfiles create."""

SECRETS_FOLDER: Final = "/run/secrets/stationmaster"
SCRATCH_FOLDER: Final = "/tmp"  # noqa: S108 (an emptyDir of the pod's own)
STEP_ENVIRONMENT: Final = "stationmaster-step"
"""ConfigMap and Secret that the chart writes beside the steps: where tables and files are."""

GONE_NODE_SECONDS: Final = 20
"""How long a pod stays bound to a node that is gone; Kubernetes' default is 300."""

GRACE_SECONDS: Final = 30

DO_NOT_DISRUPT: Final = "karpenter.sh/do-not-disrupt"
"""Karpenter's annotation on a pod (karpenter.sh/docs/concepts/disruption, "Pod-level controls")."""


def build_pod(
    wishes: k8s.V1Pod,
    job: CatalogJob,
    resources: Resources,
    context: StepContext,
) -> k8s.V1Pod:
    """Return the pod of one attempt.

    Args:
        wishes: What the author asked for; its first container is the step's.
        job: The job to run.
        resources: Of the step's size.
        context: What the step is told; it names the pod.
    """
    wishes = copy.deepcopy(wishes)
    base = _base_pod(job, resources, context)
    _merge_security(base.spec, wishes.spec)
    # A selector of the author's own must not put a step that stays on a node that goes.
    selectors = {**(base.spec.node_selector or {}), **(wishes.spec.node_selector or {})}
    wishes.spec.node_selector = selectors or None
    wishes.spec.tolerations = [*base.spec.tolerations, *(wishes.spec.tolerations or [])]
    pod = PodGenerator.reconcile_pods(base, wishes)
    pod.metadata.name = pod_name(context)
    pod.metadata.labels = {**(wishes.metadata.labels or {}), **base.metadata.labels}
    pod.metadata.annotations = {
        **(wishes.metadata.annotations or {}),
        **base.metadata.annotations,
    }
    pod.spec.restart_policy = "Never"
    return pod


def _base_pod(job: CatalogJob, resources: Resources, context: StepContext) -> k8s.V1Pod:
    return k8s.V1Pod(
        api_version="v1",
        kind="Pod",
        metadata=k8s.V1ObjectMeta(
            labels=labels_of(context) | ({LOG_LABEL: "pod"} if job.file.log == "pod" else {}),
            annotations=_annotations(context) | _protection(job),
        ),
        spec=k8s.V1PodSpec(
            containers=[_container(job, resources, context)],
            restart_policy="Never",
            active_deadline_seconds=job.file.timeout_minutes * 60,
            termination_grace_period_seconds=GRACE_SECONDS,
            service_account_name=job.placement.service_account,
            priority_class_name=job.placement.priority_class,
            node_selector=job.placement.node_selector or None,
            image_pull_secrets=[
                k8s.V1LocalObjectReference(name=name) for name in job.placement.image_pull_secrets
            ]
            or None,
            automount_service_account_token=False,
            enable_service_links=False,
            security_context=_pod_security(),
            tolerations=_tolerations() + _deserialized(job).spec.tolerations,
            volumes=_volumes(job),
        ),
    )


def _container(job: CatalogJob, resources: Resources, context: StepContext) -> k8s.V1Container:
    mounts = [k8s.V1VolumeMount(name="scratch", mount_path=SCRATCH_FOLDER)]
    if job.file.secrets:
        mounts.append(
            k8s.V1VolumeMount(name="step-secrets", mount_path=SECRETS_FOLDER, read_only=True)
        )
    return k8s.V1Container(
        name="base",
        image=job.image,
        command=list(job.file.command),
        env=[
            k8s.V1EnvVar(name=CONTEXT_VARIABLE, value=context.model_dump_json()),
            k8s.V1EnvVar(name="STATIONMASTER_SECRETS", value=SECRETS_FOLDER),
            k8s.V1EnvVar(name="STATIONMASTER_HOME", value=f"{SCRATCH_FOLDER}/stationmaster"),
            *(k8s.V1EnvVar(name=name, value=value) for name, value in job.placement.env.items()),
        ],
        env_from=_deserialized(job).spec.containers[0].env_from,
        resources=k8s.V1ResourceRequirements(
            requests={"cpu": resources.cpu, "memory": resources.memory},
            limits={"memory": resources.memory},
        ),
        volume_mounts=mounts,
        security_context=_container_security(),
        termination_message_path=TERMINATION_LOG,
        termination_message_policy="File",
    )


def _deserialized(job: CatalogJob) -> k8s.V1Pod:
    """Return what the catalog writes as the API does, as models."""
    environment = [
        {"configMapRef": {"name": STEP_ENVIRONMENT, "optional": True}},
        {"secretRef": {"name": STEP_ENVIRONMENT, "optional": True}},
        *job.placement.env_from,
    ]
    container = {"name": "base", "envFrom": environment}
    spec = {"containers": [container], "tolerations": list(job.placement.tolerations)}
    return read_pod({"spec": spec})


def _annotations(context: StepContext) -> dict[str, str]:
    """Return whole what labels may have had to shorten."""
    return {
        f"{LABEL_DOMAIN}pipeline": context.pipeline,
        f"{LABEL_DOMAIN}step": context.step,
        f"{LABEL_DOMAIN}run-id": context.run_id,
    }


def _protection(job: CatalogJob) -> dict[str, str]:
    """Return what keeps Karpenter from emptying the node of a step that must not be moved."""
    return {} if job.file.interruptible else {DO_NOT_DISRUPT: "true"}


def _pod_security() -> k8s.V1PodSecurityContext:
    return k8s.V1PodSecurityContext(
        run_as_non_root=True,
        run_as_user=USER_ID,
        run_as_group=USER_ID,
        fs_group=USER_ID,
        seccomp_profile=k8s.V1SeccompProfile(type="RuntimeDefault"),
    )


def _container_security() -> k8s.V1SecurityContext:
    return k8s.V1SecurityContext(
        allow_privilege_escalation=False,
        read_only_root_filesystem=True,
        capabilities=k8s.V1Capabilities(drop=["ALL"]),
    )


def _tolerations() -> list[k8s.V1Toleration]:
    return [
        k8s.V1Toleration(
            key=f"node.kubernetes.io/{state}",
            operator="Exists",
            effect="NoExecute",
            toleration_seconds=GONE_NODE_SECONDS,
        )
        for state in ("not-ready", "unreachable")
    ]


def _volumes(job: CatalogJob) -> list[k8s.V1Volume]:
    volumes = [k8s.V1Volume(name="scratch", empty_dir=k8s.V1EmptyDirVolumeSource())]
    if job.file.secrets:
        sources = [
            k8s.V1VolumeProjection(
                secret=k8s.V1SecretProjection(
                    name=name, items=[k8s.V1KeyToPath(key="value", path=name)]
                )
            )
            for name in job.file.secrets
        ]
        projected = k8s.V1ProjectedVolumeSource(sources=sources, default_mode=0o440)
        volumes.append(k8s.V1Volume(name="step-secrets", projected=projected))
    return volumes


def _merge_security(base: k8s.V1PodSpec, wishes: k8s.V1PodSpec) -> None:
    """Lay the author's security fields over ours, so that naming one drops no other."""
    wishes.security_context = _over(base.security_context, wishes.security_context)
    if wishes.containers:
        first = wishes.containers[0]
        first.security_context = _over(base.containers[0].security_context, first.security_context)


def _over(ours: Any, theirs: Any) -> Any:  # noqa: ANN401 (models of an untyped library)
    if not theirs:
        return ours
    if isinstance(theirs, dict):
        theirs = _model(theirs, for_pod=isinstance(ours, k8s.V1PodSecurityContext))
    merged = copy.deepcopy(ours)
    for name in theirs.attribute_map:
        value = getattr(theirs, name)
        if value is not None:
            setattr(merged, name, value)
    return merged


def _model(fields: dict[str, Any], *, for_pod: bool) -> Any:  # noqa: ANN401 (as above)
    """Return a security context given as a mapping with the API's own names."""
    container: dict[str, Any] = {"name": "base"}
    spec: dict[str, Any] = {"containers": [container]}
    (spec if for_pod else container)["securityContext"] = fields
    read = read_pod({"spec": spec}).spec
    return read.security_context if for_pod else read.containers[0].security_context
