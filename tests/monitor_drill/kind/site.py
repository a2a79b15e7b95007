"""The release on kind as the drill needs it: with Prometheus, a receiver, a watcher in haste."""

from __future__ import annotations

import subprocess
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx
import yaml

from tests.cluster.alert_receiver import CHANNEL, SECRET, alert_receiver
from tests.cluster.forward import forwarded
from tests.cluster.place import ROOT, Place
from tests.cluster.release import Release
from tests.cluster.testdags import FOLDERS, helm_upgrade, install, put_config_map
from tests.monitor_drill.kind.seeing import Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cluster.airflow_api import AirflowApi
    from tests.cluster.alert_receiver import Received

__all__ = ["DRILL_DAGS", "PAUSED", "Site", "drill_site", "until"]

LOOK_SECONDS: Final = 15
PAUSED: Final = "monitor_drill_paused"
DRILL_DAGS: Final = ("monitor_drill_eats", "monitor_drill_starves", "monitor_drill_waits", PAUSED)
DAGS_MAP: Final = "stationmaster-dags-extra"
QUIET_SECONDS: Final = 60
PATIENCE_SECONDS: Final = 420.0


@dataclass(frozen=True)
class Site:
    """Hold the release, how it is spoken to, and what its watcher found.

    Args:
        place: The cluster.
        release: Its Secrets and services.
        seen: What the watcher wrote and told.
        image: Of the platform: each node has it.
    """

    place: Place
    release: Release
    seen: Seen
    received: Received
    image: str

    @property
    def airflow(self) -> AirflowApi:
        """Return the release's Airflow."""
        return self.release.airflow

    @property
    def here(self) -> tuple[str, str]:
        """Return kubectl's arguments for the release's namespace."""
        return ("--namespace", self.place.namespace)

    def stationmaster(self, *words: str) -> str:
        """Run a command where the watcher runs, and return what it printed."""
        watcher = f"deployment/{self.place.release}-watcher"
        inside = ("exec", watcher, "--container", "watcher", "--", "stationmaster", *words)
        return self.place.kubectl(*self.here, *inside)

    def metrics(self) -> str:
        """Return what the watcher's /metrics says.

        Raises:
            httpx.HTTPError: It does not answer.
        """
        with forwarded(self.place, f"{self.place.release}-watcher", 9103) as way:
            return httpx.get(f"http://{way.address}/metrics", timeout=30).text

    def other_node(self) -> str:
        """Return the worker on which the receiver of alerts is not."""
        pods = self.place.get("pods", *self.here)["items"]
        mine = next(each for each in pods if each["metadata"]["name"] == "alert-receiver")
        control = "control-plane"
        names = [each["metadata"]["name"] for each in self.place.get("nodes")["items"]]
        workers = [each for each in names if control not in each]
        return str(next(each for each in workers if each != mine["spec"]["nodeName"]))

    def put_dags(self, *more: Path) -> None:
        """Put the tests' DAGs and the drill's onto the release, and files beside them."""
        folders = (*FOLDERS, "tests/monitor_drill/kind/dags")
        files = [file for folder in folders for file in sorted((ROOT / folder).glob("*.py"))]
        put_config_map(self.place, self.place.namespace, DAGS_MAP, [*files, *more])


def until(true: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> bool:
    """Wait until something is so; tell whether it came to be."""
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            return False
        time.sleep(3)
    return True


@contextmanager
def drill_site() -> Iterator[Site]:
    """Bring Prometheus, a receiver and the drill's pipelines to the release; take them away."""
    with ExitStack() as stack:
        place = Place.find()
        install(place)
        release = stack.enter_context(Release(place))
        image = str(place.component("api-server")[0]["spec"]["containers"][0]["image"])
        received = stack.enter_context(alert_receiver(place, image))
        mine = {"file": _expectations(), "channels": {"existingSecret": SECRET}}
        mine["watcher"] = {"everySeconds": LOOK_SECONDS}
        stack.callback(_as_before, place)
        helm_upgrade(place, {"dev": {"prometheus": {"enabled": True}}, "monitor": mine})
        site = Site(place, release, Seen(release, received), received, image)
        site.put_dags()
        for dag in DRILL_DAGS:
            release.airflow.wait_for_dag(dag, seconds=300)
        stack.callback(_rest, site)
        _begin(site)
        yield site


def _begin(site: Site) -> None:
    """Wait for Prometheus' heartbeat, and put away what others left, until it is quiet."""
    quiet_since = time.monotonic()
    end = quiet_since + PATIENCE_SECONDS
    while time.monotonic() - quiet_since < QUIET_SECONDS or not _beats(site):
        if time.monotonic() > end:
            message = f"expected a quiet release, got {site.seen.open_titles()}"
            raise RuntimeError(message)
        for number in site.seen.open_numbers():
            quiet_since = time.monotonic()
            words = ("incidents", "close", str(number), "--why", "Left of tests before.")
            with suppress(subprocess.CalledProcessError):  # it may have closed by itself meanwhile
                site.stationmaster(*words)
        time.sleep(3)
    site.seen.forget()


def _beats(site: Site) -> bool:
    with (
        suppress(httpx.HTTPError, ConnectionError),
        forwarded(site.place, f"{site.place.release}-alertmanager", 9093) as way,
    ):
        found = httpx.get(f"http://{way.address}/api/v2/alerts", timeout=30).json()
        return bool(found)
    return False


def _rest(site: Site) -> None:
    for dag in DRILL_DAGS:
        with suppress(AssertionError):
            site.airflow.leave_alone(dag)


def _as_before(place: Place) -> None:
    plain = {"file": "", "channels": {"existingSecret": ""}, "watcher": {"everySeconds": 60}}
    helm_upgrade(place, {"dev": {"prometheus": {"enabled": False}}, "monitor": plain})


def _expectations() -> str:
    """Return the repository's expectations, with the receiver, and somebody who waits for a day."""
    text = (ROOT / "dags" / "monitoring.yaml").read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.safe_load(text)
    channels = {CHANNEL: {"kind": "apprise", "secret": CHANNEL, "format": "text"}}
    document["alerts"] = {"channels": channels, "otherwise": [CHANNEL]}
    # Due when the drill is over: what is late has a check of its own.
    paused = {"due": "23:59", "readers": ["drill"], "owner": "drill"}
    document["pipelines"][PAUSED] = paused
    return yaml.safe_dump(document, sort_keys=False)
