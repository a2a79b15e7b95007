"""Doors: how people prove who they are. One is in use; each says who sent a request."""

from __future__ import annotations

import ipaddress
import secrets
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool

from stationmaster.monitor.dashboard.access.people import Person, role_of
from stationmaster.monitor.incidents.operators import Role
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request

    from stationmaster.monitor.dashboard.access.sessions import Sessions
    from stationmaster.monitor.dashboard.settings import DashboardSettings

__all__ = ["TOKEN_SECRET", "Door", "ProxyDoor", "SessionDoor", "TokenDoor", "is_from"]

TOKEN_BYTES: Final = 24
TOKEN_SECRET: Final = "dashboard-token"  # noqa: S105 (a file's name)
LEAST_TOKEN: Final = 16


class Door(Protocol):
    """Say who sent a request."""

    name: str

    async def person(self, request: Request) -> Person | None:
        """Return who it is; None: nobody whom we let in."""

    def login_path(self, wanted: str) -> str:
        """Return where to log in, and to come back to what was wanted; "" where nowhere here."""


class SessionDoor:
    """Know people by our own session, which a login has begun.

    Args:
        name: What the login is called.
        sessions: Of this dashboard.
    """

    def __init__(self, name: str, sessions: Sessions) -> None:
        self.name = name
        self._sessions = sessions

    async def person(self, request: Request) -> Person | None:
        """Return who it is; None without a session, or with one that was taken back.

        Raises:
            TemporaryError: The ledger does not answer.
        """
        return await run_in_threadpool(self._sessions.person, request)

    def login_path(self, wanted: str) -> str:
        """Return where to log in."""
        return f"/login?next={quote(wanted, safe='')}"


class TokenDoor(SessionDoor):
    """Let in who has the token that was printed where the dashboard was started.

    Args:
        sessions: Of this dashboard.
        token: Made by itself where none is given.
    """

    def __init__(self, sessions: Sessions, token: str = "") -> None:
        super().__init__("token", sessions)
        self.token = token or secrets.token_urlsafe(TOKEN_BYTES)

    @classmethod
    def kept(cls, sessions: Sessions, folder: Path) -> TokenDoor:
        """Return a door whose token is that of the secret file `dashboard-token`, if there is one.

        Args:
            sessions: Of this dashboard.
            folder: Of secrets.

        Raises:
            MisconfiguredError: The file's token is too short to be one.
        """
        file = folder / TOKEN_SECRET
        token = file.read_text(encoding="utf-8").strip() if file.is_file() else ""
        if file.is_file() and len(token) < LEAST_TOKEN:
            raise MisconfiguredError(
                where=f"secret file {file}",
                expected=f"a token of at least {LEAST_TOKEN} characters",
                got=f"{len(token)} characters",
                hint="Make one: python -c 'import secrets; print(secrets.token_urlsafe(24))'",
            )
        return cls(sessions, token)

    def who(self, token: str) -> Person | None:
        """Return who comes with a token; None if it is not the right one."""
        if not secrets.compare_digest(token.encode(), self.token.encode()):
            return None
        return Person("owner of this machine", Role.OPERATOR, self.name)


class ProxyDoor:
    """Believe a proxy's headers, if the request comes from the proxy's own address.

    Args:
        settings: Which addresses and headers, and what groups may do.
    """

    name = "proxy"

    def __init__(self, settings: DashboardSettings) -> None:
        self._settings = settings
        self._networks = [
            ipaddress.ip_network(each, strict=False) for each in settings.proxy_addresses
        ]

    async def person(self, request: Request) -> Person | None:
        """Return whom the proxy names; None from elsewhere, or where a header came twice."""
        if request.client is None or not is_from(request.client.host, self._networks):
            return None
        users = request.headers.getlist(self._settings.proxy_user_header)
        groups = request.headers.getlist(self._settings.proxy_groups_header)
        if len(users) != 1 or not users[0].strip() or len(groups) > 1:
            return None
        named = [each.strip() for line in groups for each in line.split(",")]
        role = role_of(
            filter(None, named),
            viewers=self._settings.viewers,
            operators=self._settings.operators,
        )
        return None if role is None else Person(users[0].strip(), role, self.name)

    def login_path(self, wanted: str) -> str:
        """Return "": the proxy asks people, not we."""
        del wanted
        return ""


def is_from(address: str, networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    """Tell whether an address lies in one of the networks; what is no address lies in none."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed in network for network in networks if network.version == parsed.version)
