"""Forms that only our own pages can send: no other site acts in somebody's name."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from stationmaster.monitor.dashboard.access.people import Person

__all__ = ["FIELD", "FORM_COOKIE", "Forms", "safe_path"]

FORM_COOKIE: Final = "stationmaster_form"
FIELD: Final = "form_token"
TOKEN_BYTES: Final = 32


class Forms:
    """Give each form a token, and know it again.

    The token is signed and holds for one browser (a cookie of its own) and one person; beside it
    the browser's own word is heeded: where a form comes from.

    Args:
        key: What signs it.
        path: Below which the cookie is sent.
        encrypted: The cookie is only sent over HTTPS.
    """

    def __init__(self, key: bytes, *, path: str = "/", encrypted: bool = True) -> None:
        self._key = key
        self._path = path
        self._encrypted = encrypted

    def browser(self, request: Request) -> str:
        """Return what the browser's cookie holds, something new where it has none."""
        return request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(TOKEN_BYTES)

    def token(self, browser: str, person: Person) -> str:
        """Return the token for somebody's forms in one browser."""
        words = f"form\0{browser}\0{person.name}".encode()
        return hmac.new(self._key, words, hashlib.sha256).hexdigest()

    def remember(self, response: Response, browser: str) -> None:
        """Give the browser its cookie."""
        response.set_cookie(
            FORM_COOKIE,
            browser,
            path=self._path,
            secure=self._encrypted,
            httponly=True,
            samesite="strict",
        )

    def is_ours(self, request: Request, person: Person, sent: str) -> bool:
        """Tell whether a form was sent by one of our own pages, in this browser, to this person.

        Args:
            request: That brought the form.
            person: Who is logged in.
            sent: The form's token.
        """
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return False
        origin = request.headers.get("origin")
        if origin is not None and _host_of(origin) != request.headers.get("host"):
            return False
        browser = request.cookies.get(FORM_COOKIE)
        if not browser:
            return False
        return hmac.compare_digest(self.token(browser, person).encode(), sent.encode())


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def safe_path(wanted: str, otherwise: str) -> str:
    r"""Return a path of ours to go on to, never another site's.

    Browsers read `//host` and `/\host` as another site, and drop tabs and newlines before they do.

    Args:
        wanted: What a request asks for.
        otherwise: Where to go if that is no path of ours.
    """
    plain = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    hidden = any(ord(letter) < ord(" ") or letter == "\\" for letter in wanted)
    return wanted if plain and not hidden else otherwise
