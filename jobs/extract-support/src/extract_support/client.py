"""Ask the support API patiently, but never without end."""

from __future__ import annotations

import datetime as dt
import email.utils
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import httpx
import stamina

from stationmaster.step import (
    ContractBrokenError,
    MisconfiguredError,
    StepError,
    UpstreamUnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Patience", "SupportClient"]

_SHOWN: Final = 80
_PASSING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_REFUSED: Final = frozenset({401, 403})


@dataclass(frozen=True)
class Patience:
    """Tell how long to wait for the API, in seconds."""

    answer: float = 30.0
    """For one whole answer."""
    total: float = 300.0
    """For one request with all its repetitions."""
    attempts: int = 8


class _NotNowError(Exception):
    """Raised when asking again may help; carries the error that stands if it does not."""

    def __init__(self, final: StepError, retry_after: float | None = None) -> None:
        super().__init__(str(final))
        self.final = final
        self.retry_after = retry_after


class SupportClient:
    """Get JSON objects from the support API.

    Args:
        url: Where the API is, without `/v1`.
        token: What proves who we are.
        token_file: Where the token was read from, for messages.
        patience: How long to wait.
    """

    def __init__(self, url: str, token: str, *, token_file: Path, patience: Patience) -> None:
        self._url = url.rstrip("/")
        self._token_file = token_file
        self._patience = patience
        self._http = httpx.Client(
            base_url=self._url,
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=httpx.Timeout(patience.answer, connect=min(10.0, patience.answer)),
        )
        self.bytes_read = 0

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> dict[str, object]:
        """Return the JSON object at a path.

        Raises:
            UpstreamUnavailableError: The API was silent, overloaded or broken for too long.
            ContractBrokenError: The answer is no JSON object, each time.
            MisconfiguredError: The token is refused, or there is no such address.
        """
        started = time.monotonic()

        def wait(error: Exception) -> bool | float:
            if not isinstance(error, _NotNowError):
                return False
            if error.retry_after is None:
                return True
            left = self._patience.total - (time.monotonic() - started)
            return error.retry_after if error.retry_after < left else False

        retries = stamina.retry_context(
            on=wait, attempts=self._patience.attempts, timeout=self._patience.total, wait_max=20.0
        )
        request = self._http.build_request("GET", path, params=dict(params or {}))
        try:
            for attempt in retries:
                with attempt:
                    return self._ask(request, started, attempt.num)
        except _NotNowError as last:
            raise last.final from last
        message = "a retry loop ended without an answer or an error"
        raise AssertionError(message)

    def _ask(self, request: httpx.Request, started: float, asked: int) -> dict[str, object]:
        deadline = time.monotonic() + self._patience.answer
        try:
            response = self._http.send(request, stream=True)
            try:
                body = _body_until(response, deadline)
            finally:
                response.close()
        except httpx.TransportError as problem:
            got = f"{_in_words(problem)}, {_tries(asked, started)}"
            raise _NotNowError(_unavailable(request, got)) from problem
        self.bytes_read += len(body)
        if response.status_code != httpx.codes.OK:
            raise self._refusal(request, response, body, _tries(asked, started))
        return _json_object(request, body)

    def _refusal(
        self, request: httpx.Request, response: httpx.Response, body: bytes, tries: str
    ) -> Exception:
        status = f"{response.status_code} {response.reason_phrase}".strip()
        if response.status_code in _PASSING:
            pause = _retry_after(response.headers.get("Retry-After"))
            asks = "" if pause is None else f", which asks to wait {pause:.0f} s"
            return _NotNowError(_unavailable(request, f"status {status}{asks}, {tries}"), pause)
        if response.status_code in _REFUSED:
            return MisconfiguredError(
                f"support API {_address(request)}",
                expected=f"the token in {self._token_file} to be accepted",
                got=f"status {status}",
                hint=f"Put a valid token into {self._token_file}, then clear the step.",
            )
        return MisconfiguredError(
            f"support API {_address(request)}",
            expected="status 200",
            got=f"status {status}: {_shown(body)}",
            hint="Compare `api_url` (param) or STATIONMASTER_SUPPORT_API_URL with the address "
            "that the support team gives, then clear the step.",
        )


def _body_until(response: httpx.Response, deadline: float) -> bytes:
    """Read the body; give up on one that trickles in for too long."""
    parts: list[bytes] = []
    for part in response.iter_bytes():
        parts.append(part)
        if time.monotonic() > deadline:
            message = "the answer trickles in too slowly"
            raise httpx.ReadTimeout(message)
    return b"".join(parts)


def _json_object(request: httpx.Request, body: bytes) -> dict[str, object]:
    try:
        document = json.loads(body)
    except ValueError as problem:
        got = f"{len(body):,} bytes that are none ({problem}); they begin with {_shown(body)}"
        raise _NotNowError(_broken(request, got)) from problem
    if not isinstance(document, dict):
        raise _broken(request, f"something else, which begins with {_shown(body)}")
    return document


def _broken(request: httpx.Request, got: str) -> ContractBrokenError:
    return ContractBrokenError(
        f"support API {_address(request)}",
        expected="a JSON object",
        got=got,
        hint="Ask the support team what their API sends, then clear the step.",
    )


def _unavailable(request: httpx.Request, got: str) -> UpstreamUnavailableError:
    return UpstreamUnavailableError(
        f"support API {_address(request)}",
        expected="an answer with status 200",
        got=got,
        hint="The step tries again later; if it stays so, ask the support team.",
    )


def _address(request: httpx.Request) -> str:
    return str(request.url)


def _shown(body: bytes) -> str:
    return repr(body[:_SHOWN].decode("utf-8", errors="replace"))


def _tries(asked: int, started: float) -> str:
    times = "once" if asked == 1 else f"{asked} times"
    return f"asked {times} in {time.monotonic() - started:.0f} s"


def _in_words(problem: httpx.TransportError) -> str:
    if isinstance(problem, httpx.TimeoutException):
        return f"no whole answer in time ({type(problem).__name__})"
    return f"no connection or a broken one ({str(problem) or type(problem).__name__})"


def _retry_after(header: str | None) -> float | None:
    """Read seconds or an HTTP date; None where there is neither."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        when = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (when - dt.datetime.now(dt.UTC)).total_seconds())
