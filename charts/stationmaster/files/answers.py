"""Ask a running Airflow whether it lets nobody in without a password, and whether it is well."""

from __future__ import annotations

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

SERVER = os.environ["API_SERVER"]


def ask(path: str, body: dict[str, str] | None = None, token: str = "") -> tuple[int, Any]:
    """Return the status and the document of one call."""
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(SERVER + path, data, headers)  # noqa: S310 (our own server)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 (as above)
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, None


def main() -> None:
    """Say what was found.

    Raises:
        SystemExit: Something is not well.
    """
    status, _ = ask("/api/v2/dags")
    if status != 401:  # noqa: PLR2004 (unauthorized)
        sys.exit(f"/api/v2/dags without a login: expected 401, got {status}")
    if os.environ["PASSWORD_LOGIN"] == "true":  # noqa: S105 (a switch)
        user = min(path for path in Path("/etc/login").iterdir() if path.is_file())
        body = {"username": user.name, "password": user.read_text().strip()}
        status, answer = ask("/auth/token", body)
        if status != 201:  # noqa: PLR2004 (created)
            sys.exit(f"login as {user.name}: expected 201, got {status}")
        status, _ = ask("/api/v2/dags", token=answer["access_token"])
        if status != 200:  # noqa: PLR2004 (fine)
            sys.exit(f"/api/v2/dags as {user.name}: expected 200, got {status}")
    _, parts = ask("/api/v2/monitor/health")
    ill = sorted(name for name, part in parts.items() if part.get("status") != "healthy")
    if ill:
        sys.exit(f"not healthy: {', '.join(ill)}: {json.dumps(parts)}")
    sys.stdout.write(f"healthy: {', '.join(sorted(parts))}\n")


if __name__ == "__main__":
    main()
