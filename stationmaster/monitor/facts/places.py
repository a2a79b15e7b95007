"""Look where readers look: a folder, a bucket, a web address. Reads only, each in bounded time."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from stationmaster.monitor.facts.missing import FactsNotHereError, FactsUnavailableError
from stationmaster.monitor.facts.published import Copy

if TYPE_CHECKING:
    from stationmaster.step.settings import Settings

__all__ = ["Places"]

SECONDS: Final = 10.0
READ_BYTES: Final = 1_000_000
NOT_THERE: Final = frozenset({"404", "NoSuchKey", "NotFound", "NoSuchBucket"})
NOT_FOUND: Final = frozenset({404, 410})


class Places:
    """Look into folders, buckets and web addresses.

    Args:
        settings: They name the S3 endpoint and the folder of secrets.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def look(self, uri: str) -> Copy:
        """Return what a reader gets at a place.

        Raises:
            FactsUnavailableError: It cannot be told: the place does not answer.
        """
        scheme = urlsplit(uri).scheme
        if scheme == "s3":
            return self._in_bucket(uri)
        if scheme in {"http", "https"}:
            return _on_the_web(uri)
        path = unquote(urlsplit(uri).path) if scheme == "file" else uri
        return _in_folder(Path(path))

    def holds(self, uri: str) -> bool:
        """Tell whether there is a file.

        Raises:
            FactsUnavailableError: It cannot be told.
        """
        if urlsplit(uri).scheme != "s3":
            return self.look(uri).found
        return self._head(uri) is not None

    def complete_through(self, source: str, url: str) -> dt.datetime | None:
        """Return up to when an API says that it is complete (`/v1/status`); None: it has nothing.

        Raises:
            FactsNotHereError: We have no token for it.
            FactsUnavailableError: It does not answer, or refuses our token.
        """
        import httpx  # noqa: PLC0415 (only where a source is an API)

        address = f"{(url or self._settings.support_api_url).rstrip('/')}/v1/status"
        secret = self._settings.secrets_folder / f"{source}-api-token"
        try:
            token = secret.read_text(encoding="utf-8").strip()
        except OSError as error:
            message = f"no token for {source}'s API in {secret}"
            raise FactsNotHereError(message) from error
        try:
            answer = httpx.get(
                address,
                headers={"Authorization": f"Bearer {token}"},
                timeout=SECONDS,
                # Without TLS there is nothing to verify, and certificates take long to load.
                verify=not address.startswith("http://"),
            )
            answer.raise_for_status()
            text = answer.json()["complete_through"]
            told = None if text is None else dt.datetime.fromisoformat(text)
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            message = f"{source}'s API at {address} cannot be asked: {type(error).__name__}"
            raise FactsUnavailableError(message) from error
        return told if told is None or told.tzinfo else told.replace(tzinfo=dt.UTC)

    def _in_bucket(self, uri: str) -> Copy:
        size = self._head(uri)
        if size is None:
            return Copy(found=False, why="no such object")
        place = urlsplit(uri)
        try:
            body = (
                self._client()
                .get_object(
                    Bucket=place.netloc,
                    Key=place.path.lstrip("/"),
                    Range=f"bytes=0-{READ_BYTES - 1}",
                )["Body"]
                .read()
            )
        except Exception as error:
            if size == 0:
                return Copy(found=True, size=0)
            raise _away(uri, error) from error
        return Copy(found=True, text=body.decode(errors="replace"), size=size)

    def _head(self, uri: str) -> int | None:
        """Return an object's size, None where there is none."""
        place = urlsplit(uri)
        try:
            head = self._client().head_object(Bucket=place.netloc, Key=place.path.lstrip("/"))
        except Exception as error:
            code = getattr(error, "response", {}).get("Error", {}).get("Code", "")
            if code in NOT_THERE:
                return None
            raise _away(uri, error) from error
        return int(head["ContentLength"])

    def _client(self) -> Any:  # noqa: ANN401 (boto3 makes its classes at run time)
        import boto3  # noqa: PLC0415 (slow to import, and only where a place is S3)
        from botocore.config import Config  # noqa: PLC0415 (comes with it)

        return boto3.client(
            "s3",
            endpoint_url=self._settings.s3_endpoint or None,
            region_name=self._settings.s3_region,
            config=Config(
                connect_timeout=SECONDS, read_timeout=SECONDS, retries={"max_attempts": 1}
            ),
        )


def _in_folder(path: Path) -> Copy:
    try:
        if not path.exists():
            return Copy(found=False, why="no such file")
        if path.is_dir():
            return Copy(found=False, why="a folder, no file")
        with path.open("rb") as stream:
            text = stream.read(READ_BYTES).decode(errors="replace")
        return Copy(found=True, text=text, size=path.stat().st_size)
    except OSError as error:
        return Copy(found=False, why=f"it cannot be read: {error.strerror}")


def _on_the_web(uri: str) -> Copy:
    import httpx  # noqa: PLC0415 (only where readers use a web address)

    try:
        answer = httpx.get(uri, timeout=SECONDS, follow_redirects=True)
    except httpx.HTTPError as error:
        return Copy(found=False, why=f"it does not answer: {type(error).__name__}")
    if answer.status_code in NOT_FOUND or answer.is_error:
        return Copy(found=False, why=f"it answers {answer.status_code}")
    return Copy(found=True, text=answer.text[:READ_BYTES], size=len(answer.content))


def _away(uri: str, error: Exception) -> FactsUnavailableError:
    return FactsUnavailableError(f"{uri} cannot be looked at: {type(error).__name__}")
