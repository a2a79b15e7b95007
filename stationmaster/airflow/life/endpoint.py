"""Where the API server is and who we are there: from the pod we run in, or from a kubeconfig."""

from __future__ import annotations

import base64
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

__all__ = ["Endpoint", "discover", "in_cluster", "of_kubeconfig", "plain"]


@dataclass(frozen=True)
class Endpoint:
    """Hold how to reach an API server.

    `authorization` is asked before each request: tokens change while we run.
    """

    url: str
    tls: ssl.SSLContext | None
    authorization: Callable[[], Awaitable[str | None]]
    server_name: str | None = None


def plain(url: str) -> Endpoint:
    """Return an endpoint without TLS and login, as `FakeCluster` is one."""

    async def nobody() -> str | None:
        return None

    return Endpoint(url=url.rstrip("/"), tls=None, authorization=nobody)


async def discover(
    *,
    config_file: Path | None = None,
    context: str | None = None,
    in_cluster_only: bool | None = None,
) -> Endpoint:
    """Return the endpoint: of the kubeconfig if one is named, else of the pod we run in.

    Args:
        config_file: A kubeconfig; the usual places by default.
        context: Its context; the current one by default.
        in_cluster_only: True: only the pod's service account; False: only a kubeconfig.

    Raises:
        kubernetes_asyncio.config.ConfigException: None is there, or it cannot be used.
    """
    from kubernetes_asyncio.config import ConfigException  # noqa: PLC0415 (0.4 s, 38 MiB)

    if in_cluster_only is False or config_file is not None or context is not None:
        return await of_kubeconfig(config_file, context)
    try:
        return in_cluster()
    except ConfigException:
        if in_cluster_only:
            raise
        return await of_kubeconfig(None, None)


def in_cluster() -> Endpoint:
    """Return the endpoint of the service account that the pod we run in has.

    Raises:
        kubernetes_asyncio.config.ConfigException: We run in no pod, or it mounts no token.
    """
    from kubernetes_asyncio.client import Configuration  # noqa: PLC0415 (0.4 s, 38 MiB)
    from kubernetes_asyncio.config import load_incluster_config  # noqa: PLC0415 (as above)

    configuration = Configuration()
    load_incluster_config(  # type: ignore[no-untyped-call]
        client_configuration=configuration
    )
    return _endpoint(configuration)


async def of_kubeconfig(config_file: Path | None, context: str | None) -> Endpoint:
    """Return the endpoint of a kubeconfig; its tokens are renewed as they expire.

    Raises:
        kubernetes_asyncio.config.ConfigException: The file cannot be used.
    """
    from kubernetes_asyncio.client import Configuration  # noqa: PLC0415 (0.4 s, 38 MiB)
    from kubernetes_asyncio.config import load_kube_config  # noqa: PLC0415 (as above)

    configuration = Configuration()
    await load_kube_config(
        config_file=None if config_file is None else str(config_file),
        context=context,
        client_configuration=configuration,
        persist_config=False,
    )
    return _endpoint(configuration)


def _endpoint(configuration: Any) -> Endpoint:  # noqa: ANN401 (of an untyped library)
    async def authorization() -> str | None:
        token = await configuration.get_api_key_with_prefix("BearerToken")
        if token:
            return str(token)
        if configuration.username:
            pair = f"{configuration.username}:{configuration.password}".encode()
            return f"Basic {base64.b64encode(pair).decode()}"
        return None

    url = str(configuration.host).rstrip("/")
    return Endpoint(
        url=url,
        tls=_tls(configuration) if url.startswith("https:") else None,
        authorization=authorization,
        server_name=configuration.tls_server_name,
    )


def _tls(configuration: Any) -> ssl.SSLContext:  # noqa: ANN401 (of an untyped library)
    tls = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
    if configuration.cert_file:
        tls.load_cert_chain(configuration.cert_file, keyfile=configuration.key_file)
    if not configuration.verify_ssl:
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    if configuration.disable_strict_ssl_verification:
        tls.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
    return tls
