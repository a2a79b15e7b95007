"""One look at all stores: probes kept between looks, what they found stands for the look."""

from __future__ import annotations

import datetime as dt
import shutil
import socket
import threading
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.request import getproxies, proxy_bypass

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from stationmaster.monitor.facts.fillings import CYCLE, Filling, FreePoint
from stationmaster.monitor.facts.missing import FactsNotHereError
from stationmaster.monitor.facts.once import Once
from stationmaster.monitor.facts.storedatabases import DatabaseProbe
from stationmaster.monitor.facts.storehops import HopProbe, Way, way_to
from stationmaster.monitor.facts.storeobjects import ObjectStoreProbe, endpoint_of, places_of

if TYPE_CHECKING:
    from stationmaster.monitor.facts.stores import DatabaseState, Hop, ObjectStoreState
    from stationmaster.step.settings import Settings

__all__ = ["StoreProbes", "StoresLook"]

LEAST_APART: Final = dt.timedelta(minutes=5)
POSTGRES_PORT: Final = 5432
SPEAK_HTTP: Final = frozenset({"Airflow", "Prometheus", "object store"})


class StoreProbes:
    """Keep what outlives a look: clients, since when who fails, how full disks were.

    Args:
        settings: Names databases, places, and where other parts are.
    """

    def __init__(self, settings: Settings) -> None:
        uris = _uris(settings)
        self.databases = DatabaseProbe(uris)
        self.object_stores = ObjectStoreProbe(settings)
        self.hops = HopProbe(_ways(settings, uris))
        self.disks = _Disks(settings)


class StoresLook:
    """Answer as `StoresFacts`; tries each thing once.

    Args:
        probes: Kept between looks.
        now: The look's moment.
    """

    def __init__(self, probes: StoreProbes, now: dt.datetime) -> None:
        self.databases: Once[tuple[DatabaseState, ...]] = Once(probes.databases.look)
        self.object_stores: Once[tuple[ObjectStoreState, ...]] = Once(probes.object_stores.look)
        self.hops: Once[tuple[Hop, ...]] = Once(probes.hops.look)
        self.disks: Once[tuple[Filling, ...]] = Once(lambda: probes.disks.look(now))


class _Disks:
    """Look at the disks below our local folders, and remember a cycle of what was free."""

    def __init__(self, settings: Settings) -> None:
        places = [settings.home.absolute(), *_local(settings)]
        self._is_pod = settings.runtime == "kubernetes"
        self._paths = [_there(path) for path in places]
        self._lock = threading.Lock()
        self._history: dict[str, deque[FreePoint]] = {}

    def look(self, now: dt.datetime) -> tuple[Filling, ...]:
        """Return each disk once.

        Raises:
            FactsNotHereError: We run in a pod: its disk is a node's.
        """
        if self._is_pod:
            message = "a pod's disk is its node's: the cluster's facts say how full that is"
            raise FactsNotHereError(message)
        disks = {path.stat().st_dev: path for path in reversed(self._paths)}
        return tuple(self._filling(path, now) for path in sorted(disks.values()))

    def _filling(self, path: Path, now: dt.datetime) -> Filling:
        usage = shutil.disk_usage(path)
        name = f"{socket.gethostname()}:{path}"
        return Filling(
            name=name,
            where=f"the disk of {path} on {socket.gethostname()}",
            capacity_bytes=usage.used + usage.free,
            free_bytes=usage.free,
            is_disk=True,
            history=self._remember(name, FreePoint(now, usage.free)),
        )

    def _remember(self, name: str, point: FreePoint) -> tuple[FreePoint, ...]:
        with self._lock:
            history = self._history.setdefault(name, deque())
            while history and history[0].at < point.at - CYCLE:
                history.popleft()
            if not history or point.at - history[-1].at >= LEAST_APART:
                history.append(point)
            return tuple(history)


def _uris(settings: Settings) -> dict[str, str]:
    return {
        "ledger": settings.ledger_location,
        "catalog": settings.catalog_location,
        "airflow": settings.airflow_database_uri,
    }


def _ways(settings: Settings, uris: dict[str, str]) -> list[Way]:
    """Return the way to everything that is reached by a network."""
    ways = [_way_to_database(use, uri) for use, uri in uris.items() if uri]
    named = (("Airflow", settings.airflow_url), ("Prometheus", settings.prometheus_url))
    ways += [way_to(use, url) for use, url in named]
    if any(place.startswith("s3://") for place in places_of(settings).values()):
        host, _, port = endpoint_of(settings).rpartition(":")
        tls = not settings.s3_endpoint.startswith("http://")
        ways.append(Way("object store", host, int(port), tls))
    return [way for way in ways if way is not None and not _is_by_proxy(way)]


def _is_by_proxy(way: Way) -> bool:
    """Tell whether clients go by a proxy: the way from here to there may be closed then."""
    if way.use not in SPEAK_HTTP or proxy_bypass(way.host):
        return False
    return bool(getproxies().get("https" if way.tls else "http"))


def _way_to_database(use: str, uri: str) -> Way | None:
    try:
        url = sa.make_url(uri)
    except ArgumentError:
        return None
    if url.get_backend_name() == "sqlite" or not url.host:
        return None
    return Way(use, url.host, url.port or POSTGRES_PORT)


def _local(settings: Settings) -> list[Path]:
    places = places_of(settings).values()
    return [Path(place) for place in places if not place.startswith("s3://")]


def _there(path: Path) -> Path:
    """Return the nearest folder that exists: ours may not be made yet."""
    return next(each for each in (path, *path.parents) if each.exists())
