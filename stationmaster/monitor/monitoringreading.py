"""The file of expectations as it is now: read again when it changed, kept when it cannot be used.

A process that watches or shows for weeks must not be started anew for a new deadline, and must not
stop over a typing mistake: the last good file counts until the new one can be used.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from stationmaster.monitor.monitoringfile import find_monitoring
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Callable

    from stationmaster.monitor.monitoring import Monitoring
    from stationmaster.step.settings import Settings

__all__ = ["KeptMonitoring", "Unusable"]

USUAL: Final = Path("dags") / "monitoring.yaml"

log = logging.getLogger(__name__)


class Unusable(NamedTuple):
    """Say that the file as it is now cannot be used.

    Args:
        error: Names line and field, what was expected and what came.
        since: When that was seen first.
        kept: An older file that could be used counts meanwhile.
    """

    error: MisconfiguredError
    since: dt.datetime
    kept: bool


class KeptMonitoring:
    """Have what is expected; safe to share between threads.

    Args:
        settings: They name the file.
        clock: Tells the time.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self._settings = settings
        self._clock = clock
        named = settings.monitoring_file
        self._path = USUAL if named == Path() else named
        self._lock = threading.Lock()
        self._stat: tuple[int, int, int] | None = None
        self._hash: bytes | None = None
        self._looked = False
        self._good: Monitoring | None = None
        self.unusable: Unusable | None = None

    def read(self) -> Monitoring:
        """Return what is expected, by the file as it is now or by the last one that was good.

        Raises:
            MisconfiguredError: It cannot be used, and none before it could.
        """
        with self._lock:
            if self._has_changed():
                self._take_up()
            if self._good is not None:
                return self._good
            if self.unusable is not None:
                raise self.unusable.error
            return find_monitoring(self._settings, self._settings.monitoring_file)

    def _has_changed(self) -> bool:
        """Tell whether the content is another one than was read last.

        A mounted ConfigMap is swapped as a whole: the path leads to another file then.
        """
        try:
            found = self._path.stat()
            stat = (found.st_mtime_ns, found.st_size, found.st_ino)
            if self._looked and stat == self._stat:
                return False
            content = hashlib.sha256(self._path.read_bytes()).digest()
        except OSError:
            stat, content = None, None
        changed = not self._looked or content != self._hash
        self._looked, self._stat, self._hash = True, stat, content
        return changed

    def _take_up(self) -> None:
        again = self._good is not None
        try:
            self._good = find_monitoring(self._settings, self._settings.monitoring_file)
        except MisconfiguredError as error:
            since = self._clock() if self.unusable is None else self.unusable.since
            self.unusable = Unusable(error, since, kept=again)
            if again:
                log.warning("%s: %s; the file before it counts", error.where, error.got)
        else:
            self.unusable = None
            if again:
                log.info("The file of expectations was read again: %s", self._path)
