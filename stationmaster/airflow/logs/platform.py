"""The platform's own lines in a step's log: said by the launcher, which never waits for a store."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from weakref import WeakSet

from stationmaster.airflow.logs.remote import store_of
from stationmaster.step.logs.format import LogHead, log_folder
from stationmaster.step.logs.masking import masked_text, secret_values
from stationmaster.step.logs.segment import SpoolLimits
from stationmaster.step.logs.spool import LogSpool
from stationmaster.step.logs.uploader import LogUploader, Spool
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from stationmaster.step.logs.store import LogStore

__all__ = ["PlatformLog", "PlatformLogs"]

_STORE_SECONDS: Final = 10.0
_LIMITS: Final = SpoolLimits(
    part_bytes=64 << 10, object_bytes=64 << 10, memory_bytes=256 << 10, disk_bytes=0
)
"""A step's own few lines; thousands of steps share one launcher."""


class _Lines(Spool, Protocol):
    """Take lines as well."""

    def end(self) -> None:
        """Take no more."""

    def leave(self) -> None:
        """Carry what is here; another process may go on."""

    def say(self, at: dt.datetime, level: str, line: str) -> None:
        """Take one line."""


class PlatformLogs:
    """Open the platform's part of steps' logs; one object a process.

    Args:
        store: Where chunks go; None writes into Airflow's own local files.
        base_log_folder: Of Airflow's local files.
        settings: Where secrets lie, which are struck out of what is said.
    """

    def __init__(self, store: LogStore | None, base_log_folder: Path, settings: Settings) -> None:
        self.store = store
        self._base = base_log_folder
        self._secrets = secret_values(settings.secrets_folder, os.environ)
        self._writer = f"{time.time_ns() // 1_000_000}-{os.getpid()}"
        self._opened = itertools.count()  # a log that is opened again overwrites nothing
        self._open: WeakSet[_Lines] = WeakSet()
        self.uploader = LogUploader(threads=2)
        self.uploader.start()

    @classmethod
    def from_settings(cls) -> PlatformLogs:
        """Return what STATIONMASTER_LOGS and Airflow's `[logging] base_log_folder` say."""
        from airflow.configuration import conf  # noqa: PLC0415 (Airflow takes seconds to import)

        settings = Settings()
        base = Path(conf.get_mandatory_value("logging", "base_log_folder"))
        return cls(store_of(settings, _STORE_SECONDS), base, settings)

    def open(self, log_path: str | None, *, try_id: str) -> PlatformLog:
        """Return the log of one try.

        Args:
            log_path: Airflow's relative path of the try's log; None keeps nothing.
            try_id: Airflow's id of the try.
        """
        if log_path is None:
            return PlatformLog(None, self._secrets)
        lines: _Lines
        if self.store is None:
            lines = _FileLines(self._base / log_path)
        else:
            folder = f"{log_folder(log_path)}/platform/{self._writer}-{next(self._opened):06}"
            head = LogHead(try_id=try_id, source="platform", attempt=0)
            lines = _ChunkLines(LogSpool(self.store, folder, head, _LIMITS))
        self._open.add(lines)
        self.uploader.carry(lines)
        return PlatformLog(lines, self._secrets)

    def close(self, timeout_seconds: float = 5.0) -> bool:
        """Write what is left, as far as time allows; return whether all of it was written.

        Logs that were not closed are written too, without their end.
        """
        for lines in tuple(self._open):
            lines.leave()
        return self.uploader.close(
            patience_seconds=timeout_seconds, at_most_seconds=timeout_seconds
        )


class PlatformLog:
    """Say lines in the log of one try; from any thread or loop, never waiting."""

    def __init__(self, lines: _Lines | None, secrets: frozenset[str]) -> None:
        self._lines = lines
        self._secrets = secrets

    def say(self, line: str, level: str = "info") -> None:
        """Write a line.

        Args:
            line: A sentence; line ends in it become spaces.
            level: debug, info, warning or error.
        """
        if self._lines is not None:
            at = dt.datetime.now(dt.UTC)
            self._lines.say(at, level, masked_text(" ".join(line.splitlines()), self._secrets))

    def close(self) -> None:
        """Say that nothing will follow."""
        if self._lines is not None:
            self._lines.end()


class _ChunkLines:
    """Write them as the runner writes its own."""

    def __init__(self, spool: LogSpool) -> None:
        self._spool = spool

    @property
    def complete(self) -> bool:
        return self._spool.complete

    def due(self) -> bool:
        return self._spool.due()

    def flush(self) -> None:
        self._spool.flush()

    def end(self) -> None:
        self._spool.end()

    def leave(self) -> None:
        self._spool.leave()

    def say(self, at: dt.datetime, level: str, line: str) -> None:
        stamp = f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"
        self._spool.add(f"{stamp} {level.upper():<7} {line}\n".encode(), at.timestamp())


class _FileLines:
    """Append to Airflow's local file, in the form in which workers write it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._waiting: list[str] = []
        self._ended = False

    @property
    def complete(self) -> bool:
        return self._ended and not self._waiting

    def due(self) -> bool:
        return bool(self._waiting) or self._ended

    def flush(self) -> None:
        with self._lock:
            lines, self._waiting = self._waiting, []
        if not lines:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write("".join(lines))
        except OSError:
            with self._lock:
                self._waiting[:0] = lines[-1000:]
            raise

    def end(self) -> None:
        self._ended = True

    def leave(self) -> None:
        self._ended = True

    def say(self, at: dt.datetime, level: str, line: str) -> None:
        document = {
            "timestamp": at.isoformat(),
            "level": level,
            "event": line,
            "logger": "stationmaster",
        }
        with self._lock:
            self._waiting.append(json.dumps(document) + "\n")
