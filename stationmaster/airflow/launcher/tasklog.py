"""The platform's own lines in a task's log, where no log store is set up: Airflow's local file."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["LocalLog", "LocalLogs", "open_logs"]

LOGGER: Final = "stationmaster"


@dataclass(frozen=True)
class LocalLog:
    """Append to one task's log file, as Airflow's workers write it."""

    path: Path | None

    def say(self, line: str) -> None:
        """Write a line."""
        if self.path is None:
            return
        said = {
            "timestamp": dt.datetime.now(dt.UTC).isoformat(),
            "level": "info",
            "event": line,
            "logger": LOGGER,
        }
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(said) + "\n")

    def close(self) -> None:
        """Do nothing: each line is written whole."""


@dataclass(frozen=True)
class LocalLogs:
    """Open the logs of tasks below Airflow's folder of logs."""

    folder: Path

    def open(self, log_path: str | None, *, try_id: str) -> LocalLog:
        """Return the log of one try."""
        del try_id
        if log_path is None:
            return LocalLog(None)
        path = self.folder / log_path
        path.parent.mkdir(parents=True, exist_ok=True)
        return LocalLog(path)


def open_logs() -> LocalLogs:
    """Return the logs of this Airflow."""
    from airflow.configuration import conf  # noqa: PLC0415 (Airflow takes seconds to import)

    return LocalLogs(Path(conf.get_mandatory_value("logging", "base_log_folder")))
