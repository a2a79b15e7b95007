"""Plans of small steps for tests: a script in one container, as a step's pod has it."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from stationmaster.airflow.life.plan import StepPlan
from stationmaster.step.protocol import CONTEXT_VARIABLE, StepContext

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def container(script: str, image: str, memory: str = "64Mi") -> dict[str, Any]:
    """Return the container of a step that runs a shell script."""
    return {
        "name": "base",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", script],
        "env": [{"name": CONTEXT_VARIABLE, "value": ""}],
        "resources": {
            "requests": {"cpu": "10m", "memory": memory},
            "limits": {"memory": memory},
        },
        "securityContext": RESTRICTED,
    }


def plan_of(
    script: str = "exit 0",
    *,
    image: str = "stationmaster/base:early",
    namespace: str = "life",
    memory: str = "64Mi",
    **fields: Any,  # noqa: ANN401 (of StepPlan, or of the pod's spec under `spec`)
) -> StepPlan:
    """Return the plan of a step that runs a shell script."""
    spec = {
        "containers": [container(script, image, memory)],
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 30,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "tolerations": [
            {
                "key": f"node.kubernetes.io/{state}",
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": 20,
            }
            for state in ("not-ready", "unreachable")
        ],
        **fields.pop("spec", {}),
    }
    context = StepContext(
        pipeline="morning",
        run_id="r1",
        step="count",
        job="count-lines",
        try_id=str(uuid.uuid4()),
        business_date=dt.date(2026, 11, 21),
    )
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": namespace}, "spec": spec}
    known = {"context": context, "pod": pod, "started_at": dt.datetime.now(dt.UTC)}
    return StepPlan.model_validate({**known, **fields})
