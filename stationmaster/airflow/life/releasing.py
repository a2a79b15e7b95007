"""Let pods go whose attempts are recorded: finalizer off, then deleted."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from stationmaster.airflow.life.apierrors import ClusterError, ConflictError
from stationmaster.airflow.life.names import FINALIZER
from stationmaster.airflow.life.plan import PodRef

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stationmaster.airflow.life.cluster import Cluster
    from stationmaster.airflow.life.plan import StepPlan
    from stationmaster.airflow.life.platform import Platform

__all__ = ["free", "let_go", "ref_of"]

log = logging.getLogger(__name__)


def ref_of(pod: Mapping[str, Any]) -> PodRef:
    """Return the name of a pod for all time."""
    metadata = pod["metadata"]
    return PodRef(name=metadata["name"], uid=metadata["uid"], namespace=metadata["namespace"])


async def let_go(pod: PodRef, plan: StepPlan, platform: Platform) -> None:
    """Let one recorded pod go; what fails is left to the reaper, which does the same."""
    try:
        await platform.before_release(pod)
        await free(pod, platform.cluster)
        if not plan.keep_pods:
            await platform.cluster.delete_pod(pod.namespace, pod.name, uid=pod.uid)
    except ConflictError:
        return  # a namesake: ours is gone already
    except ClusterError as error:
        log.warning("Pod %s is left to the reaper: %s", pod.name, error)


async def free(pod: PodRef, cluster: Cluster) -> None:
    """Take our finalizer off a pod; any other one stays.

    Raises:
        ConflictError: The name belongs to another pod by now.
        ClusterError: The API server refuses, or is not reachable.
    """
    patch = {"metadata": {"uid": pod.uid, "$deleteFromPrimitiveList/finalizers": [FINALIZER]}}
    await cluster.patch_pod(pod.namespace, pod.name, patch)
