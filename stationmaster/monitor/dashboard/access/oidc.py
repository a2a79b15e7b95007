"""Login by OpenID Connect: the company's own login, whose groups say what somebody may do."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]
from authlib.integrations.starlette_client import OAuth  # type: ignore[import-untyped]
from httpx import HTTPError

from stationmaster.monitor.dashboard.access.people import Person, role_of
from stationmaster.step.errors import MisconfiguredError, UpstreamUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request
    from starlette.responses import Response

    from stationmaster.monitor.dashboard.settings import DashboardSettings

__all__ = ["OidcLogin"]

log = logging.getLogger(__name__)

HINT = "Look at the provider's and at this dashboard's log, and at docs/dashboard.md."


class OidcLogin:
    """Send people to the provider, and know them when they come back.

    The authorization code flow with PKCE, state and nonce, by authlib; the ID token's signature,
    issuer, audience and time are checked.

    Args:
        settings: Issuer, client, claims, and what groups may do.
        secrets: Folder with the client's secret.

    Raises:
        MisconfiguredError: There is no file with the client's secret.
    """

    def __init__(self, settings: DashboardSettings, secrets: Path) -> None:
        self._settings = settings
        file = secrets / settings.oidc_client_secret
        if not file.is_file():
            raise MisconfiguredError(
                where="STATIONMASTER_DASHBOARD_OIDC_CLIENT_SECRET",
                expected=f"the file {file}, with the secret that the provider gave the client",
                got="no such file",
                hint="Put the secret there; docs/dashboard.md says how.",
            )
        issuer = settings.oidc_issuer.rstrip("/")
        self._client: Any = OAuth().register(
            "provider",
            server_metadata_url=f"{issuer}/.well-known/openid-configuration",
            client_id=settings.oidc_client_id,
            client_secret=file.read_text(encoding="utf-8").strip(),
            client_kwargs={"scope": settings.oidc_scope, "code_challenge_method": "S256"},
        )

    async def ask(self, request: Request) -> Response:
        """Return the redirection to the provider's page.

        Raises:
            UpstreamUnavailableError: The provider does not answer.
        """
        back = f"{self._settings.public_url.rstrip('/')}/login/oidc/callback"
        try:
            answer: Response = await self._client.authorize_redirect(request, back)
        except HTTPError as error:
            raise UpstreamUnavailableError(
                where=f"OIDC provider {self._settings.oidc_issuer}",
                expected="its configuration, at .well-known/openid-configuration",
                got=f"{type(error).__name__}",
                hint="Open that URL from where the dashboard runs. " + HINT,
            ) from error
        return answer

    async def came_back(self, request: Request) -> tuple[Person | None, str]:
        """Return who came back from the provider, and why nobody if nobody did."""
        try:
            token: dict[str, Any] = await self._client.authorize_access_token(request)
        except (OAuthError, HTTPError, ValueError) as error:
            # A code that was used, a state of another browser, a signature that is wrong: the
            # log says which; a stranger need not know.
            log.warning("a login by OpenID Connect failed: %s: %s", type(error).__name__, error)
            return None, f"The login did not succeed ({type(error).__name__}). Try it again."
        claims: dict[str, Any] = dict(token.get("userinfo") or {})
        name = str(claims.get(self._settings.oidc_name_claim) or claims.get("sub") or "")
        told = claims.get(self._settings.oidc_groups_claim) or ()
        groups = [told] if isinstance(told, str) else [str(each) for each in told]
        role = role_of(groups, viewers=self._settings.viewers, operators=self._settings.operators)
        if not name or role is None:
            return None, (
                f"You are logged in as {name or 'somebody without a name'}, but none of your "
                "groups may see this dashboard. Ask whoever runs it."
            )
        return Person(name, role, "oidc"), ""
