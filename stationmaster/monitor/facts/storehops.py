"""Try the way to each other part: its name, a connection, and TLS where it is spoken."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import time
from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from stationmaster.monitor.facts.stores import Hop
from stationmaster.monitor.facts.trouble import Streaks, Trouble, TroubleKind, kind_of
from stationmaster.monitor.facts.within import side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["HopProbe", "Way", "way_to"]

ALL_SECONDS: Final = 12.0
CONNECT_SECONDS: Final = 4.0


class Way(NamedTuple):
    """Name one part that is reached by a network.

    Args:
        use: Who is there: ledger, warehouse, Airflow.
        host: Its name or address.
        port: Its port.
        tls: TLS is spoken from the first byte on.
    """

    use: str
    host: str
    port: int
    tls: bool = False

    @property
    def target(self) -> str:
        """Return `host:port`."""
        return f"{self.host}:{self.port}"


class _Through(NamedTuple):
    seconds: float
    certificate_ends_at: dt.datetime | None


class _Stopped(NamedTuple):
    during: str
    error: Exception


class HopProbe:
    """Try ways; remembers since when one has been broken.

    Args:
        ways: To all parts; a part that several use is tried once.
    """

    def __init__(self, ways: Iterable[Way]) -> None:
        self._ways: defaultdict[str, list[Way]] = defaultdict(list)
        for way in ways:
            self._ways[way.target].append(way)
        self._streaks = Streaks()

    def look(self) -> tuple[Hop, ...]:
        """Return each way once."""
        targets = sorted(self._ways.items())
        tries = [partial(_try, ways[0]) for _, ways in targets]
        answers = side_by_side(ALL_SECONDS, tries)
        pairs = zip(targets, answers, strict=True)
        return tuple(self._hop(target, ways, answer) for (target, ways), answer in pairs)

    def _hop(self, target: str, ways: list[Way], answer: object) -> Hop:
        uses = tuple(sorted({way.use for way in ways}))
        if isinstance(answer, _Through):
            self._streaks.answered(target)
            return Hop(
                target=target,
                uses=uses,
                seconds=answer.seconds,
                certificate_ends_at=answer.certificate_ends_at,
            )
        during, error = answer if isinstance(answer, _Stopped) else ("dns", TimeoutError())
        kind = {"dns": TroubleKind.NAME, "tls": TroubleKind.TLS}.get(during) or _of_tcp(error)
        sentence = f"{type(error).__name__}: {error}".rstrip(": ")
        since = self._streaks.failed(target, dt.datetime.now(dt.UTC))
        trouble = Trouble(kind=kind, during=during, sentence=sentence, since=since)
        return Hop(target=target, uses=uses, trouble=trouble)


def way_to(use: str, url: str) -> Way | None:
    """Return the way to a URL; None where it names no host."""
    parts = urlsplit(url)
    if not parts.hostname:
        return None
    tls = parts.scheme == "https"
    return Way(use, parts.hostname, parts.port or (443 if tls else 80), tls)


def _try(way: Way) -> _Through | _Stopped:
    started, during = time.perf_counter(), "dns"
    try:
        addresses = socket.getaddrinfo(way.host, way.port, type=socket.SOCK_STREAM)
        during = "tcp"
        ends = None
        with _connected(addresses) as connection:
            if way.tls:
                during = "tls"
                ends = _spoken_to(connection, way.host)
        return _Through(time.perf_counter() - started, ends)
    except (OSError, UnicodeError) as error:
        return _Stopped(during, error)


def _connected(addresses: Sequence[tuple[Any, ...]]) -> socket.socket:
    """Return a connection to the first address that takes one."""
    problem: OSError = OSError("no address")
    for *_, address in addresses:
        try:
            return socket.create_connection(address[:2], timeout=CONNECT_SECONDS)
        except OSError as error:
            problem = error
    raise problem


def _spoken_to(connection: socket.socket, host: str) -> dt.datetime | None:
    """Shake hands, and return when the certificate ends.

    Whom to trust is the business of those who send secrets over it, each with authorities of its
    own: here only that TLS is spoken is tried.
    """
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with context.wrap_socket(connection, server_hostname=host) as spoken:
        der = spoken.getpeercert(binary_form=True)
    if der is None:
        return None
    from cryptography.x509 import load_der_x509_certificate  # noqa: PLC0415 (only where TLS is)

    return load_der_x509_certificate(der).not_valid_after_utc


def _of_tcp(error: Exception) -> TroubleKind:
    kind = kind_of(error)
    return TroubleKind.ROUTE if kind is TroubleKind.SILENT else kind
