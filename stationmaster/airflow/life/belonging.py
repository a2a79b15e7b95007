"""Whose a pod is, where several Airflows share one namespace for their steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stationmaster.airflow.life.apierrors import ConflictError
from stationmaster.airflow.life.names import PLATFORM_LABEL, TRY_ID_LABEL, platform_label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stationmaster.airflow.life.cluster import Cluster

__all__ = ["Strangers", "claim", "is_unmarked"]

Key = tuple[str, str]
"""Namespace and name."""


class Strangers:
    """Tell the pods that wear another platform's label, and keep no more of them than names.

    A pod without any platform's label was made before there was one: it is nobody's stranger.
    """

    def __init__(self) -> None:
        self._ours = platform_label()
        self._by_try: dict[str, set[Key]] = {}

    def is_one(self, pod: Mapping[str, Any]) -> bool:
        """Tell whether a pod is another platform's, and remember it as such."""
        marked = _labels(pod).get(PLATFORM_LABEL)
        if not marked or marked == self._ours:
            return False
        self._by_try.setdefault(_labels(pod).get(TRY_ID_LABEL, ""), set()).add(_key(pod))
        return True

    def forget(self, pod: Mapping[str, Any]) -> None:
        """Forget a pod that is no more, or ours by now."""
        if not self._by_try:
            return
        try_id = _labels(pod).get(TRY_ID_LABEL, "")
        left = self._by_try.get(try_id, set()) - {_key(pod)}
        if left:
            self._by_try[try_id] = left
        else:
            self._by_try.pop(try_id, None)

    def forget_all_of(self, namespace: str) -> None:
        """Forget a namespace's pods, which are about to be listed again."""
        for try_id, keys in list(self._by_try.items()):
            left = {key for key in keys if key[0] != namespace}
            if left:
                self._by_try[try_id] = left
            else:
                del self._by_try[try_id]

    def of_try(self, try_id: str) -> frozenset[Key]:
        """Return the pods of a try of ours that wear another platform's label."""
        return frozenset(self._by_try.get(try_id, ()))


async def claim(pod: dict[str, Any], cluster: Cluster) -> dict[str, Any] | None:
    """Put our label on a pod that is ours by its try, and return it; None where it is gone.

    The platform's id may have changed while the step ran.

    Raises:
        ClusterError: The API server refuses, or is not reachable.
    """
    if _labels(pod).get(PLATFORM_LABEL) in {None, platform_label()}:
        return pod
    namespace, name = _key(pod)
    labels = {PLATFORM_LABEL: platform_label()}
    patch = {"metadata": {"uid": pod["metadata"]["uid"], "labels": labels}}
    try:
        return await cluster.patch_pod(namespace, name, patch)
    except ConflictError:
        return None


def is_unmarked(pod: Mapping[str, Any]) -> bool:
    """Tell whether a pod was made before pods said which platform's they are."""
    return not _labels(pod).get(PLATFORM_LABEL)


def _labels(pod: Mapping[str, Any]) -> Mapping[str, str]:
    return pod["metadata"].get("labels") or {}


def _key(pod: Mapping[str, Any]) -> Key:
    return (pod["metadata"]["namespace"], pod["metadata"]["name"])
