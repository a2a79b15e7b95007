"""Why something does not answer, told from how it failed; and since when it has failed."""

from __future__ import annotations

import errno
import socket
import ssl
import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

__all__ = ["Streaks", "Trouble", "TroubleKind", "chain_of", "kind_of"]

NO_ROUTE: Final = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN})
GONE: Final = frozenset({errno.ECONNREFUSED, errno.ENOENT})
CONNECTING: Final = ("ConnectTimeout", "ConnectTimeoutError")
"""Names of httpx' and botocore's errors: neither need be installed for this module."""


class TroubleKind(StrEnum):
    """Tell what kept a store from doing what it was asked."""

    NAME = "name"
    """Its name is not known to DNS."""
    ROUTE = "route"
    """No way there: nothing answers at the address, or a policy drops it."""
    CLOSED = "closed"
    """The host is there, nobody listens on the port."""
    TLS = "tls"
    """The certificate is not the one expected, is over, or TLS is not spoken."""
    SILENT = "silent"
    """It took the connection and did not answer in time."""
    LOGIN = "login"
    """It does not know who we are: user, password, key, clock."""
    FORBIDDEN = "forbidden"
    """It knows who we are and does not let us."""
    MISSING = "missing"
    """It has no such database, bucket or folder."""
    FULL = "full"
    """It takes nothing more: no space, no connection left."""
    READ_ONLY = "read-only"
    """It can be read and takes nothing, and does not say why: full, or a part of it is away."""
    BUSY = "busy"
    """It asks us to slow down, or has too much to do."""
    OTHER = "other"

    @property
    def is_unreachable(self) -> bool:
        """Tell whether it could not be spoken to at all."""
        return self in {
            TroubleKind.NAME,
            TroubleKind.ROUTE,
            TroubleKind.CLOSED,
            TroubleKind.TLS,
            TroubleKind.SILENT,
        }

    @property
    def is_network(self) -> bool:
        """Tell whether the way there is broken, not what is at its end."""
        return self in {TroubleKind.NAME, TroubleKind.ROUTE, TroubleKind.TLS}


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Hold what went wrong.

    Args:
        kind: What kind of trouble it is.
        during: What was tried: connect, question, list, put, get, delete.
        sentence: What came, in the other's words; holds no credential.
        since: When it went wrong first in a row, as far as this process has seen.
    """

    kind: TroubleKind
    during: str
    sentence: str
    since: dt.datetime


class Streaks:
    """Remember since when each thing has failed without a break; safe in threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: dict[str, dt.datetime] = {}

    def failed(self, name: str, now: dt.datetime) -> dt.datetime:
        """Note that it fails now, and return since when it has."""
        with self._lock:
            return self._since.setdefault(name, now)

    def answered(self, name: str) -> None:
        """Note that it answers."""
        with self._lock:
            self._since.pop(name, None)


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what it came of, the outermost first."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def kind_of(error: BaseException) -> TroubleKind:
    """Tell by an error what kept a connection, or its answer, from coming."""
    chain = list(chain_of(error))
    told = (kind for each in chain if (kind := _of_one(each)) is not None)
    if (kind := next(told, None)) is not None:
        return kind
    names = {kind.__name__ for each in chain for kind in type(each).__mro__}
    if names.intersection(CONNECTING):
        return TroubleKind.ROUTE
    hung_up = any(isinstance(each, ConnectionError) for each in chain)
    if hung_up or "RemoteProtocolError" in names or any("Timeout" in name for name in names):
        return TroubleKind.SILENT
    return TroubleKind.OTHER


def _of_one(error: BaseException) -> TroubleKind | None:
    if isinstance(error, socket.gaierror):
        return TroubleKind.NAME
    if isinstance(error, ssl.SSLError):
        return TroubleKind.TLS
    if isinstance(error, OSError) and error.errno in GONE:
        return TroubleKind.CLOSED
    if isinstance(error, OSError) and error.errno in NO_ROUTE:
        return TroubleKind.ROUTE
    return None
