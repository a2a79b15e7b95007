"""Prometheus' HTTP API, read only (https://prometheus.io/docs/prometheus/latest/querying/api/)."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

import httpx

from stationmaster.monitor.facts.missing import FactsNotHereError, FactsUnavailableError
from stationmaster.monitor.facts.trouble import Streaks, Trouble, TroubleKind, kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["PrometheusApi"]

TIMEOUT: Final = httpx.Timeout(15.0, connect=3.0)
SERVER_SECONDS: Final = "10s"


class PrometheusApi:
    """Ask one Prometheus; keeps its connections between looks. Safe in threads.

    Args:
        url: Where it is; empty: there is none.
        secrets: Folder with one file a secret: `prometheus-token`, or `prometheus-user` and
            `prometheus-password`, where it wants a login.
    """

    def __init__(self, url: str, secrets: Path) -> None:
        self.url = url.rstrip("/")
        self._secrets = secrets
        self._client = httpx.Client(timeout=TIMEOUT)
        self._streaks = Streaks()
        self._trouble: Trouble | None = None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def data(self, path: str, form: Mapping[str, str]) -> Any:  # noqa: ANN401 (JSON)
        """Return what a query yields.

        Raises:
            FactsNotHereError: No Prometheus is named.
            FactsUnavailableError: It does not answer, or refuses the query.
        """
        if not self.url:
            message = "no Prometheus is named (STATIONMASTER_PROMETHEUS_URL)"
            raise FactsNotHereError(message)
        try:
            answer = self._client.post(
                f"{self.url}/api/v1/{path}",
                data={**form, "timeout": SERVER_SECONDS},
                headers=self._headers(),
                auth=self._login() or httpx.USE_CLIENT_DEFAULT,
            )
            body = answer.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            sentence = f"{type(error).__name__}: {error}"
            raise self._unavailable(kind_of(error), "connect", sentence) from error
        if not answer.is_success or not isinstance(body, dict) or body.get("status") != "success":
            told = body.get("error", "") if isinstance(body, dict) else ""
            sentence = f"status {answer.status_code} {told}".strip()
            raise self._unavailable(TroubleKind.OTHER, "question", sentence)
        self._trouble = None
        self._streaks.answered(self.url)
        return body["data"]

    def trouble(self) -> Trouble | None:
        """Return why it cannot be asked; None where it answers.

        Raises:
            FactsNotHereError: No Prometheus is named.
        """
        try:
            self.data("query", {"query": "vector(1)"})
        except FactsUnavailableError:
            return self._trouble
        return None

    def _headers(self) -> dict[str, str]:
        token = self._secret("prometheus-token")
        return {"Authorization": f"Bearer {token}"} if token else {}

    def _login(self) -> tuple[str, str] | None:
        user, password = self._secret("prometheus-user"), self._secret("prometheus-password")
        return (user, password) if user and password else None

    def _secret(self, name: str) -> str:
        try:
            return (self._secrets / name).read_text(encoding="utf-8").strip()
        except OSError:
            return ""

    def _unavailable(self, kind: TroubleKind, during: str, sentence: str) -> FactsUnavailableError:
        since = self._streaks.failed(self.url, dt.datetime.now(dt.UTC))
        self._trouble = Trouble(kind=kind, during=during, sentence=sentence, since=since)
        return FactsUnavailableError(f"Prometheus at {self.url} does not answer: {sentence}")
