"""How the dashboard is reached and who may see it, from `STATIONMASTER_DASHBOARD_…` variables.

Where the ledger is stands in `stationmaster.step.settings`. Nothing is read at import.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from stationmaster.step.errors import MisconfiguredError

__all__ = ["DashboardSettings", "Login"]


class Login(StrEnum):
    """Name how people prove who they are."""

    TOKEN = "token"  # noqa: S105 (a word, no secret)
    """A link with a token, printed where the dashboard was started: loopback only."""
    OIDC = "oidc"
    """OpenID Connect: the company's own login."""
    PROXY = "proxy"
    """A proxy in front has asked, and says who it is in a header."""
    AIRFLOW = "airflow"
    """Airflow's session: where the dashboard is a page of Airflow's."""


class DashboardSettings(BaseSettings):
    """Hold what differs between installations. Secrets are files in the secrets folder."""

    model_config = SettingsConfigDict(
        env_prefix="STATIONMASTER_DASHBOARD_", frozen=True, extra="ignore"
    )

    login: Login = Field(default=Login.TOKEN, description="How people prove who they are.")
    public_url: str = Field(
        default="", description="Where people reach it: https://stationmaster.example.com"
    )
    airflow_url: str = Field(
        default="", description="Where people reach Airflow, for links to runs and logs."
    )
    session_hours: float = Field(default=12, gt=0, le=168, description="How long a login lasts.")
    key_secret: str = Field(
        default="dashboard-key",
        description="Secret file that signs sessions; without it a login ends with the process.",
    )
    operators: tuple[str, ...] = Field(
        default=(), description="Groups whose members may act (JSON list)."
    )
    viewers: tuple[str, ...] = Field(
        default=(), description="Groups whose members may look (JSON list); `*`: who can log in."
    )
    oidc_issuer: str = Field(default="", description="https://login.example.com/realms/data")
    oidc_client_id: str = Field(default="", description="What the provider calls the dashboard.")
    oidc_client_secret: str = Field(
        default="dashboard-oidc-client-secret", description="Secret file of the client's secret."
    )
    oidc_scope: str = Field(default="openid profile email groups", description="What is asked for.")
    oidc_groups_claim: str = Field(default="groups", description="Which claim holds the groups.")
    oidc_name_claim: str = Field(default="email", description="Which claim says who somebody is.")
    proxy_addresses: tuple[str, ...] = Field(
        default=(), description="Addresses or networks of the trusted proxies (JSON list)."
    )
    proxy_user_header: str = Field(default="X-Forwarded-Email", description="Who it is.")
    proxy_groups_header: str = Field(
        default="X-Forwarded-Groups", description="The groups, apart by commas."
    )
    proxy_logout_url: str = Field(default="/oauth2/sign_out", description="The proxy's own.")
    poll_seconds: float = Field(
        default=2.0, gt=0.05, description="How often the ledger is asked what changed."
    )
    silent_after_seconds: float = Field(
        default=300.0, gt=0, description="When a watcher that has not looked is called silent."
    )
    runbooks: Path = Field(
        default=Path(), description="Folder of runbook pages of one's own checks."
    )

    @property
    def root_path(self) -> str:
        """Return the path below which it is reached, without a slash at its end."""
        return urlsplit(self.public_url).path.rstrip("/")

    @property
    def is_encrypted(self) -> bool:
        """Return whether people reach it by HTTPS."""
        return self.public_url.startswith("https://")

    def require(self) -> None:
        """Refuse what cannot be safe.

        Raises:
            MisconfiguredError: Something that the login needs is missing.
        """
        for wanted, name, expected in _needs(self):
            if not wanted:
                raise MisconfiguredError(
                    where=f"STATIONMASTER_DASHBOARD_{name}",
                    expected=expected,
                    got="nothing",
                    hint=f"Set it, since STATIONMASTER_DASHBOARD_LOGIN is {self.login}; "
                    "docs/dashboard.md has an example.",
                )
        if self.login is Login.OIDC and not self.is_encrypted and not _is_loopback(self.public_url):
            raise MisconfiguredError(
                where="STATIONMASTER_DASHBOARD_PUBLIC_URL",
                expected="an https:// URL: a login over plain HTTP can be read by others",
                got=self.public_url,
                hint="Put TLS in front (the chart's ingress), and write the https:// URL here.",
            )


def _needs(settings: DashboardSettings) -> list[tuple[object, str, str]]:
    groups = (
        settings.viewers or settings.operators,
        "VIEWERS",
        'a JSON list of groups, ["data-team"], or ["*"] for everybody who can log in',
    )
    if settings.login is Login.OIDC:
        return [
            (settings.public_url, "PUBLIC_URL", "the URL that people open"),
            (settings.oidc_issuer, "OIDC_ISSUER", "the provider's issuer URL"),
            (settings.oidc_client_id, "OIDC_CLIENT_ID", "the client's id"),
            groups,
        ]
    if settings.login is Login.PROXY:
        return [
            (settings.public_url, "PUBLIC_URL", "the URL that people open"),
            (settings.proxy_addresses, "PROXY_ADDRESSES", 'addresses, ["10.0.0.0/8"]'),
            groups,
        ]
    return []


def _is_loopback(url: str) -> bool:
    return urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"}
