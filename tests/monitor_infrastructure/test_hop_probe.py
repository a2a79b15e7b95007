"""The way to another part, over real sockets: which hop fails, and when a certificate ends."""

from __future__ import annotations

import datetime as dt
import socket
import ssl
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stationmaster.monitor.facts.storehops import HopProbe, Way, way_to
from stationmaster.monitor.facts.trouble import TroubleKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENDS = dt.datetime(2099, 1, 1, tzinfo=dt.UTC)


@contextmanager
def listening(certificate: Path | None = None) -> Iterator[int]:
    """Listen on a port, with TLS where a certificate is given."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            if certificate is not None:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(certificate)
                with (
                    pytest.MonkeyPatch.context(),
                    context.wrap_socket(connection, server_side=True),
                ):
                    continue
            connection.close()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield server.getsockname()[1]
    finally:
        server.close()


@pytest.fixture(name="certificate")
def _certificate(tmp_path: Path) -> Path:
    """Return a certificate of nobody whom anybody trusts, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(ENDS)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    pem = made.public_bytes(serialization.Encoding.PEM)
    pem += key.private_bytes(serialization.Encoding.PEM, form, plain)
    path = tmp_path / "both.pem"
    path.write_bytes(pem)
    return path


def test_ways_that_are_open_are_timed_once_a_target() -> None:
    """Two parts behind one address are one way."""
    with listening() as port:
        ways = [Way(use, "127.0.0.1", port) for use in ("ledger", "catalog")]
        (hop,) = HopProbe(ways).look()

    assert hop.trouble is None
    assert hop.uses == ("catalog", "ledger")
    assert hop.seconds is not None


def test_a_certificate_is_read_whoever_signed_it(certificate: Path) -> None:
    """Whom to trust is others' business; when it ends is ours."""
    with listening(certificate) as port:
        (hop,) = HopProbe([Way("s3", "127.0.0.1", port, tls=True)]).look()

    assert hop.trouble is None
    assert hop.certificate_ends_at == ENDS


def test_each_hop_that_fails_is_named() -> None:
    """An unknown name, a closed port, and a server that speaks no TLS."""
    with listening() as port, socket.create_server(("127.0.0.1", 0)) as closed:
        gone = closed.getsockname()[1]
        closed.close()
        ways = [
            Way("a", "no-such-host.invalid", 5432),
            Way("b", "127.0.0.1", gone),
            Way("c", "127.0.0.1", port, tls=True),
        ]
        found = {hop.uses[0]: hop.trouble for hop in HopProbe(ways).look()}

    kinds = {use: (trouble.during, trouble.kind) for use, trouble in found.items() if trouble}
    assert kinds == {
        "a": ("dns", TroubleKind.NAME),
        "b": ("tcp", TroubleKind.CLOSED),
        "c": ("tls", TroubleKind.TLS),
    }


def test_since_when_is_remembered_until_it_is_open_again() -> None:
    """The same break keeps its moment."""
    probe = HopProbe([Way("a", "no-such-host.invalid", 5432)])

    first, second = (probe.look()[0].trouble for _ in range(2))

    assert first is not None
    assert second is not None
    assert first.since == second.since


def test_urls_name_ways() -> None:
    """Ports of http and https are known; what names no host is no way."""
    assert way_to("x", "https://a.example/path") == Way("x", "a.example", 443, tls=True)
    assert way_to("x", "http://a.example") == Way("x", "a.example", 80)
    assert way_to("x", "http://a:8080/api") == Way("x", "a", 8080)
    assert way_to("x", "") is None
