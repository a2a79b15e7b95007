"""Fetch GitHub's published descriptions from npm, by checksums pinned beside this file.

`@octokit/openapi` holds the OpenAPI description of api.github.com, `@octokit/webhooks-examples`
payloads that were really sent. `npm` decides where from (`npm config get registry`).
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["VERSIONS", "description", "webhook_examples"]

_PINS: Final = Path(__file__).with_name("packages.sha512")
_OPENAPI: Final = "package/generated/api.github.com.json"
_EXAMPLES: Final = "package/api.github.com/index.json"
_EXAMPLES_VERSION: Final = "7.6.1"


def _pins() -> Mapping[str, str]:
    lines = _PINS.read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def _order(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


VERSIONS: Final = tuple(
    sorted(
        (
            name.removeprefix("octokit-openapi-").removesuffix(".tgz")
            for name in _pins()
            if name.startswith("octokit-openapi-")
        ),
        key=_order,
    )
)
"""Every published version of the description, the oldest first."""


def description(cache: Path, version: str) -> Path:
    """Return the OpenAPI description of a version; it is fetched where it is not there."""
    return _member(cache, "openapi", version, _OPENAPI)


def webhook_examples(cache: Path) -> list[dict[str, Any]]:
    """Return events with their examples: `name`, `examples`."""
    path = _member(cache, "webhooks-examples", _EXAMPLES_VERSION, _EXAMPLES)
    events: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return events


def _member(cache: Path, package: str, version: str, member: str) -> Path:
    path = cache / f"{package}-{version}.json"
    if not path.exists():
        with tarfile.open(_fetched(cache, package, version)) as archive:
            file = archive.extractfile(member)
            if file is None:
                message = f"{package} {version} has no {member}"
                raise RuntimeError(message)
            part = path.with_suffix(".part")
            part.write_bytes(file.read())
            part.rename(path)
    return path


def _fetched(cache: Path, package: str, version: str) -> Path:
    cache.mkdir(parents=True, exist_ok=True)
    name = f"octokit-{package}-{version}.tgz"
    path = cache / name
    if not path.exists():
        command = ["npm", "pack", "--silent", f"@octokit/{package}@{version}"]
        subprocess.run(command, cwd=cache, check=True, stdout=subprocess.DEVNULL)
    if hashlib.sha512(path.read_bytes()).hexdigest() != _pins()[name]:
        path.unlink()
        message = f"{name} is not what was pinned; it was removed, run again"
        raise RuntimeError(message)
    return path
