"""The small process beside a step: stdout in, stdout and chunks out, secrets struck out."""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stationmaster.step.logs.format import LogHead, log_folder, source_folder
from stationmaster.step.logs.masking import Masker, masked_text, secret_values
from stationmaster.step.logs.spool import LogSpool
from stationmaster.step.logs.store import open_store
from stationmaster.step.logs.uploader import LogUploader

if TYPE_CHECKING:
    from stationmaster.step.protocol import StepContext
    from stationmaster.step.settings import Settings

__all__ = ["LogCarrier", "default_log_path", "write_all"]

END: Final = b"end"
STOP: Final = b"stop"

LONGEST_END_SECONDS: Final = 120.0
"""How long the end of a step waits for a store that takes what is left, piece by piece."""

STOPPED_SECONDS: Final = 10.0
"""The same when the step was asked to stop: SIGKILL is near."""

_PATIENCE_SECONDS: Final = {END: 10.0, STOP: 5.0}
"""How long the end of a step waits for a store that takes nothing."""

_STORE_SECONDS: Final = 10.0
"""How long a call to the store may be silent."""

_REFRESH_SECONDS: Final = 30.0
"""How often the secret files are read again: Kubernetes renews them in place."""

_BABBLE_SECONDS: Final = 2.0
"""How long a child that outlives the step is listened to."""

_READ_BYTES: Final = 1 << 20


class LogCarrier:
    """Run as a forked child of the step until nothing more can come.

    Args:
        settings: Say where the log goes and where secrets lie.
        context: Whose log it is.
        read_end: What the step writes to its stdout and stderr comes out here.
        told: The step says here that it has ended.
        parent: Process id of the step.
    """

    def __init__(
        self, settings: Settings, context: StepContext, read_end: int, told: int, parent: int
    ) -> None:
        self._settings = settings
        self._read_end = read_end
        self._told = told
        self._parent = parent
        path = settings.log_path or default_log_path(context)
        head = LogHead(
            try_id=context.try_id,
            shard=context.shard.index,
            shards=context.shard.count,
            attempt=context.attempt,
        )
        store = open_store(
            settings.logs,
            endpoint=settings.s3_endpoint,
            region=settings.s3_region,
            timeout_seconds=_STORE_SECONDS,
        )
        folder = source_folder(log_folder(path), context.shard.index, context.attempt)
        self._spool = LogSpool(store, folder, head)
        self._uploader = LogUploader(on_trouble=self._say_trouble)
        self._masker = Masker(self._secrets())
        self._refreshed = time.monotonic()
        self._stdout_open = True

    def run(self) -> None:
        """Carry everything; returns when it is stored, or when the time for that is over."""
        _live_apart()
        try:
            self._run()
        finally:
            self._spool.discard()

    def _run(self) -> None:
        self._uploader.carry(self._spool)
        self._uploader.start()
        word = self._carry()
        self._hand_on(self._masker.end())
        self._spool.end()
        stopped = word == STOP
        stored = self._uploader.close(
            patience_seconds=_PATIENCE_SECONDS.get(word, _PATIENCE_SECONDS[END]),
            at_most_seconds=STOPPED_SECONDS if stopped else LONGEST_END_SECONDS,
        )
        if not stored:
            self._say("the end of this log could not be written to the log store in time")

    def _carry(self) -> bytes:
        """Read until the end; return the step's word about it, empty when it was killed."""
        poll = select.poll()
        poll.register(self._read_end, select.POLLIN | select.POLLHUP)
        poll.register(self._told, select.POLLIN | select.POLLHUP)
        until = float("inf")
        word = b""
        while time.monotonic() < until:
            ready = {number for number, _ in poll.poll(1000)}
            if self._told in ready:
                poll.unregister(self._told)
                word = os.read(self._told, 16)
                until = time.monotonic() + _BABBLE_SECONDS
            if self._read_end in ready:
                data = os.read(self._read_end, _READ_BYTES)
                if not data:
                    break
                self._hand_on(self._masker.mask(data))
            elif until < float("inf") or os.getppid() != self._parent:
                break
            self._refresh_secrets()
        return word

    def _hand_on(self, data: bytes) -> None:
        self._spool.add(data)
        if self._stdout_open:
            try:
                write_all(1, data)
            except OSError:  # nobody reads it any more
                self._stdout_open = False

    def _secrets(self) -> frozenset[str]:
        return secret_values(self._settings.secrets_folder, os.environ)

    def _refresh_secrets(self) -> None:
        if time.monotonic() - self._refreshed > _REFRESH_SECONDS:
            self._refreshed = time.monotonic()
            self._masker.learn(self._secrets())

    def _say_trouble(self, reason: str) -> None:
        text = masked_text(reason, self._secrets())
        self._say(f"the log store does not take this log for now: {text[:500]}")

    def _say(self, text: str) -> None:
        with contextlib.suppress(OSError):
            write_all(2, f"[log] {text}\n".encode())


def default_log_path(context: StepContext) -> str:
    """Return the path that Airflow's default `log_filename_template` gives a try's log."""
    parts = [
        f"dag_id={context.pipeline}",
        f"run_id={context.run_id}",
        f"task_id={context.step}",
        *([f"map_index={context.map_index}"] if context.map_index >= 0 else []),
        f"attempt={context.try_number}.log",
    ]
    return "/".join(parts)


def write_all(number: int, data: bytes) -> None:
    """Write all bytes to a file descriptor.

    Raises:
        OSError: It takes no more.
    """
    view = memoryview(data)
    while view:
        view = view[os.write(number, view) :]


def _live_apart() -> None:
    """Outlive the signals that are meant for the step, to keep its last words."""
    with contextlib.suppress(PermissionError):
        os.setsid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    gc.freeze()  # what was the step's is not looked at again: its pages stay shared
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text("stationmaster-l", encoding="utf-8")
