"""What a chunk of a log looks like: lines of text, and control lines between them.

A control line begins with U+001E (record separator) and holds one JSON object:

- `log`: first line of each object; who writes: protocol version, try id, shard, shards, attempt.
- `sent`: begins a part; when it was handed to the store, in milliseconds since 1970.
- `at`: when the lines that follow were written, in milliseconds since 1970.
- `cut`: the line before it goes on in the next part (or object).
- `gap`: lines that are missing here: how many, from when to when, why.
- `last`: nothing follows, ever.

A line of the log that begins with U+001E itself gets a second one. An object grows, by whole
parts, until it is large enough; then the next one begins.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pydantic import JsonValue

__all__ = [
    "CONTROL",
    "Gap",
    "LogHead",
    "control_line",
    "escape",
    "log_folder",
    "object_name",
    "read_control",
    "source_folder",
]

CONTROL: Final = b"\x1e"
VERSION: Final = 1
EXTENSION: Final = ".log"


@dataclass(frozen=True)
class LogHead:
    """Say whose lines an object holds."""

    try_id: str
    source: str = "step"
    """step, pod (read from the pod by the platform) or platform."""
    shard: int = 0
    shards: int = 1
    attempt: int = 1

    def line(self) -> bytes:
        """Return the first line of each object."""
        return control_line(log=VERSION, **asdict(self))

    @classmethod
    def read(cls, fields: dict[str, Any]) -> LogHead | None:
        """Return the head that a control line holds; None when it is another one."""
        if fields.get("log") != VERSION:
            return None
        known = {name: fields[name] for name in cls.__dataclass_fields__ if name in fields}
        return cls(**known)


@dataclass(frozen=True)
class Gap:
    """Name lines that were not kept."""

    lines: int
    """0 when nobody can tell how many."""
    first_ms: int
    last_ms: int
    reason: str

    def line(self) -> bytes:
        """Return the control line."""
        return control_line(gap=asdict(self))


def control_line(**fields: JsonValue) -> bytes:
    """Return a control line with its end."""
    return CONTROL + json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def read_control(line: bytes) -> dict[str, Any] | None:
    """Return what a control line says; None for a line that is no control line we know."""
    if line[:1] != CONTROL or line[1:2] != b"{":
        return None
    try:
        fields = json.loads(line[1:])
    except ValueError:
        return None
    return fields if isinstance(fields, dict) else None


def escape(data: bytes, *, at_line_start: bool) -> bytes:
    """Double the U+001E at the beginning of each line."""
    if CONTROL not in data:
        return data
    data = data.replace(b"\n" + CONTROL, b"\n" + CONTROL + CONTROL)
    return CONTROL + data if at_line_start and data.startswith(CONTROL) else data


def log_folder(log_path: str) -> str:
    """Return the folder of a try's chunks: Airflow's path of its log up to `.log`."""
    return log_path.partition(EXTENSION)[0].strip("/")


def source_folder(log_path: str, shard: int, attempt: int) -> str:
    """Return the folder of the chunks of one shard's attempt."""
    return f"{log_folder(log_path)}/shard={shard}/attempt={attempt}"


def object_name(sequence: int) -> str:
    """Return the name of the n-th object of a source; names sort as numbers do."""
    return f"{sequence:06}{EXTENSION}"
