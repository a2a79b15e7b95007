"""The Kubernetes client's models without the cost of a configuration in each of them.

Every model object holds a `Configuration`, by default one of its own, and making or copying one
sets the levels of loggers. A pod is about forty objects, each copied several times while pods are
merged: ten of the twelve milliseconds that building a pod took.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Self

from kubernetes.client import ApiClient, Configuration  # type: ignore[import-untyped]
from kubernetes.client import models as k8s

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["api_json", "read_pod", "share_configuration"]


class _Shared(Configuration):  # type: ignore[misc]  # of an untyped library
    """Be one object for all models; nothing that we do with a model asks it for anything."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return itself."""
        return self


def share_configuration() -> None:
    """Have all models of this process hold one configuration.

    For a process that speaks to no API server by this client: it becomes the client's default.
    """
    Configuration.set_default(_client().configuration)


def read_pod(document: Mapping[str, Any]) -> k8s.V1Pod:
    """Return the pod of an API JSON, as `PodGenerator.deserialize_model_dict` does."""
    # Public methods read HTTP answers only: github.com/kubernetes-client/python/issues/977.
    return _client()._ApiClient__deserialize_model(document, k8s.V1Pod)  # noqa: SLF001 (see above)


def api_json(pod: k8s.V1Pod) -> dict[str, Any]:
    """Return a pod as the API writes it."""
    sanitized: dict[str, Any] = _client().sanitize_for_serialization(pod)
    return sanitized


@cache
def _client() -> ApiClient:
    return ApiClient(configuration=_Shared())
