"""Clear away the pods that nobody needs: finished ones, ownerless ones, those of older tries.

Pods are taken from the watch: a round costs no request where there is nothing to do.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.life.apierrors import ClusterError, ConflictError
from stationmaster.airflow.life.belonging import is_unmarked
from stationmaster.airflow.life.names import FINALIZER, TRY_ID_LABEL
from stationmaster.airflow.life.podfacts import ended, moment
from stationmaster.airflow.life.recording import record_of_pod
from stationmaster.airflow.life.releasing import free, ref_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    from stationmaster.airflow.life.cluster import Cluster
    from stationmaster.airflow.life.podwatch import PodWatch
    from stationmaster.ledger.records import AttemptRecord

__all__ = ["Reaped", "Reaper"]

FINISHED_SECONDS: Final = 3600.0
"""How long a finished pod that was kept stays for people to look at."""

OWNERLESS_SECONDS: Final = 120.0
"""How long a pod must be without an owner: between two launchers nobody owns any."""

AT_ONCE: Final = 10


@dataclass(frozen=True)
class Reaped:
    """Tell what a round did, by pods' names."""

    finished: tuple[str, ...] = ()
    ownerless: tuple[str, ...] = ()
    freed: tuple[str, ...] = ()
    """Held only by our finalizer, with nobody left to record them."""


class Reaper:
    """Clear away step pods of one namespace.

    Args:
        cluster: Where.
        watch: Of the steps' pods.
        alive: Returns which of the given try ids are owned: their task is queued, running or
            about to end. Nothing that it names is touched. May raise: then nothing is.
        known: Returns which of the given try ids are of this Airflow at all. Asked for pods that
            do not say whose they are; without it these are left alone.
        record: Stores the attempt of a pod that goes; without it nobody learns of it.
        finished_seconds: Kept finished pods go after that time.
        ownerless_seconds: Pods without an owner go after that time.
    """

    def __init__(  # noqa: PLR0913 (each by its name)
        self,
        cluster: Cluster,
        watch: PodWatch,
        alive: Callable[[frozenset[str]], Awaitable[frozenset[str]]],
        *,
        known: Callable[[frozenset[str]], Awaitable[frozenset[str]]] | None = None,
        record: Callable[[AttemptRecord], Awaitable[None]] | None = None,
        finished_seconds: float = FINISHED_SECONDS,
        ownerless_seconds: float = OWNERLESS_SECONDS,
    ) -> None:
        self._cluster = cluster
        self._watch = watch
        self._alive = alive
        self._known = known
        self._record = record
        self._finished_seconds = finished_seconds
        self._ownerless_seconds = ownerless_seconds
        self._ownerless_since: dict[str, dt.datetime] = {}

    async def round(self, namespace: str) -> Reaped:
        """Look at all step pods of a namespace once, and clear away what is due.

        An owner is asked for twice, `ownerless_seconds` apart, before a pod counts as ownerless.
        """
        await self._watch.synced(namespace)
        pods = list(self._watch.pods(namespace))
        if not pods:
            self._ownerless_since.clear()
            return Reaped()
        alive = await self._alive(frozenset(filter(None, (_try_id(pod) for pod in pods))))
        ownerless = [pod for pod in pods if _try_id(pod) not in alive]
        due = self._due(await self._ours(ownerless))
        running = [pod for pod in due if not _is_over(pod)]
        over = [pod for pod in due if _is_over(pod)]
        held = [pod for pod in over if FINALIZER in pod["metadata"].get("finalizers", ())]
        expired = [pod for pod in over if self._is_old(pod)]
        await self._each(held, self._free)
        await self._each([*expired, *running], self._delete)
        return Reaped(
            finished=_names(expired),
            ownerless=_names(running),
            freed=_names(held),
        )

    async def _ours(self, pods: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Leave out the pods that may be another Airflow's: made before they said whose."""
        unmarked = frozenset(_try_id(pod) for pod in pods if is_unmarked(pod))
        if not unmarked:
            return pods
        known = frozenset[str]()
        if self._known is not None:
            known = await self._known(unmarked - {""})
        return [pod for pod in pods if not is_unmarked(pod) or _try_id(pod) in known]

    def _due(self, ownerless: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the pods that have been without an owner for long enough."""
        now = dt.datetime.now(dt.UTC)
        since = self._ownerless_since
        self._ownerless_since = {
            pod["metadata"]["uid"]: since.get(pod["metadata"]["uid"], now) for pod in ownerless
        }
        wait = dt.timedelta(seconds=self._ownerless_seconds)
        return [
            pod for pod in ownerless if now - self._ownerless_since[pod["metadata"]["uid"]] >= wait
        ]

    def _is_old(self, pod: Mapping[str, Any]) -> bool:
        end = moment((ended(pod) or {}).get("finishedAt"))
        end = end or moment(pod["metadata"].get("creationTimestamp"))
        age = dt.datetime.now(dt.UTC) - end if end else dt.timedelta.max
        return age.total_seconds() >= self._finished_seconds

    async def _free(self, pod: Mapping[str, Any]) -> None:
        ref = ref_of(pod)
        if self._record is not None:
            whole = await self._cluster.get_pod(ref.namespace, ref.name)
            if whole is not None and (found := record_of_pod(whole)) is not None:
                await self._record(found)
        await free(ref, self._cluster)

    async def _delete(self, pod: Mapping[str, Any]) -> None:
        ref = ref_of(pod)
        if not pod["metadata"].get("deletionTimestamp"):
            await self._cluster.delete_pod(ref.namespace, ref.name, uid=ref.uid)

    async def _each(
        self,
        pods: Iterable[dict[str, Any]],
        act: Callable[[Mapping[str, Any]], Awaitable[None]],
    ) -> None:
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(pod: dict[str, Any]) -> None:
            async with slots:
                try:
                    await act(pod)
                except ConflictError:
                    return  # a namesake, or it is gone: nothing to clear away
                except ClusterError as error:
                    log.warning("Pod %s stays until the next round: %s", ref_of(pod).name, error)

        await asyncio.gather(*(one(pod) for pod in pods))


log = logging.getLogger(__name__)


def _try_id(pod: Mapping[str, Any]) -> str:
    return str(pod["metadata"]["labels"].get(TRY_ID_LABEL, ""))


def _is_over(pod: Mapping[str, Any]) -> bool:
    """Tell whether the pod runs nothing: it ended, or was deleted before any node had it."""
    if pod["status"].get("phase") in {"Succeeded", "Failed"}:
        return True
    return bool(pod["metadata"].get("deletionTimestamp")) and not pod["spec"].get("nodeName")


def _names(pods: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(pod["metadata"]["name"] for pod in pods)
