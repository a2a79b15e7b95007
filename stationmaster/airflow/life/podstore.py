"""The latest state of each pod, trimmed to what verdicts and waits are made of."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from stationmaster.airflow.life.names import (
    ATTEMPT_LABEL,
    KEPT_ANNOTATIONS,
    LOG_LABEL,
    MANAGED_BY_LABEL,
    NAME_LABEL,
    PLATFORM_LABEL,
    SHARD_LABEL,
    SHARDS_LABEL,
    TEAM_LABEL,
    TRY_ID_LABEL,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import TracebackType

__all__ = ["Follower", "PodStore", "trim", "version_of"]

KEPT_LABELS: Final = (
    MANAGED_BY_LABEL,
    NAME_LABEL,
    PLATFORM_LABEL,
    TRY_ID_LABEL,
    SHARD_LABEL,
    SHARDS_LABEL,
    ATTEMPT_LABEL,
    LOG_LABEL,
    TEAM_LABEL,
)

KEPT_CONDITIONS: Final = frozenset(
    {"PodScheduled", "DisruptionTarget", "Ready", "PodResizePending"}
)
LONGEST_SHARED: Final = 80
"""Characters: names, images, reasons and times repeat between pods, messages do not."""

Key = tuple[str, str]
"""Namespace and name."""


def trim(pod: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pod with what verdicts, waits and records are made of, about a third of it.

    What stays has the API's own names and shape, so that whatever reads a pod reads both. Keys
    come from this module's constants, so that thousands of pods share them.
    """
    metadata, spec = pod["metadata"], pod.get("spec") or {}
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    kept = _only(
        metadata,
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "finalizers",
    )
    kept["labels"] = _only(labels, *KEPT_LABELS)
    kept["annotations"] = _only(annotations, *KEPT_ANNOTATIONS)
    return {
        "metadata": kept,
        "spec": {
            **_only(spec, "nodeName", "terminationGracePeriodSeconds", "activeDeadlineSeconds"),
            "containers": [
                _only(each, "name", "image", "resources") for each in spec.get("containers") or ()
            ],
            "initContainers": [
                _only(each, "name", "image", "restartPolicy")
                for each in spec.get("initContainers") or ()
            ],
        },
        "status": _status(pod.get("status") or {}),
    }


def _status(status: Mapping[str, Any]) -> dict[str, Any]:
    kept = _only(status, "phase", "reason", "message", "startTime")
    kept["conditions"] = [
        _only(each, "type", "status", "reason", "message", "lastTransitionTime")
        for each in status.get("conditions") or ()
        if each["type"] in KEPT_CONDITIONS
    ]
    for kind in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        if kind in status:
            kept[kind] = [
                _only(each, "name", "state", "restartCount", "imageID", "resources")
                | ({"lastState": each["lastState"]} if each.get("lastState") else {})
                for each in status[kind] or ()
            ]
    return kept


def _only(document: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: _shared(document[name]) for name in names if document.get(name) is not None}


def _shared(value: Any) -> Any:  # noqa: ANN401 (JSON of any shape)
    """Return a value whose keys and short texts are the same objects in all pods."""
    kind = type(value)
    if kind is str:
        return sys.intern(value) if len(value) <= LONGEST_SHARED else value
    if kind is dict:
        return {sys.intern(name): _shared(each) for name, each in value.items()}
    if kind is list:
        return [_shared(each) for each in value]
    return value


def version_of(pod: Mapping[str, Any]) -> int:
    """Return a pod's resourceVersion as the number it is (KEP-5504 makes them comparable)."""
    text = str(pod["metadata"].get("resourceVersion") or "0")
    return int(text) if text.isdigit() else 0


@dataclass
class _Entry:
    pod: dict[str, Any] | None = None
    gone: bool = False
    followers: set[Follower] = field(default_factory=set)


