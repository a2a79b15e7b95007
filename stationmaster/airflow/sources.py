"""Has a source delivered? Asked of its landing folder or of its API, for one upstream day.

Nothing here raises for a source that is late, down or unreachable: that is an answer too.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Missing", "missing_from_api", "missing_from_landing"]

MARKER: Final = "_SUCCESS"
"""Written by an upstream system after the last file of its day."""

API_TIMEOUT_SECONDS: Final = 10.0
REFUSED: Final = frozenset({401, 403})


@dataclass(frozen=True)
class Missing:
    """Say what a source still owes.

    Args:
        what: The first day or moment that is missing.
        since: When it was due.
        detail: What was seen instead.
        hopeless: Waiting cannot help; a person must act.
        advice: What that person does, where it is not simply to ask the source's owner.
    """

    what: str
    since: dt.datetime
    detail: str
    hopeless: bool = False
    advice: str = ""


def missing_from_landing(
    place: str, source: str, days: Sequence[tuple[dt.date, dt.datetime]], *, s3_endpoint: str = ""
) -> Missing | None:
    """Return the first day whose folder has no `_SUCCESS`, or None when all have.

    Args:
        place: Landing folder or `s3://bucket/prefix`.
        source: Name of the source: its folder.
        days: Upstream days in order, each with the moment it is over.
        s3_endpoint: Where S3 is, if it is not AWS's own.
    """
    for day, over in days:
        folder = f"{place.rstrip('/')}/{source}/{day.isoformat()}"
        try:
            arrived, detail = (
                _in_bucket(folder, s3_endpoint) if place.startswith("s3://") else _in_folder(folder)
            )
        except Exception as error:  # noqa: BLE001 (any trouble of storage is an answer: not yet)
            arrived, detail = False, f"{folder} cannot be read: {type(error).__name__}: {error}"
        if not arrived:
            return Missing(what=day.isoformat(), since=over, detail=detail)
    return None


def _in_folder(folder: str) -> tuple[bool, str]:
    path = Path(folder)
    if (path / MARKER).is_file():
        return True, ""
    if not path.is_dir():
        return False, f"{folder} does not exist"
    count = sum(1 for _ in path.iterdir())
    files = "1 file" if count == 1 else f"{count} files"
    return False, f"{folder} has {files}, but no {MARKER} yet"


def _in_bucket(folder: str, endpoint: str) -> tuple[bool, str]:
    import boto3  # noqa: PLC0415 (slow to import, and only needed where landing is S3)
    from botocore.exceptions import ClientError  # noqa: PLC0415 (comes with it)

    address = urlsplit(folder)
    client = boto3.client("s3", endpoint_url=endpoint or None)
    try:
        client.head_object(Bucket=address.netloc, Key=f"{address.path.lstrip('/')}/{MARKER}")
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in {"404", "NoSuchKey", "NotFound"}:
            return False, f"{folder} has no {MARKER} yet"
        raise
    return True, ""


def missing_from_api(url: str, token_file: str, until: dt.datetime) -> Missing | None:
    """Return what an API's `/v1/status` still owes up to a moment, or None.

    Args:
        url: Address of the API.
        token_file: File with the bearer token.
        until: End of what is needed; an API that reports a day complete up to its last second
            has delivered it.
    """
    import httpx  # noqa: PLC0415 (only where a source is an API)

    what = f"everything up to {until:%Y-%m-%d %H:%M} UTC"
    try:
        token = Path(token_file).read_text().strip()
    except OSError as error:
        return Missing(
            what,
            until,
            f"the token cannot be read: {error}",
            hopeless=True,
            advice=f"Put the API's token into {token_file}, then clear the task.",
        )
    try:
        answer = httpx.get(
            f"{url.rstrip('/')}/v1/status",
            headers={"Authorization": f"Bearer {token}"},
            timeout=API_TIMEOUT_SECONDS,
        )
    except httpx.HTTPError as error:
        detail = f"{url} cannot be reached: {type(error).__name__}: {error}"
        return Missing(what, until, detail)
    return _judged(answer.status_code, answer.text, url=url, until=until, what=what)


def _judged(status: int, text: str, *, url: str, until: dt.datetime, what: str) -> Missing | None:
    if status in REFUSED:
        return Missing(
            what,
            until,
            f"{url}/v1/status answered {status}: it refuses our token",
            hopeless=True,
            advice="Renew the secret support-api-token, then clear the task.",
        )
    if status != 200:  # noqa: PLR2004 (HTTP's OK)
        return Missing(what, until, f"{url}/v1/status answered {status}")
    try:
        document: Any = json.loads(text)
        complete = dt.datetime.fromisoformat(document["complete_through"])
        on_time = complete >= until - dt.timedelta(seconds=1)
    except (ValueError, KeyError, TypeError):
        shown = text[:80].replace("\n", " ")
        detail = f"{url}/v1/status answered without a usable complete_through: {shown!r}"
        return Missing(what, until, detail)
    if on_time:
        return None
    return Missing(what, until, f"it is complete through {complete:%Y-%m-%d %H:%M:%S} only")
