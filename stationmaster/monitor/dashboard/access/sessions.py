"""Sessions: a signed cookie that says who somebody is, and ends by itself."""

from __future__ import annotations

import datetime as dt
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from itsdangerous import BadSignature, URLSafeTimedSerializer

from stationmaster.monitor.dashboard.access.people import Person
from stationmaster.monitor.incidents.operators import Role

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response

__all__ = ["SESSION_COOKIE", "Sessions", "signing_key"]

SESSION_COOKIE: Final = "stationmaster_session"
HOUR_SECONDS: Final = 3600
LEAST_KEY_BYTES: Final = 32


def signing_key(folder: Path, name: str) -> bytes:
    """Return the key of a secret file, or one that lives as long as the process.

    Args:
        folder: Of secrets.
        name: The file's.
    """
    file = folder / name
    known = file.read_bytes().strip() if file.is_file() else b""
    return known if len(known) >= LEAST_KEY_BYTES else secrets.token_bytes(LEAST_KEY_BYTES)


@dataclass(frozen=True)
class Sessions:
    """Give people a cookie, and know them by it.

    Args:
        key: What signs it.
        hours: How long it lasts.
        path: Below which it is sent.
        encrypted: It is only sent over HTTPS.
        is_over: Tells whether somebody's session that began then was taken back.
    """

    key: bytes
    hours: float
    path: str = "/"
    encrypted: bool = True
    is_over: Callable[[str, dt.datetime], bool] = lambda _name, _began: False

    def begin(self, response: Response, person: Person) -> None:
        """Let somebody in."""
        told = {
            "name": person.name,
            "role": person.role.value,
            "via": person.via,
            "began": dt.datetime.now(dt.UTC).timestamp(),
        }
        response.set_cookie(
            SESSION_COOKIE,
            self._serializer.dumps(told),
            max_age=round(self.hours * HOUR_SECONDS),
            path=self.path,
            secure=self.encrypted,
            httponly=True,
            # Not strict: who comes by the link in an alert should not be asked to log in again.
            samesite="lax",
        )

    def end(self, response: Response) -> None:
        """Forget somebody."""
        response.delete_cookie(SESSION_COOKIE, path=self.path)

    def person(self, request: Request) -> Person | None:
        """Return who sent the request; None without a session, or with one that is over.

        Raises:
            TemporaryError: The ledger does not say whether it was taken back.
        """
        cookie = request.cookies.get(SESSION_COOKIE, "")
        try:
            told: Any = self._serializer.loads(cookie, max_age=round(self.hours * HOUR_SECONDS))
            person = Person(str(told["name"]), Role(told["role"]), str(told["via"]))
            began = dt.datetime.fromtimestamp(float(told["began"]), dt.UTC)
        except (BadSignature, KeyError, TypeError, ValueError, OverflowError, OSError):
            return None
        return None if self.is_over(person.name, began) else person

    @property
    def _serializer(self) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self.key, salt="stationmaster session")
