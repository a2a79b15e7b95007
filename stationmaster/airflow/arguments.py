"""What StepOperator does with each argument of KubernetesPodOperator: honour it, or say why not.

A test walks KubernetesPodOperator's signature and fails when the provider adds an argument that
has no answer here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.protocol import CONTEXT_VARIABLE, RESULT_VARIABLE

__all__ = ["ANSWERS", "Honoured", "Only", "Refused", "check_arguments"]

LABEL_DOMAIN: Final = "stationmaster.io/"
"""Labels and annotations below it are ours: the reaper and the watch find pods by them."""


@dataclass(frozen=True)
class Honoured:
    """Do what the argument says.

    Args:
        how: Where it takes effect; "pod" arguments are carried in the pod's spec and mean
            nothing to a local process.
    """

    how: str


@dataclass(frozen=True)
class Only:
    """Honour the argument with these values, since a step can do nothing else."""

    values: tuple[object, ...]
    why: str


@dataclass(frozen=True)
class Refused:
    """Refuse the argument."""

    why: str


POD: Final = Honoured("in the pod's spec")
BOTH: Final = Honoured("in both runtimes")
CLIENT: Final = Honoured("chooses the cluster that pods run in; such a step runs on a worker")
WATCHED: Final = Refused(
    "a step's pod is watched, not polled: there is no interval to set. Leave it out."
)

ANSWERS: Final[dict[str, Honoured | Only | Refused]] = {
    "kubernetes_conn_id": Only(
        ("kubernetes_default", None),
        "the platform's own account starts and watches pods. Leave it out, or name a cluster by "
        "config_file= and cluster_context=.",
    ),
    "in_cluster": CLIENT,
    "cluster_context": CLIENT,
    "config_file": CLIENT,
    "namespace": POD,
    "image": Honoured("replaces the catalog's image of the job; a local process has none"),
    "name": Refused(
        "a step's pod is named after the try it belongs to, so that it cannot be started twice. "
        "Use labels= to find it."
    ),
    "random_name_suffix": Only(
        (False,), "a random name would let the same try start twice. Leave it out."
    ),
    "cmds": Honoured("replaces the job's command, in both runtimes"),
    "arguments": Honoured("stands after the command, in both runtimes"),
    "env_vars": Honoured("in both runtimes; a value_from only in the pod's spec"),
    "env_from": POD,
    "configmaps": POD,
    "pod_runtime_info_envs": POD,
    "secrets": POD,
    "ports": POD,
    "volumes": POD,
    "volume_mounts": POD,
    "labels": POD,
    "annotations": POD,
    "reattach_on_restart": Refused(
        "a running pod is always found again, by its name. Leave it out."
    ),
    "durable": Only((True,), "a running pod is always found again, by its name. Leave it out."),
    "startup_timeout_seconds": Honoured("how long a pod may take to start"),
    "schedule_timeout_seconds": Honoured("how long a pod may wait for a node"),
    "startup_check_interval_seconds": WATCHED,
    "base_container_status_polling_interval": WATCHED,
    "poll_interval": WATCHED,
    "logging_interval": WATCHED,
    "get_logs": Honoured("False keeps the step's lines out of the task's log, in both runtimes"),
    "container_logs": Honoured("which containers' logs the task's log shows"),
    "init_container_logs": Honoured("which init containers' logs the task's log shows"),
    "container_name_log_prefix_enabled": Honoured("in both runtimes; False by default here"),
    "log_formatter": BOTH,
    "progress_callback": Honoured("called with each line of the log, in both runtimes"),
    "base_container_name": POD,
    "image_pull_policy": POD,
    "image_pull_secrets": POD,
    "container_resources": Honoured("replaces what the size asks for, in the pod's spec"),
    "affinity": POD,
    "node_selector": Honoured("label by label over the deployment's, in the pod's spec"),
    "runtime_class_name": POD,
    "priority_class_name": POD,
    "service_account_name": POD,
    "automount_service_account_token": POD,
    "hostnetwork": POD,
    "host_aliases": POD,
    "hostname": POD,
    "subdomain": POD,
    "dnspolicy": POD,
    "dns_config": POD,
    "schedulername": POD,
    "tolerations": Honoured("beside the ones every step has, in the pod's spec"),
    "security_context": Honoured("field by field over the restricted one, in the pod's spec"),
    "container_security_context": Honoured("field by field over the restricted one"),
    "init_containers": POD,
    "full_pod_spec": POD,
    "pod_template_file": POD,
    "pod_template_dict": POD,
    "xcom_sidecar_container_security_context": Refused(
        "a step has no XCom sidecar: its result is its termination message. Leave it out."
    ),
    "do_xcom_push": Honoured("False pushes no references; it never means a sidecar"),
    "log_events_on_failure": Honoured("on Kubernetes"),
    "log_events_on_startup": Honoured("on Kubernetes"),
    "log_pod_spec_on_failure": Honoured("on Kubernetes; False by default: a spec may hold secrets"),
    "termination_grace_period": Honoured("between SIGTERM and SIGKILL, in both runtimes"),
    "skip_on_exit_code": BOTH,
    "deferrable": Only(
        (False,),
        "a step never holds a worker while its pod runs; there is no second mode. Leave it out, "
        "and where it comes from default_args set deferrable=False for this task.",
    ),
    "trigger_kwargs": Refused("a step's trigger is not KubernetesPodOperator's. Leave it out."),
    "on_finish_action": Honoured("on Kubernetes"),
    "on_kill_action": Only(
        ("delete_pod",),
        "a killed step must not go on writing. Its log and last word are kept anyway. "
        "Leave it out.",
    ),
    "is_delete_operator_pod": Refused(
        "the provider has replaced it: use on_finish_action='delete_pod' or 'keep_pod'."
    ),
    "termination_message_policy": Only(
        ("File",), "the step's result is read from its termination file. Leave it out."
    ),
    "active_deadline_seconds": Honoured(
        "in the pod's spec; the job's timeout_minutes by default. For a local process use "
        "execution_timeout=, which counts in both runtimes"
    ),
    "callbacks": Refused(
        "they hook into KubernetesPodOperator's own watch loop, which a step does not run. "
        "Use on_success_callback=, on_failure_callback= or progress_callback=."
    ),
}


def check_arguments(task_id: str, given: Mapping[str, Any]) -> None:
    """Refuse what a step cannot honour.

    Args:
        task_id: Names the task in the message.
        given: What the DAG's author set, default_args included.

    Raises:
        MisconfiguredError: An argument, or a value of it, is refused; the hint says why.
    """
    for name, value in given.items():
        answer = ANSWERS.get(name)
        if isinstance(answer, Refused):
            raise _refusal(task_id, name, "no such argument", "it is set", answer.why)
        if isinstance(answer, Only) and value not in answer.values:
            accepted = " or ".join(repr(v) for v in answer.values)
            raise _refusal(task_id, name, accepted, repr(value), answer.why)
    _check_environment(task_id, given.get("env_vars"))
    for name in ("labels", "annotations"):
        for key in given.get(name) or {}:
            if str(key).startswith(LABEL_DOMAIN):
                why = f"names below {LABEL_DOMAIN} are how pods are found again. Use another."
                raise _refusal(task_id, name, "names of your own", repr(key), why)


def _check_environment(task_id: str, variables: object) -> None:
    if isinstance(variables, str) or not isinstance(variables, Iterable):
        return
    names = {variable if isinstance(variable, str) else variable.name for variable in variables}
    for name in sorted(names & {CONTEXT_VARIABLE, RESULT_VARIABLE}):
        why = "the step contract sets it. Pass values to the step by step_params=."
        raise _refusal(task_id, "env_vars", "variables of your own", repr(name), why)


def _refusal(task_id: str, argument: str, expected: str, got: str, why: str) -> MisconfiguredError:
    return MisconfiguredError(
        where=f"StepOperator {task_id}, argument {argument}=",
        expected=expected,
        got=got,
        hint=f"It is refused because {why}",
    )
