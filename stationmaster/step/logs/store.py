"""Where chunks of logs lie: a folder, or a prefix of an S3 bucket; each call has a time limit."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Protocol
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree as ET

from stationmaster.step.logs.awsauth import (
    UNSIGNED,
    CredentialSource,
    canonical_query,
    signed_headers,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FolderStore", "LogStore", "S3Store", "StoredObject", "open_store"]

_OK: Final = 300
_NOT_FOUND: Final = 404
_LONGEST_ANSWER: Final = 300
_S3: Final = "{*}"
"""Any XML namespace: AWS and others disagree about it."""


@dataclass(frozen=True)
class StoredObject:
    """Name one object of a store by its key below the store's root."""

    key: str
    size_bytes: int


class LogStore(Protocol):
    """Put, get and list objects by keys below one root; every trouble is an OSError."""

    uri: str

    def put(self, key: str, data: bytes | IO[bytes]) -> None:
        """Write an object as a whole: a reader sees the old one or the new one."""

    def get(self, key: str, start: int = 0, end: int | None = None) -> bytes:
        """Return the bytes from start up to end, fewer where the object is shorter.

        Raises:
            FileNotFoundError: There is no such object.
        """

    def list(self, prefix: str) -> list[StoredObject]:
        """Return all objects whose key begins with a folder's path, sorted by key."""


def open_store(
    uri: str, *, endpoint: str = "", region: str = "us-east-1", timeout_seconds: float = 10.0
) -> LogStore:
    """Return the store of a place; nothing is connected to before it is used.

    Args:
        uri: A folder, or `s3://bucket/prefix`.
        endpoint: Of S3, where it is not AWS's own.
        region: Of the bucket.
        timeout_seconds: Longest silence of a call.
    """
    if uri.startswith("s3://"):
        return S3Store(uri, endpoint=endpoint, region=region, timeout_seconds=timeout_seconds)
    return FolderStore(Path(uri.removeprefix("file://")))


class FolderStore:
    """Keep objects as files below a folder."""

    def __init__(self, root: Path) -> None:
        self._root = root.absolute()
        self.uri = str(self._root)

    def put(self, key: str, data: bytes | IO[bytes]) -> None:
        """Write a file beside its place, then rename it there."""
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{threading.get_ident()}")
        with beside.open("wb") as file:
            if isinstance(data, bytes):
                file.write(data)
            else:
                while block := data.read(1 << 20):
                    file.write(block)
        beside.rename(path)

    def get(self, key: str, start: int = 0, end: int | None = None) -> bytes:
        """Return a part of a file."""
        with self._path(key).open("rb") as file:
            file.seek(start)
            return file.read(-1 if end is None else max(0, end - start))

    def list(self, prefix: str) -> list[StoredObject]:
        """Return the files below a folder."""
        found = []
        for path in self._path(prefix).rglob("*"):
            if path.is_file() and not path.name.startswith("."):
                key = path.relative_to(self._root).as_posix()
                found.append(StoredObject(key, path.stat().st_size))
        return sorted(found, key=lambda each: each.key)

    def _path(self, key: str) -> Path:
        path = self._root / key
        if ".." in path.parts:
            message = f"key {key!r}: expected a path below {self._root}, got one that leaves it"
            raise PermissionError(message)
        return path


