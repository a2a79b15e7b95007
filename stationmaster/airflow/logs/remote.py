"""Airflow's remote log: workers' logs kept whole, steps' logs shown from their chunks, live."""

from __future__ import annotations

import hashlib
import logging
import re
import socket
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.logs.chunklines import HOLD_MS, ChunkSource
from stationmaster.airflow.logs.merging import Source, as_json_lines, prefix_of, worker_lines
from stationmaster.step.logs.format import log_folder
from stationmaster.step.logs.store import open_store
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Generator, Iterable, Iterator

    from stationmaster.step.logs.store import LogStore, StoredObject

__all__ = ["StepLogIO", "store_of"]

_log = logging.getLogger(__name__)

_READ_TIMEOUT_SECONDS: Final = 5.0
_MOST_BLOCK_BYTES: Final = 1 << 20
_LEAST_BLOCK_BYTES: Final = 64 << 10
_ALL_BLOCKS_BYTES: Final = 64 << 20

_UPLOAD_SECONDS: Final = 30.0
_SLOWEST_BYTES_PER_SECOND: Final = 1 << 20

_LIVE: Final = frozenset({"running", "queued", "scheduled", "deferred", "restarting"})

_PLATFORM: Final = re.compile(r"(platform/[^/]+)/\d+\.log")
_STEP: Final = re.compile(r"(shard=\d+/attempt=\d+(?:/[^/]+)?)/\d+\.log")
_WORKER: Final = re.compile(r"(worker)/[^/]+\.log")


def store_of(settings: Settings, timeout_seconds: float) -> LogStore | None:
    """Return the log store; None when STATIONMASTER_LOGS is not set."""
    if not settings.logs:
        return None
    return open_store(
        settings.logs,
        endpoint=settings.s3_endpoint,
        region=settings.s3_region,
        timeout_seconds=timeout_seconds,
    )


class StepLogIO:
    """Read and write task logs below STATIONMASTER_LOGS; does nothing while that is unset.

    `airflow.logging.remote.RemoteLogStreamIO` says what Airflow calls.

    Args:
        base_log_folder: Where workers write their logs.
        delete_local_copy: Remove a worker's file once the store has it.
    """

    def __init__(self, base_log_folder: str, *, delete_local_copy: bool = False) -> None:
        self._base = Path(base_log_folder)
        self._delete = delete_local_copy

    @property
    def processors(self) -> tuple[Any, ...]:
        """Return none: lines are not changed on their way into the worker's file."""
        return ()

    def upload(self, path: os.PathLike[str] | str, ti: object = None) -> None:
        """Keep a worker's whole log; gives up, in bounded time, when the store does not take it."""
        del ti
        store = store_of(Settings(), _READ_TIMEOUT_SECONDS)
        relative = str(path)
        file = self._base / relative
        if store is None or not file.is_file():
            return
        seconds = _UPLOAD_SECONDS + file.stat().st_size / _SLOWEST_BYTES_PER_SECOND
        stored = threading.Event()
        work = threading.Thread(
            target=_put_file, args=(store, relative, file, seconds, stored.set), daemon=True
        )
        work.start()
        work.join(seconds)
        if not stored.is_set():
            _log.warning("%s was not written to %s within %.0f s", relative, store.uri, seconds)
        elif self._delete:
            file.unlink(missing_ok=True)

    def read(self, relative_path: str, ti: object) -> tuple[list[str], list[str] | None]:
        """Return messages about the log, and the whole log as one text."""
        sources, streams = self.stream(relative_path, ti)
        return sources, ["\n".join(line for stream in streams for line in stream)]

    def stream(
        self, relative_path: str, ti: object
    ) -> tuple[list[str], list[Generator[str, None, None]]]:
        """Return messages about the log, and its lines, read as they are asked for."""
        settings = Settings()
        store = store_of(settings, _READ_TIMEOUT_SECONDS)
        if store is None:
            return [], []
        folder = log_folder(relative_path)
        try:
            found = _sort_out(store.list(folder), folder)
        except Exception as error:  # noqa: BLE001 (the page says it instead of failing)
            return [f"The log store {store.uri} cannot be read: {error}"], []
        if not found:
            return [], []
        count = sum(len(objects) for objects in found.values())
        state = str(getattr(getattr(ti, "state", None), "value", getattr(ti, "state", None)))
        live = state in _LIVE
        lines = _lines(store, found, live=live, try_id=_try_id(ti))
        return [f"{store.uri}/{folder}/ ({count} objects)"], [lines]


