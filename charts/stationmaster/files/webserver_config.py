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
        """Return the user's names, address and groups; `provider` is the button's name.

        Flask-AppBuilder gives everybody the role of new users besides those of their groups:
        `role` is the default one only for who has none by a group.
        """
        claims = resp.get("userinfo") or self.oauth_remotes[provider].userinfo(token=resp)
        groups = list(claims.get(_OIDC["groupsClaim"], []))
        roles = [role for group in groups for role in _OIDC["groupRoles"].get(group, [])]
        return {
            "username": claims[_OIDC["usernameClaim"]],
            "email": claims.get("email", ""),
            "first_name": claims.get("given_name", ""),
            "last_name": claims.get("family_name", ""),
            "role_keys": groups,
            "role": next(iter(roles), _OIDC["defaultRole"]),
        }


if _OIDC["enabled"]:
    AUTH_TYPE = AUTH_OAUTH
    SECURITY_MANAGER_CLASS = OpenIdConnect
    AUTH_USER_REGISTRATION = True
    AUTH_USER_REGISTRATION_ROLE_JMESPATH = "role"
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
