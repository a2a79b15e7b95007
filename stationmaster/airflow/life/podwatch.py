"""One watch for all steps of a process: listed first, then followed, resumed, listed again."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Any, Final, Self

from stationmaster.airflow.life.apierrors import ClusterError, ExpiredError
from stationmaster.airflow.life.belonging import Strangers
from stationmaster.airflow.life.names import SELECTOR
from stationmaster.airflow.life.podstore import Follower, PodStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from stationmaster.airflow.life.cluster import Cluster

__all__ = ["PodWatch"]

WATCH_SECONDS: Final = 300
"""Asked of the API server; each watch differs a little, so that they don't all end at once."""

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
"""Between tries to watch again: a restarting API server is back within seconds."""

TOO_LARGE: Final = "Too large resource version"
"""The API server is behind what we saw: it was restored, or another one lags. List again."""

log = logging.getLogger(__name__)


class PodWatch:
    """Watch the pods that a selector selects, in each namespace that somebody asks about.

    An async context manager. It never fails: while the API server is away it tries again, and
    afterwards everybody sees what happened meanwhile, also pods that went away.

    Pods that wear another platform's label are left out here and not by the selector: no selector
    says "this label's value, or no such label", and pods of before there was a label are ours too.

    Args:
        cluster: Where.
        selector: Which pods; all steps' by default.
        page_size: Pods in one page of a list.
    """

    def __init__(self, cluster: Cluster, *, selector: str = SELECTOR, page_size: int = 250) -> None:
        self._cluster = cluster
        self._selector = selector
        self._page_size = page_size
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._listed: dict[str, asyncio.Event] = {}
        self._set_back: set[str] = set()
        """Namespaces whose versions went back: what is known of them no longer compares."""
        self.store = PodStore()
        self.strangers = Strangers()
        self.trouble: dict[str, str] = {}
        """Why the watch of a namespace is away just now; empty when all is well."""
        self.lists = 0
        """How often pods were listed: once a namespace, and once for each gap too long."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._watches.values():
            task.cancel()
        await asyncio.gather(*self._watches.values(), return_exceptions=True)
        self._watches.clear()

    async def synced(self, namespace: str) -> None:
        """Return when the namespace was listed: from then on what is not seen is not there."""
        self._start(namespace)
        await self._listed[namespace].wait()

    def follow(self, namespace: str, name: str) -> Follower:
        """Return what sees the states of one pod; enter it before you create the pod."""
        self._start(namespace)
        return Follower(self.store, (namespace, name))

    def learn(self, pod: Mapping[str, Any]) -> None:
        """Take what an answer of the API server said of a pod, if the watch is not ahead."""
        self.strangers.forget(pod)
        self.store.put(pod)

    def of_try(self, try_id: str) -> list[dict[str, Any]]:
        """Return the pods of one try, trimmed."""
        return self.store.of_try(try_id)

    def pods(self, namespace: str) -> Iterator[dict[str, Any]]:
        """Yield all pods of a namespace, trimmed."""
        return self.store.of_namespace(namespace)

    def _start(self, namespace: str) -> None:
        if namespace not in self._watches:
            self._listed[namespace] = asyncio.Event()
            self._watches[namespace] = asyncio.create_task(
                self._watch(namespace), name=f"pod watch of {namespace}"
            )

    async def _watch(self, namespace: str) -> None:
        version, pause = "", FIRST_PAUSE
        while True:
            try:
                if not version:
                    version = await self._list(namespace)
                    pause = FIRST_PAUSE
                seconds = WATCH_SECONDS + random.randrange(60)  # noqa: S311 (no secret)
                async for event in self._cluster.watch_pods(
                    namespace, self._selector, version, seconds=seconds
                ):
                    version = self._take(event)
                    pause = FIRST_PAUSE
                    self.trouble.pop(namespace, None)
            except ExpiredError:
                version = ""
            except ClusterError as error:
                if TOO_LARGE in error.message:
                    version = ""
                    self._set_back.add(namespace)
                self._note(namespace, error)
            except Exception:
                # A document we cannot read must not end the watch of all steps.
                log.exception("The pod watch of %s met what it cannot read", namespace)
                version = ""
            # Also after a watch that ended well: a server that closes at once is not hammered.
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 (no secret)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _list(self, namespace: str) -> str:
        """Take all pods, notice those that went, and return the version to watch from."""
        names: list[str] = []
        version, anyhow = "", namespace in self._set_back
        # With versions that do not compare, only what was known before the list can have ended:
        # a pod that is created while the list is read is missing in it.
        before = self.store.names_in(namespace)
        self.strangers.forget_all_of(namespace)
        async for page, page_version in self._cluster.list_pods(
            namespace, self._selector, page_size=self._page_size
        ):
            version = page_version
            for pod in page:
                if not self.strangers.is_one(pod):
                    names.append(pod["metadata"]["name"])
                    self.store.put(pod, anyhow=anyhow)
        if anyhow:
            self.store.end(namespace, before.difference(names))
        else:
            self.store.keep_only(namespace, names, int(version) if version.isdigit() else 0)
        self._set_back.discard(namespace)
        self.lists += 1
        self.trouble.pop(namespace, None)
        self._listed[namespace].set()
        return version

    def _take(self, event: Mapping[str, Any]) -> str:
        pod = event["object"]
        if event["type"] in {"ADDED", "MODIFIED"} and not self.strangers.is_one(pod):
            self.store.put(pod)
        elif event["type"] == "DELETED":
            self.strangers.forget(pod)
            self.store.remove(pod)
        return str(pod["metadata"]["resourceVersion"])

    def _note(self, namespace: str, error: ClusterError) -> None:
        if namespace not in self.trouble:
            log.warning("The pod watch of %s is away and comes back: %s", namespace, error)
        self.trouble[namespace] = str(error)
