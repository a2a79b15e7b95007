"""Airflow's login: users of its own database, or an OpenID Connect provider (chart's values)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from airflow.providers.fab.auth_manager.security_manager.override import (  # type: ignore[import-not-found]
    FabAirflowSecurityManagerOverride,
)
from flask_appbuilder.const import (  # type: ignore[import-not-found]
    AUTH_DB,
    AUTH_OAUTH,
)

WTF_CSRF_ENABLED = True
AUTH_TYPE = AUTH_DB

_OIDC = json.loads(Path("/etc/stationmaster/oidc.json").read_text())


class OpenIdConnect(FabAirflowSecurityManagerOverride):  # type: ignore[misc]
    """Take who somebody is from the ID token's claims, as any OpenID Connect provider has them."""

    def get_oauth_user_info(self, provider: str, resp: dict[str, Any]) -> dict[str, Any]:
        """Return the user's names, address and groups; `provider` is the button's name."""
        claims = resp.get("userinfo") or self.oauth_remotes[provider].userinfo(token=resp)
        return {
            "username": claims[_OIDC["usernameClaim"]],
            "email": claims.get("email", ""),
            "first_name": claims.get("given_name", ""),
            "last_name": claims.get("family_name", ""),
            "role_keys": list(claims.get(_OIDC["groupsClaim"], [])),
        }


if _OIDC["enabled"]:
    AUTH_TYPE = AUTH_OAUTH
    SECURITY_MANAGER_CLASS = OpenIdConnect
    AUTH_USER_REGISTRATION = True
    AUTH_USER_REGISTRATION_ROLE = _OIDC["defaultRole"]
    AUTH_ROLES_SYNC_AT_LOGIN = True
    AUTH_ROLES_MAPPING = _OIDC["groupRoles"]
    OAUTH_PROVIDERS = [
        {
            "name": _OIDC["name"],
            "icon": "fa-key",
            "token_key": "access_token",
            "remote_app": {
                "client_id": _OIDC["clientId"],
                "client_secret": os.environ["OIDC_CLIENT_SECRET"],
                "server_metadata_url": f"{_OIDC['issuer'].rstrip('/')}"
                "/.well-known/openid-configuration",
                "client_kwargs": {"scope": _OIDC["scope"]},
            },
        }
    ]