def _lines(
    store: LogStore, found: dict[str, list[StoredObject]], *, live: bool, try_id: str
) -> Generator[str, None, None]:
    """Yield all lines; trouble with the store ends them with a line that says so."""
    until_ms = int(time.time() * 1000) - HOLD_MS if live else None
    block = max(_LEAST_BLOCK_BYTES, min(_MOST_BLOCK_BYTES, _ALL_BLOCKS_BYTES // len(found)))
    try:
        chunks = [
            ChunkSource(store, objects, block_bytes=block, ended=not live)
            for name, objects in sorted(found.items())
            if name != "worker"
        ]
        workers = [worker_lines(_raw_lines(store, each, block)) for each in found.get("worker", ())]
        yield from as_json_lines(_of_try(chunks, try_id), workers, until_ms=until_ms)
    except Exception as error:  # noqa: BLE001 (the page shows what was read, and says so)
        _log.warning("The log store stopped answering", exc_info=True)
        yield f"The log store {store.uri} stopped answering here: {error}"


def _of_try(chunks: Iterable[ChunkSource], try_id: str) -> list[Source]:
    """Return the sources of this try; a run of the same name, deleted since, may have left some."""
    opened = [(chunk, head) for chunk in chunks if (head := chunk.open()) is not None]
    ours = [(chunk, head) for chunk, head in opened if head.try_id == try_id]
    return [
        Source(chunk, prefix_of(head), "stationmaster" if head.source == "platform" else "step")
        for chunk, head in ours or opened
    ]


def _sort_out(objects: Iterable[StoredObject], folder: str) -> dict[str, list[StoredObject]]:
    """Return objects by source, the platform's sources first."""
    found: defaultdict[str, list[StoredObject]] = defaultdict(list)
    for each in objects:
        name = each.key.removeprefix(f"{folder}/")
        for pattern in (_PLATFORM, _STEP, _WORKER):
            if match := pattern.fullmatch(name):
                found[match[1]].append(each)
    return dict(found)


def _raw_lines(store: LogStore, each: StoredObject, block: int) -> Iterator[bytes]:
    rest = b""
    for start in range(0, each.size_bytes, block):
        data = store.get(each.key, start, min(start + block, each.size_bytes))
        *lines, rest = (rest + data).split(b"\n")
        yield from lines
    yield rest


def _put_file(
    store: LogStore, relative: str, file: Path, seconds: float, on_stored: Callable[[], None]
) -> None:
    """Write a file, again and again until it worked or the time is over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            with file.open("rb") as stream:
                store.put(_worker_key(relative, stream.read(256)), _from_start(stream))
        except Exception as error:  # noqa: BLE001 (logs must not fail a task)
            _log.info("The log store did not take %s: %s", relative, error)
            time.sleep(1)
        else:
            on_stored()
            return


def _from_start(stream: Any) -> Any:  # noqa: ANN401 (a file, handed back)
    stream.seek(0)
    return stream


def _worker_key(relative: str, beginning: bytes) -> str:
    """Return the object's name: the same for a file that grew, another for another file."""
    kind = relative.partition(".log")[2].strip(".").removesuffix(".log") or "task"
    mark = hashlib.sha256(beginning).hexdigest()[:8]
    return f"{log_folder(relative)}/worker/{kind}-{socket.gethostname()}-{mark}.log"


def _try_id(ti: object) -> str:
    """Return the unique id of the try: a row of the history has it under another name."""
    return str(getattr(ti, "task_instance_id", None) or getattr(ti, "id", ""))
