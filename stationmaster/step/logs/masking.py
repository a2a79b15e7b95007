"""Strike the values of secrets out of what a step prints, before it leaves the step's process."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Masker", "masked_text", "secret_values"]

STARS: Final = b"***"
SHORTEST: Final = 5
"""Shorter values would strike out half of every log."""

LARGEST_FILE: Final = 256 * 1024

_SECRET_NAME: Final = re.compile(
    r"SECRET|TOKEN|PASSW|PASSPHRASE|CREDENTIAL|AUTHORIZATION"
    r"|(API|PRIVATE|ACCESS|SIGNING|ENCRYPTION|FERNET)_?KEY|_PAT$|_PWD$",
    re.IGNORECASE,
)
_NO_SECRET: Final = re.compile(r"_(FILE|PATH|FOLDER|DIR|URI|URL|ARN|NAME)$", re.IGNORECASE)
_WORDS: Final = frozenset({"false", "default", "enabled", "disabled", "required"})


class Masker:
    """Replace secrets in a stream of bytes, also one that is split over two reads.

    Args:
        secrets: The values.
    """

    def __init__(self, secrets: frozenset[str]) -> None:
        self._secrets: list[bytes] = []
        self._rest = b""
        self.learn(secrets)

    def learn(self, secrets: frozenset[str]) -> None:
        """Strike these out from now on as well, each in the spellings that a log may have."""
        spelled = {variant.encode() for value in secrets for variant in _variants(value)}
        # The longest first: a secret that contains another one goes as a whole.
        self._secrets = sorted(spelled | set(self._secrets), key=lambda each: (-len(each), each))

    def mask(self, data: bytes) -> bytes:
        """Return what can be handed on; the beginning of what may be a secret waits for more."""
        data = self._rest + data
        for secret in self._secrets:
            if secret in data:
                data = data.replace(secret, STARS)
        held = max((_overlap(data, secret) for secret in self._secrets), default=0)
        self._rest = data[len(data) - held :]
        return data[: len(data) - held]

    def end(self) -> bytes:
        """Return what still waited."""
        rest, self._rest = self._rest, b""
        return rest


def masked_text(text: str, secrets: frozenset[str]) -> str:
    """Return a whole text without the secrets."""
    masker = Masker(secrets)
    return (masker.mask(text.encode(errors="replace")) + masker.end()).decode(errors="replace")


def secret_values(folder: Path, variables: Mapping[str, str]) -> frozenset[str]:
    """Return the contents of the secret files, and of variables whose names look secret."""
    found = {value for value in _of_files(folder) if _worth(value)}
    for name, value in variables.items():
        if _SECRET_NAME.search(name) and not _NO_SECRET.search(name):
            if not (value.startswith("/") and Path(value).exists()):
                found.add(value.strip())
        elif "://" in value and "@" in value:
            with contextlib.suppress(ValueError):
                found.add(urlsplit(value).password or "")
    return frozenset(value for value in found if _worth(value))


def _of_files(folder: Path) -> Iterator[str]:
    with contextlib.suppress(OSError):
        for path in sorted(folder.iterdir()):
            with contextlib.suppress(OSError):
                if path.is_file() and path.stat().st_size <= LARGEST_FILE:
                    text = path.read_text(encoding="utf-8", errors="ignore").strip()
                    yield text
                    yield from _inside(text)


def _inside(text: str) -> Iterator[str]:
    """Yield the lines of a key in many lines, and the values of a JSON document."""
    lines = text.splitlines()
    if len(lines) > 1:
        yield from (line.strip() for line in lines if len(line) >= 4 * SHORTEST)
    if text.startswith("{"):
        with contextlib.suppress(ValueError, AttributeError):
            yield from (value for value in json.loads(text).values() if isinstance(value, str))


def _variants(value: str) -> set[str]:
    escaped = json.dumps(value)[1:-1]
    return {value, escaped, repr(value)[1:-1], quote(value, safe="")}


def _worth(value: str) -> bool:
    return len(value) >= SHORTEST and value.lower() not in _WORDS


def _overlap(data: bytes, secret: bytes) -> int:
    """Return how many of the last bytes are the beginning of a secret, at most."""
    tail = data[-(len(secret) - 1) :]
    first = secret[:1]
    at = tail.find(first)
    while at >= 0:
        if secret.startswith(tail[at:]):
            return len(tail) - at
        at = tail.find(first, at + 1)
    return 0