class Follower:
    """See one pod's states: register by entering, look, then wait; no change gets lost between.

    A pod that is gone is still seen in its last state, with `gone` set.
    """

    def __init__(self, store: PodStore, key: Key) -> None:
        self._store = store
        self._key = key
        self._entry = store.entry(key)
        self.event = asyncio.Event()

    @property
    def name(self) -> str:
        """Return the pod's name."""
        return self._key[1]

    @property
    def pod(self) -> dict[str, Any] | None:
        """Return the latest state, trimmed; None while none was seen."""
        return self._entry.pod

    @property
    def gone(self) -> bool:
        """Tell whether the pod is no more."""
        return self._entry.gone

    def __enter__(self) -> Self:
        self._entry = self._store.entry(self._key)
        self._entry.followers.add(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._entry.followers.discard(self)
        self._store.forget_if_idle(self._key)

    async def changed(self, seconds: float | None = None) -> bool:
        """Wait for a state that came after the last look; False when the time is over first.

        Call `looked` before reading `pod` and `gone`.
        """
        try:
            async with asyncio.timeout(seconds):
                await self.event.wait()
        except TimeoutError:
            return False
        return True

    def looked(self) -> None:
        """Say that the state is read now: `changed` waits for a later one."""
        self.event.clear()


class PodStore:
    """Keep the latest state of the pods of all namespaces; wake who follows one."""

    def __init__(self) -> None:
        self._entries: dict[Key, _Entry] = {}
        self._by_try: dict[str, set[Key]] = {}

    def __len__(self) -> int:
        """Return how many pods are there."""
        return sum(1 for entry in self._entries.values() if entry.pod and not entry.gone)

    def entry(self, key: Key) -> _Entry:
        """Return the place of a pod, which is there before the pod is."""
        return self._entries.setdefault(key, _Entry())

    def of_try(self, try_id: str) -> list[dict[str, Any]]:
        """Return the pods of one try that are there."""
        entries = (self._entries.get(key) for key in self._by_try.get(try_id, ()))
        return [entry.pod for entry in entries if entry and entry.pod and not entry.gone]

    def of_namespace(self, namespace: str) -> Iterator[dict[str, Any]]:
        """Yield the pods of a namespace that are there."""
        for key, entry in list(self._entries.items()):
            if key[0] == namespace and entry.pod and not entry.gone:
                yield entry.pod

    def put(self, pod: Mapping[str, Any], *, anyhow: bool = False) -> None:
        """Take a state, unless a later one, or the pod's end, is known already.

        Args:
            pod: Its API JSON.
            anyhow: Take it whatever is known: the server's versions went back.
        """
        key = _key(pod)
        entry = self.entry(key)
        known = entry.pod
        if known is not None and not anyhow:
            same = known["metadata"]["uid"] == pod["metadata"]["uid"]
            if (same and entry.gone) or version_of(pod) <= version_of(known):
                return
        entry.pod, entry.gone = trim(pod), False
        if try_id := entry.pod["metadata"]["labels"].get(TRY_ID_LABEL):
            self._by_try.setdefault(try_id, set()).add(key)
        self._wake(entry)

    def remove(self, pod: Mapping[str, Any]) -> None:
        """Note that a pod is no more; who follows it sees its last state."""
        key = _key(pod)
        entry = self._entries.get(key)
        if entry is None:
            return
        if entry.pod is not None and entry.pod["metadata"]["uid"] != pod["metadata"]["uid"]:
            return
        self._end(key, entry, trim(pod))

    def names_in(self, namespace: str) -> frozenset[str]:
        """Return the names of the pods of a namespace that are there."""
        return frozenset(pod["metadata"]["name"] for pod in self.of_namespace(namespace))

    def keep_only(self, namespace: str, listed: Iterable[str], version: int) -> None:
        """Note the end of each pod that a list as of `version` no longer has.

        A pod that is known from a later version (just created by us) is none of the list's
        business: the watch tells of it.
        """
        names = set(listed)
        for pod in self.of_namespace(namespace):
            if pod["metadata"]["name"] not in names and version_of(pod) <= version:
                self._end_of(pod)

    def end(self, namespace: str, names: Iterable[str]) -> None:
        """Note the end of pods by name, whatever their versions."""
        wanted = set(names)
        for pod in self.of_namespace(namespace):
            if pod["metadata"]["name"] in wanted:
                self._end_of(pod)

    def _end_of(self, pod: dict[str, Any]) -> None:
        self._end(_key(pod), self._entries[_key(pod)], pod)

    def forget_if_idle(self, key: Key) -> None:
        """Drop the place of a pod that is no more and that nobody follows."""
        entry = self._entries.get(key)
        if entry and not entry.followers and (entry.gone or entry.pod is None):
            del self._entries[key]
            self._drop_from_try(key, entry)

    def _end(self, key: Key, entry: _Entry, last: dict[str, Any]) -> None:
        entry.pod, entry.gone = last, True
        self._drop_from_try(key, entry)
        self._wake(entry)
        self.forget_if_idle(key)

    def _drop_from_try(self, key: Key, entry: _Entry) -> None:
        try_id = entry.pod["metadata"]["labels"].get(TRY_ID_LABEL, "") if entry.pod else ""
        if try_id in self._by_try:
            self._by_try[try_id].discard(key)
            if not self._by_try[try_id]:
                del self._by_try[try_id]

    @staticmethod
    def _wake(entry: _Entry) -> None:
        for follower in entry.followers:
            follower.event.set()


def _key(pod: Mapping[str, Any]) -> Key:
    return (pod["metadata"]["namespace"], pod["metadata"]["name"])
