"""Airflow's REST API, read only: a token that is renewed, few requests, each with a deadline."""

from __future__ import annotations

import datetime as dt
import threading
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import httpx

from stationmaster.monitor.facts.missing import FactsNotHereError, FactsUnavailableError
from stationmaster.monitor.facts.trouble import Streaks, Trouble, TroubleKind, kind_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["AirflowApi"]

TIMEOUT: Final = httpx.Timeout(10.0, connect=3.0)
PAGE: Final = 100
"""Airflow's own default of [api] maximum_page_limit."""

MOST_PAGES: Final = 30
UNAUTHORIZED: Final = 401
FORBIDDEN: Final = 403
SERVER_ERROR: Final = 500

Query: TypeAlias = "Mapping[str, str | Sequence[str]]"


class AirflowApi:
    """Ask one Airflow; keeps a connection and a token between looks. Safe in threads.

    Logs in with the secret `airflow-token`, or with `airflow-user` and `airflow-password` (the
    simple auth manager and FAB alike), or as anybody where Airflow lets everybody in.

    Args:
        url: Where its pages are; empty: there is none.
        secrets: Folder with one file a secret.
    """

    def __init__(self, url: str, secrets: Path) -> None:
        self.url = url.rstrip("/")
        self._secrets = secrets
        self._client = httpx.Client(timeout=TIMEOUT, follow_redirects=False)
        self._lock = threading.Lock()
        self._token = ""
        self._streaks = Streaks()
        self._trouble: Trouble | None = None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, path: str, query: Query | None = None) -> Any:  # noqa: ANN401 (JSON)
        """Return what a page of the API answers.

        Raises:
            FactsNotHereError: No Airflow is named.
            FactsUnavailableError: It does not answer, or refuses.
        """
        answer = self._ask(lambda: self._authorized(path, query or {}))
        if answer.status_code in {UNAUTHORIZED, FORBIDDEN}:
            raise FactsUnavailableError(self._refusal(path, answer.status_code))
        self._expect_success(answer, path)
        return answer.json()

    def health(self) -> Mapping[str, Any]:
        """Return what the page of parts' health answers; it needs no login.

        Raises:
            FactsNotHereError: As `get`.
            FactsUnavailableError: As `get`.
        """
        path = "/api/v2/monitor/health"
        answer = self._ask(lambda: self._client.get(f"{self.url}{path}"))
        self._expect_success(answer, path)
        found: Mapping[str, Any] = answer.json()
        return found

    def pages(self, path: str, rows: str, query: Query) -> Iterator[Mapping[str, Any]]:
        """Yield the rows of a list, page by page, 3,000 at most.

        Args:
            path: Of the list.
            rows: Under which key they are.
            query: Filters and order.

        Raises:
            FactsNotHereError: As `get`.
            FactsUnavailableError: As `get`.
        """
        for number in range(MOST_PAGES):
            offset = number * PAGE
            page = self.get(path, {**query, "limit": str(PAGE), "offset": str(offset)})
            yield from page[rows]
            if offset + len(page[rows]) >= (page.get("total_entries") or 0) or not page[rows]:
                return

    def trouble(self) -> Trouble | None:
        """Return why it does not answer; None where it does.

        Raises:
            FactsNotHereError: No Airflow is named.
        """
        try:
            self.health()
        except FactsUnavailableError:
            return self._trouble
        return None

    def _authorized(self, path: str, query: Query) -> httpx.Response:
        answer = self._with_token(path, query, self._token or self._log_in())
        if answer.status_code == UNAUTHORIZED:
            answer = self._with_token(path, query, self._log_in())
        return answer

    def _with_token(self, path: str, query: Query, token: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self._client.get(f"{self.url}{path}", params=dict(query), headers=headers)

    def _log_in(self) -> str:
        """Return a new token; nothing where Airflow gives none."""
        with self._lock:
            self._token = self._secret("airflow-token") or self._new_token()
            return self._token

    def _new_token(self) -> str:
        user, password = self._secret("airflow-user"), self._secret("airflow-password")
        where = f"{self.url}/auth/token"
        if user and password:
            body = {"username": user, "password": password}
            answer = self._client.post(where, json=body)
        else:
            answer = self._client.get(where)
        if not answer.is_success:
            return ""
        return str(answer.json().get("access_token", ""))

    def _secret(self, name: str) -> str:
        try:
            return (self._secrets / name).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return ""
        except OSError as error:
            message = f"the secret {name} cannot be read: {error.strerror}"
            raise FactsUnavailableError(message) from error

    def _ask(self, request: Callable[[], httpx.Response]) -> httpx.Response:
        if not self.url:
            message = "no Airflow is named: set STATIONMASTER_AIRFLOW_URL to where its pages are"
            raise FactsNotHereError(message)
        try:
            answer = request()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            kind, sentence = kind_of(error), f"{type(error).__name__}: {error}"
            raise self._unavailable(kind, "connect", sentence) from error
        if answer.status_code >= SERVER_ERROR:
            sentence = f"it answers with status {answer.status_code}"
            raise self._unavailable(TroubleKind.OTHER, "question", sentence)
        self._trouble = None
        self._streaks.answered(self.url)
        return answer

    def _unavailable(self, kind: TroubleKind, during: str, sentence: str) -> FactsUnavailableError:
        since = self._streaks.failed(self.url, dt.datetime.now(dt.UTC))
        self._trouble = Trouble(kind=kind, during=during, sentence=sentence, since=since)
        return FactsUnavailableError(f"Airflow at {self.url} does not answer: {sentence}")

    def _expect_success(self, answer: httpx.Response, path: str) -> None:
        if not answer.is_success:
            message = (
                f"{self.url}{path}: expected an answer of Airflow 3's API, got status "
                f"{answer.status_code}. Set STATIONMASTER_AIRFLOW_URL to where Airflow's pages are."
            )
            raise FactsUnavailableError(message)

    def _refusal(self, path: str, status: int) -> str:
        return (
            f"Airflow at {self.url} does not let us read {path} (status {status}). Put the secrets "
            f"airflow-user and airflow-password of a user who may view, or airflow-token, into "
            f"{self._secrets}."
        )
