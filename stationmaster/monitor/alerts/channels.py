"""Where messages go: what every channel can do, and the two that are always here."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from stationmaster.monitor.alerts.rendering import rendered
from stationmaster.monitor.checks.finding import Severity
from stationmaster.step.errors import StationmasterError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from stationmaster.monitor.alerts.message import Message

__all__ = ["Batch", "ChannelError", "Delivers", "FileChannel", "LogChannel"]

log = logging.getLogger("stationmaster.alerts")


class ChannelError(StationmasterError):
    """A channel did not take a message; says why, without any secret."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Hold what goes through a channel at once.

    Args:
        messages: One; or many, as one.
        key: The same for each try of the same batch: whoever knows it already may drop it.
        zone: The clock of whoever reads it.
    """

    messages: tuple[Message, ...]
    key: str
    zone: ZoneInfo

    @property
    def severity(self) -> Severity:
        """Return the worst of them."""
        return max((each.severity for each in self.messages), key=lambda one: one.rank)

    @property
    def ends(self) -> bool:
        """Tell whether all of them say that an incident is over."""
        return all(each.ends for each in self.messages)


class Delivers(Protocol):
    """Bring messages to whoever reads them."""

    @property
    def groups(self) -> bool:
        """Tell whether people read it: many incidents come as one message."""

    def deliver(self, batch: Batch) -> None:
        """Deliver a batch.

        Raises:
            ChannelError: It was not taken.
        """

    def refresh(self, messages: Sequence[Message]) -> None:
        """Say again which incidents are open, to whom forgets.

        Raises:
            ChannelError: It was not taken.
        """


class LogChannel:
    """Write messages to the watcher's log, as text."""

    groups = True

    def deliver(self, batch: Batch) -> None:
        """Write a batch."""
        text = rendered(batch.messages, "text", batch.zone)
        level = logging.ERROR if batch.severity is Severity.CRITICAL else logging.WARNING
        log.log(logging.INFO if batch.ends else level, "%s\n%s", text.title, text.body.rstrip())

    def refresh(self, messages: Sequence[Message]) -> None:
        """Do nothing: a log forgets nothing."""


class FileChannel:
    """Append messages to a file, one JSON document a line.

    Args:
        path: The file; its folder is made.
    """

    groups = False

    def __init__(self, path: Path) -> None:
        self._path = path

    def deliver(self, batch: Batch) -> None:
        """Write a batch, to the disk.

        Raises:
            ChannelError: The file cannot be written.
        """
        lines = [
            json.dumps({"key": batch.key, **each.model_dump(mode="json")})
            for each in batch.messages
        ]
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write("".join(f"{line}\n" for line in lines))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            message = f"the file cannot be written: {error}"
            raise ChannelError(message) from error

    def refresh(self, messages: Sequence[Message]) -> None:
        """Do nothing: a file forgets nothing."""
