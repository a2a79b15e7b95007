"""The Kubernetes API, read only: where it is, who we are, lists page by page with a deadline."""

from __future__ import annotations

import datetime as dt
import ssl
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import httpx

from stationmaster.monitor.facts.missing import FactsNotHereError, FactsUnavailableError
from stationmaster.monitor.facts.trouble import Streaks, Trouble, TroubleKind, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["ClusterApi"]

TIMEOUT: Final = httpx.Timeout(15.0, connect=3.0)
PAGE: Final = 500
MOST_PAGES: Final = 40
SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
IN_CLUSTER: Final = "https://kubernetes.default.svc"
"""By name, which each cluster's DNS knows: the variables of a pod are not needed then."""

VERSION: Final = "/version"
REFUSED: Final = frozenset({401, 403})
NOT_FOUND: Final = 404
GONE: Final = 410
SERVER_ERROR: Final = 500


class _Endpoint(NamedTuple):
    url: str
    verify: ssl.SSLContext | bool
    token: Callable[[], str]


class ClusterApi:
    """Ask one API server; keeps its connections between looks. Safe in threads.

    Args:
        url: Of an API without login (tests); empty: the pod's service account, else a kubeconfig.
        kubeconfig: May be used; else without a service account there is no cluster here.
    """

    def __init__(self, url: str = "", *, kubeconfig: bool = True) -> None:
        self._url = url
        self._kubeconfig = kubeconfig
        self._lock = threading.Lock()
        self._streaks = Streaks()
        self._troubles: dict[str, Trouble] = {}
        self._endpoint: _Endpoint | None = None
        self._client: httpx.Client | None = None

    @property
    def own_namespace(self) -> str:
        """Return the namespace of the pod that we run in, nothing elsewhere."""
        try:
            return (SERVICE_ACCOUNT / "namespace").read_text(encoding="utf-8").strip()
        except OSError:
            return ""

    def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._client.close()

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 (JSON)
        """Return what the API answers.

        Raises:
            FactsNotHereError: There is no cluster, or it has nothing of that kind.
            FactsUnavailableError: It does not answer, or refuses.
        """
        endpoint, client = self._open()
        token = endpoint.token()
        headers = {"Authorization": token} if token else {}
        url = f"{endpoint.url}{path}"
        try:
            answer = client.get(url, params=dict(query or {}), headers=headers)
        except httpx.HTTPError as error:
            sentence = f"{type(error).__name__}: {error}"
            raise self._unavailable(path, kind_of(error), "connect", sentence) from error
        return self._judged(answer, path)

    def items(
        self, path: str, query: Mapping[str, str] | None = None
    ) -> Iterator[Mapping[str, Any]]:
        """Yield the objects of a list, page by page, 20,000 at most.

        Raises:
            FactsNotHereError: As `get`.
            FactsUnavailableError: As `get`.
        """
        rest = {"limit": str(PAGE), **(query or {})}
        for _ in range(MOST_PAGES):
            page = self.get(path, rest)
            yield from page.get("items") or ()
            following = (page.get("metadata") or {}).get("continue")
            if not following:
                return
            rest["continue"] = following

    def trouble(self) -> Trouble | None:
        """Return why it cannot be asked; None where it answers.

        Raises:
            FactsNotHereError: There is no cluster.
        """
        try:
            self.get(VERSION)
        except FactsUnavailableError:
            return self._troubles.get(VERSION)
        return None

    def _open(self) -> tuple[_Endpoint, httpx.Client]:
        with self._lock:
            if self._endpoint is None or self._client is None:
                self._endpoint = self._found()
                self._client = httpx.Client(timeout=TIMEOUT, verify=self._endpoint.verify)
            return self._endpoint, self._client

    def _found(self) -> _Endpoint:
        if self._url:
            return _Endpoint(self._url.rstrip("/"), verify=True, token=str)
        if (SERVICE_ACCOUNT / "token").exists():
            context = _trusting(str(SERVICE_ACCOUNT / "ca.crt"))
            return _Endpoint(IN_CLUSTER, context, _service_account_token)
        if not self._kubeconfig:
            message = "no cluster here: steps run as processes (STATIONMASTER_RUNTIME)"
            raise FactsNotHereError(message)
        return _of_kubeconfig()

    def _judged(self, answer: httpx.Response, path: str) -> Any:  # noqa: ANN401 (JSON)
        status = answer.status_code
        if status == NOT_FOUND:
            message = f"this cluster has nothing at {path}"
            raise FactsNotHereError(message)
        if status >= SERVER_ERROR or status == GONE:
            sentence = f"it answers {path} with status {status}"
            raise self._unavailable(path, TroubleKind.OTHER, "question", sentence)
        if not answer.is_success:
            kind = TroubleKind.FORBIDDEN if status in REFUSED else TroubleKind.OTHER
            sentence = f"it refuses {path} (status {status}): {_message(answer)}"
            raise self._unavailable(path, kind, "question", sentence)
        self._troubles.pop(path, None)
        self._streaks.answered(path)
        return answer.json()

    def _unavailable(
        self, path: str, kind: TroubleKind, during: str, sentence: str
    ) -> FactsUnavailableError:
        since = self._streaks.failed(path, dt.datetime.now(dt.UTC))
        self._troubles[path] = Trouble(kind=kind, during=during, sentence=sentence, since=since)
        return FactsUnavailableError(f"the Kubernetes API cannot be asked: {sentence}")


def _service_account_token() -> str:
    """Return the token as it is now: it is renewed in its file."""
    try:
        return f"Bearer {(SERVICE_ACCOUNT / 'token').read_text(encoding='utf-8').strip()}"
    except OSError as error:
        message = f"the service account's token cannot be read: {error.strerror}"
        raise FactsUnavailableError(message) from error


def _trusting(authorities: str | None) -> ssl.SSLContext:
    """Return what trusts a cluster's own authority, also one made before RFC 5280 was held to.

    Python 3.13 began to; Kubernetes' own clients do not, and old clusters have such authorities.
    """
    context = ssl.create_default_context(cafile=authorities)
    context.verify_flags &= ~ssl.VerifyFlags.VERIFY_X509_STRICT
    return context


def _of_kubeconfig() -> _Endpoint:
    try:
        from kubernetes import (  # type: ignore[import-untyped]  # noqa: PLC0415 (0.5 s, rarely needed)
            client,
            config,
        )
    except ImportError as error:
        message = "no cluster here: no service account, and no kubernetes package for a kubeconfig"
        raise FactsNotHereError(message) from error
    found = client.Configuration()
    try:
        config.load_kube_config(client_configuration=found)
    except config.ConfigException as error:
        message = f"no cluster here: {' '.join(str(error).split())}"
        raise FactsNotHereError(message) from error
    verify: ssl.SSLContext | bool = True
    if str(found.host).startswith("https:"):
        verify = _trusting(found.ssl_ca_cert)
        if not found.verify_ssl:
            verify.check_hostname, verify.verify_mode = False, ssl.CERT_NONE
        if found.cert_file:
            verify.load_cert_chain(found.cert_file, keyfile=found.key_file)
    return _Endpoint(
        url=str(found.host).rstrip("/"),
        verify=verify,
        token=lambda: found.get_api_key_with_prefix("BearerToken") or "",
    )


def _message(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("message", ""))[:300]
    except ValueError:
        return answer.text[:300]
