"""Try each bucket or folder that our places name: list it, and write a probe where we may."""

from __future__ import annotations

import datetime as dt
import errno
import os
import socket
import threading
import time
from collections import defaultdict
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from stationmaster.monitor.facts.stores import ObjectStoreState
from stationmaster.monitor.facts.trouble import Streaks, Trouble, TroubleKind, kind_of
from stationmaster.monitor.facts.within import side_by_side

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stationmaster.step.settings import Settings

__all__ = ["ObjectStoreProbe", "endpoint_of", "places_of"]

ALL_SECONDS: Final = 15.0
CONNECT_SECONDS: Final = 3
READ_SECONDS: Final = 5
PROBE: Final = b"written, read and deleted by Stationmaster's monitoring\n"

CODES: Final = {
    **dict.fromkeys(("AccessDenied", "AllAccessDisabled", "Forbidden", "403"), "forbidden"),
    **dict.fromkeys(("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken"), "login"),
    **dict.fromkeys(("ExpiredToken", "RequestTimeTooSkewed", "NoCredentialsError"), "login"),
    **dict.fromkeys(("PartialCredentialsError", "TokenRetrievalError"), "login"),
    **dict.fromkeys(("NoSuchBucket", "404"), "missing"),
    **dict.fromkeys(("SlowDown", "Throttling", "RequestLimitExceeded", "503"), "busy"),
    **dict.fromkeys(("InsufficientStorage", "QuotaExceeded", "507"), "full"),
    **dict.fromkeys(("XMinioStorageFull", "EntityTooLarge"), "full"),
}
"""https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, and what others answer."""

ERRNOS: Final = {
    errno.ENOSPC: TroubleKind.FULL,
    errno.EDQUOT: TroubleKind.FULL,
    errno.EACCES: TroubleKind.FORBIDDEN,
    errno.EPERM: TroubleKind.FORBIDDEN,
    errno.EROFS: TroubleKind.FORBIDDEN,
    errno.ENOENT: TroubleKind.MISSING,
}


class _Place(NamedTuple):
    bucket: str
    prefix: str


class _Failed(NamedTuple):
    during: str
    error: Exception