class S3Store:
    """Keep objects below a prefix of an S3 bucket; one connection a thread, kept open."""

    def __init__(self, uri: str, *, endpoint: str, region: str, timeout_seconds: float) -> None:
        self.uri = uri.rstrip("/")
        bucket, _, root = self.uri.removeprefix("s3://").partition("/")
        self._root = f"{root}/" if root else ""
        address = urlsplit(endpoint or f"https://s3.{region}.amazonaws.com")
        own_host = not endpoint and "." not in bucket
        self._host = f"{bucket}.{address.netloc}" if own_host else address.netloc
        self._base = "/" if own_host else f"{address.path.rstrip('/')}/{bucket}/"
        self._secure = address.scheme == "https"
        self._region = region
        self._timeout = timeout_seconds
        self._credentials = CredentialSource()
        self._connections = threading.local()

    def put(self, key: str, data: bytes | IO[bytes]) -> None:
        """Write an object with one request."""
        self._request("PUT", self._root + key, body=data)

    def get(self, key: str, start: int = 0, end: int | None = None) -> bytes:
        """Return a part of an object."""
        if end is not None and end <= start:
            return b""
        ranged = (
            {}
            if not start and end is None
            else {"range": f"bytes={start}-{'' if end is None else end - 1}"}
        )
        return self._request("GET", self._root + key, headers=ranged)

    def list(self, prefix: str) -> list[StoredObject]:
        """Return the objects below a prefix, a thousand a request."""
        found: list[StoredObject] = []
        query = {"list-type": "2", "prefix": self._root + prefix.rstrip("/") + "/"}
        while True:
            answer = ET.fromstring(self._request("GET", "", query=query))  # noqa: S314 (the store's own answer)
            for each in answer.iterfind(f"{_S3}Contents"):
                key = each.findtext(f"{_S3}Key") or ""
                size = int(each.findtext(f"{_S3}Size") or 0)
                found.append(StoredObject(key.removeprefix(self._root), size))
            token = answer.findtext(f"{_S3}NextContinuationToken")
            if answer.findtext(f"{_S3}IsTruncated") != "true" or not token:
                return sorted(found, key=lambda each: each.key)
            query["continuation-token"] = token

    def _request(
        self,
        method: str,
        key: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | IO[bytes] | None = None,
    ) -> bytes:
        path = self._base + quote(key, safe="/-_.~")
        signed = signed_headers(
            method,
            self._host,
            path,
            query or {},
            region=self._region,
            credentials=self._credentials.get(),
            payload_sha256=UNSIGNED
            if body is not None and not isinstance(body, bytes)
            else _sha256(body),
        )
        target = f"{path}?{canonical_query(query)}" if query else path
        everything = {**signed, **(headers or {}), "content-length": str(_length(body))}
        status, answer = self._send(method, target, body, everything)
        if status < _OK:
            return answer
        text = answer[:_LONGEST_ANSWER].decode(errors="replace")
        message = f"{method} {self.uri}/{key.removeprefix(self._root)}: {status} {text}"
        raise FileNotFoundError(message) if status == _NOT_FOUND else OSError(message)

    def _send(
        self,
        method: str,
        target: str,
        body: bytes | IO[bytes] | None,
        headers: Mapping[str, str],
    ) -> tuple[int, bytes]:
        """Send it on this thread's connection; once more when that had been closed while idle."""
        kept: http.client.HTTPConnection | None = getattr(self._connections, "open", None)
        if kept is not None and (body is None or isinstance(body, bytes)):
            with contextlib.suppress(http.client.HTTPException, ConnectionError):
                return self._once(kept, method, target, body, headers)
        try:
            return self._once(self._connect(), method, target, body, headers)
        except (http.client.HTTPException, OSError) as error:
            message = f"{method} {self._host}: {type(error).__name__}: {error}"
            raise OSError(message) from error

    def _once(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        body: bytes | IO[bytes] | None,
        headers: Mapping[str, str],
    ) -> tuple[int, bytes]:
        self._connections.open = None
        try:
            connection.request(method, target, body=body, headers=dict(headers))
            response = connection.getresponse()
            answer = response.status, response.read()
        except BaseException:
            connection.close()
            raise
        self._connections.open = connection
        return answer

    def _connect(self) -> http.client.HTTPConnection:
        if self._secure:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self._host, timeout=self._timeout, context=context)
        return http.client.HTTPConnection(self._host, timeout=self._timeout)


def _sha256(body: bytes | IO[bytes] | None) -> str:
    """Return the body's digest; a file is sent unsigned, it would have to be read twice."""
    if body is None or isinstance(body, bytes):
        return hashlib.sha256(body or b"").hexdigest()
    return UNSIGNED


def _length(body: bytes | IO[bytes] | None) -> int:
    if body is None or isinstance(body, bytes):
        return len(body or b"")
    here = body.tell()
    end = body.seek(0, 2)
    body.seek(here)
    return end - here
