"""Play the upstream systems in a pod: make days, deliver them to the landing place, serve the API.

Settings, besides the library's own (STATIONMASTER_S3_ENDPOINT, AWS keys, STATIONMASTER_SECRETS):

    PLAY_FROM, PLAY_TO     days to deliver, such as 2011-11-21; both included
    PLAY_LANDING           where to: `s3://landing`, or unset for the local folder only
    PLAY_ORDERS_A_DAY      orders on the median trading day; unset: the real ones
    PLAY_PORT              of the support API, on all addresses; default 8765

A day that the landing place has whole is left alone, so that a restart delivers nothing twice.
"""

from __future__ import annotations

import datetime as dt
import os
import sys
from typing import Final

import uvicorn
from pyarrow import fs  # type: ignore[import-untyped]

from stationmaster.sources.days import SOURCES, generate_day, support_file, support_folder
from stationmaster.sources.retail import fetch
from stationmaster.sources.support_api import Desk, application, token
from stationmaster.sources.world import World
from stationmaster.step import Settings
from stationmaster.step.landing import filesystem_of

__all__ = ["main"]

API: Final = "support"
"""The source that is asked, and delivers no files."""


def main() -> None:
    """Deliver the days, then answer as the support API until stopped."""
    settings = Settings()
    missing = [day for day in _days() if not _is_delivered(settings, day)]
    if missing:
        world = _world(settings)
        for day in missing:
            _deliver(world, settings, day)
    desk = Desk(support_folder(settings), token(settings))
    port = int(os.environ.get("PLAY_PORT", "8765"))
    _say(f"support API on port {port}")
    uvicorn.run(
        application(desk),
        host="0.0.0.0",  # noqa: S104 (a pod's own address; a NetworkPolicy says who may call)
        port=port,
        log_level="warning",
        timeout_graceful_shutdown=1,
    )


def _days() -> list[dt.date]:
    if "PLAY_FROM" not in os.environ:
        return []
    first = dt.date.fromisoformat(os.environ["PLAY_FROM"])
    last = dt.date.fromisoformat(os.environ.get("PLAY_TO", os.environ["PLAY_FROM"]))
    return [first + dt.timedelta(days=day) for day in range((last - first).days + 1)]


def _world(settings: Settings) -> World:
    volume = os.environ.get("PLAY_ORDERS_A_DAY", "")
    return World(fetch(settings, _say), 1, int(volume) if volume else None)


def _landing(settings: Settings) -> tuple[fs.FileSystem, str]:
    """Return the file system of the landing place, and its path there."""
    return filesystem_of(os.environ.get("PLAY_LANDING") or settings.landing_location, settings)


def _is_delivered(settings: Settings, day: dt.date) -> bool:
    filesystem, root = _landing(settings)
    signs = [f"{root}/{source}/{day}/_SUCCESS" for source in SOURCES if source != API]
    return support_file(settings, day).exists() and all(
        filesystem.get_file_info(sign).is_file for sign in signs
    )


def _deliver(world: World, settings: Settings, day: dt.date) -> None:
    counts = generate_day(world, settings, day)
    if os.environ.get("PLAY_LANDING"):
        filesystem, root = _landing(settings)
        for source in SOURCES:
            if source != API:
                folder = f"{source}/{day}"
                _copy(f"{settings.landing_location}/{folder}", filesystem, f"{root}/{folder}")
    _say(f"{day} delivered: {', '.join(f'{name} {count:,}' for name, count in counts.items())}")


def _copy(folder: str, filesystem: fs.FileSystem, target: str) -> None:
    """Copy a day's files, `_SUCCESS` last: whoever sees it sees the whole day."""
    local = fs.LocalFileSystem()
    found = [info.base_name for info in local.get_file_info(fs.FileSelector(folder))]
    for name in sorted(found, key=lambda name: (name == "_SUCCESS", name)):
        fs.copy_files(
            f"{folder}/{name}",
            f"{target}/{name}",
            source_filesystem=local,
            destination_filesystem=filesystem,
        )


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