class ObjectStoreProbe:
    """Try object stores; keeps one client, and since when a store has been in trouble.

    Args:
        settings: Names the places, the endpoint and where a probe may be written.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._places = places_of(settings)
        self._lock = threading.Lock()
        self._client: Any = None
        self._streaks = Streaks()

    def look(self) -> tuple[ObjectStoreState, ...]:
        """Return each bucket or folder once; a folder that nobody has made yet is left out."""
        uses: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for use, place in self._places.items():
            store = place if not place.startswith("s3://") else _parsed(place).bucket
            if place.startswith("s3://") or Path(place).exists():
                uses[store][use] = place
        tries = [partial(self._try, name, places) for name, places in sorted(uses.items())]
        answers = side_by_side(ALL_SECONDS, tries)
        return tuple(
            self._state(name, places, answer)
            for (name, places), answer in zip(sorted(uses.items()), answers, strict=True)
        )

    def _state(self, name: str, places: Mapping[str, str], answer: object) -> ObjectStoreState:
        place, probe = next(iter(places.values())), self._settings.probe
        server = endpoint_of(self._settings) if place.startswith("s3://") else ""
        state = ObjectStoreState(name=name, server=server, uses=tuple(sorted(places)))
        if isinstance(answer, float):
            self._streaks.answered(name)
            return replace(state, seconds=answer, wrote=_is_below(probe, name))
        failed = answer if isinstance(answer, _Failed) else _Failed("list", _as_error(answer))
        return replace(state, trouble=self._trouble(name, failed))

    def _try(self, name: str, places: Mapping[str, str]) -> float | _Failed:
        started = time.perf_counter()
        first = next(iter(places.values()))
        failed = self._try_bucket(places) if first.startswith("s3://") else self._try_folder(first)
        probe = self._settings.probe
        if failed is None and _is_below(probe, name):
            failed = self._write(probe)
        return failed or time.perf_counter() - started

    def _try_bucket(self, places: Mapping[str, str]) -> _Failed | None:
        for place in sorted(set(places.values())):
            bucket, prefix = _parsed(place)
            try:
                self._s3().list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
            except Exception as error:  # noqa: BLE001 (botocore's errors have no common base)
                return _Failed("list", error)
        return None

    def _try_folder(self, place: str) -> _Failed | None:
        try:
            next(os.scandir(place), None)
        except OSError as error:
            return _Failed("list", error)
        return None

    def _write(self, probe: str) -> _Failed | None:
        """Write, read and delete the probe; name what failed."""
        during = "put"
        name = f"stationmaster-probe-{socket.gethostname()}"
        try:
            if not probe.startswith("s3://"):
                _write_file(Path(probe) / name)
                return None
            bucket, prefix = _parsed(probe)
            what = {"Bucket": bucket, "Key": f"{prefix.rstrip('/')}/{name}".lstrip("/")}
            self._s3().put_object(**what, Body=PROBE)
            during = "get"
            self._s3().get_object(**what)["Body"].read()
            during = "delete"
            self._s3().delete_object(**what)
        except Exception as error:  # noqa: BLE001 (as above)
            return _Failed(during, error)
        return None

    def _s3(self) -> Any:  # noqa: ANN401 (boto3 has no types of its own)
        import boto3  # noqa: PLC0415 (half a second, and only where places are buckets)
        from botocore.config import Config  # noqa: PLC0415 (as above)

        with self._lock:
            if self._client is None:
                # A session of its own: the process's own keeps the first keys that it found.
                self._client = boto3.Session().client(
                    "s3",
                    endpoint_url=self._settings.s3_endpoint or None,
                    region_name=self._settings.s3_region,
                    config=Config(
                        connect_timeout=CONNECT_SECONDS,
                        read_timeout=READ_SECONDS,
                        retries={"total_max_attempts": 1},
                    ),
                )
            return self._client

    def _trouble(self, name: str, failed: _Failed) -> Trouble:
        kind = _kind(failed.error)
        if kind is TroubleKind.OTHER and failed.during == "put":
            kind = TroubleKind.READ_ONLY  # it was listed a moment ago
        if kind in {TroubleKind.LOGIN, TroubleKind.FORBIDDEN}:
            self._client = None  # so that the next look reads its keys anew
        return Trouble(
            kind=kind,
            during=failed.during,
            sentence=" ".join(str(failed.error).split())[:500] or type(failed.error).__name__,
            since=self._streaks.failed(name, dt.datetime.now(dt.UTC)),
        )


def places_of(settings: Settings) -> dict[str, str]:
    """Return our places, by what lies there."""
    places = {
        "warehouse": settings.warehouse_location,
        "landing": settings.landing_location,
        "reports": settings.reports_location,
        "logs": settings.logs,
        "probe": settings.probe,
    }
    return {use: place for use, place in places.items() if place}


def endpoint_of(settings: Settings) -> str:
    """Return `host:port` of the S3 endpoint, AWS's own where none is named."""
    tail = "amazonaws.com.cn" if settings.s3_region.startswith("cn-") else "amazonaws.com"
    url = urlsplit(settings.s3_endpoint or f"https://s3.{settings.s3_region}.{tail}")
    return f"{url.hostname}:{url.port or (80 if url.scheme == 'http' else 443)}"


def _parsed(place: str) -> _Place:
    url = urlsplit(place)
    return _Place(url.netloc, url.path.lstrip("/"))


def _is_below(probe: str, name: str) -> bool:
    """Tell whether the probe is written into this bucket or folder."""
    if probe.startswith("s3://"):
        return _parsed(probe).bucket == name
    return bool(probe) and probe == name


def _write_file(path: Path) -> None:
    path.write_bytes(PROBE)
    path.read_bytes()
    path.unlink()


def _as_error(answer: object) -> Exception:
    return answer if isinstance(answer, Exception) else RuntimeError(str(answer))


def _kind(error: Exception) -> TroubleKind:
    """Tell by a store's error what kind of trouble it is."""
    if isinstance(error, OSError) and error.errno in ERRNOS:
        return ERRNOS[error.errno]
    answer = getattr(error, "response", None) or {}
    status = str(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))
    for code in (str(answer.get("Error", {}).get("Code", "")), type(error).__name__, status):
        if code in CODES:
            return TroubleKind(CODES[code])
    return kind_of(error)
