"""Ask oasdiff what changed between two descriptions.

oasdiff (https://github.com/oasdiff/oasdiff, Apache-2.0) is built from its Go module, whose version
and checksums stand in `oasdiff/go.mod` and `go.sum`.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

__all__ = ["built", "changelog"]

_MODULE: Final = Path(__file__).with_name("oasdiff")


def built(cache: Path) -> Path:
    """Return the program; it is built where it is not there."""
    texts = [(_MODULE / name).read_bytes() for name in ("go.mod", "go.sum")]
    key = hashlib.sha256(b"".join(texts)).hexdigest()[:12]
    program = cache / f"oasdiff-{key}" / "oasdiff"
    if not program.exists():
        command = ["go", "build", "-trimpath", "-buildvcs=false", "-o", str(program), "tool"]
        env = os.environ | {"GOFLAGS": "-mod=readonly", "GOWORK": "off", "CGO_ENABLED": "0"}
        subprocess.run(command, cwd=_MODULE, env=env, check=True)
    return program


def changelog(cache: Path, old: dict[str, Any], new: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every change that oasdiff's changelog knows of, as JSON objects."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, document in (("old", old), ("new", new)):
            path = Path(folder) / f"{name}.json"
            path.write_text(json.dumps(document), encoding="utf-8")
            paths.append(str(path))
        command = [str(built(cache)), "changelog", "--format", "json", "--flatten-allof", *paths]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout or "[]")
    return found
