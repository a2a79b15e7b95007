"""The dashboard as a page of Airflow's: entry point `airflow.plugins`, or a line in a plugin file.

    from stationmaster.monitor.dashboard.airflow_plugin import StationmasterPlugin

Every process of Airflow loads plugins; only the api-server makes the dashboard, when it asks for
`fastapi_apps`. Where the extra `monitor` is not installed there is no page.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

__all__ = ["PREFIX", "StationmasterPlugin", "airflow_dashboard"]

log = logging.getLogger(__name__)

PREFIX: Final = "/stationmaster"
"""Below Airflow's own address."""


def airflow_dashboard() -> ASGIApp:
    """Return the dashboard for Airflow's api-server: its session, its rights, its key.

    Raises:
        ModuleNotFoundError: The extra `monitor` is not installed.
        MisconfiguredError: The ledger's or the expectations' settings cannot be used.
    """
    from stationmaster.monitor.dashboard.access.airflowdoor import AirflowDoor  # noqa: PLC0415 (api-server only)
    from stationmaster.monitor.dashboard.application import make_app  # noqa: PLC0415 (as above)
    from stationmaster.monitor.dashboard.serving import build  # noqa: PLC0415 (as above)
    from stationmaster.monitor.dashboard.settings import (  # noqa: PLC0415 (as above)
        DashboardSettings,
        Login,
    )

    settings = DashboardSettings().model_copy(
        update={
            "login": Login.AIRFLOW,
            "public_url": "",
            "airflow_url": DashboardSettings().airflow_url or f"{_base_path()}/",
        }
    )
    # All api-servers have the same key, so that a form of one is known by the others.
    secret = str(conf.get("api", "secret_key")).encode()
    key = hmac.new(secret, b"stationmaster dashboard", hashlib.sha256).digest()
    return make_app(build(settings, door=AirflowDoor(), key=key))


def _base_path() -> str:
    return urlsplit(str(conf.get("api", "base_url", fallback=""))).path.rstrip("/")


def _apps() -> list[dict[str, Any]]:
    try:
        app = airflow_dashboard()
    except ModuleNotFoundError as error:
        log.info(
            "No dashboard in Airflow: %s is not installed (stationmaster[monitor]).", error.name
        )
        return []
    except Exception:
        # Airflow must start without us.
        log.exception("No dashboard in Airflow.")
        return []
    return [{"app": app, "url_prefix": PREFIX, "name": "Stationmaster"}]


def _views() -> list[dict[str, Any]]:
    return [
        {
            "name": "Stationmaster",
            "href": f"{_base_path()}{PREFIX}/",
            "url_route": "stationmaster",
            "destination": "nav",
            "icon": f"{_base_path()}{PREFIX}/static/icon.svg",
        }
    ]


class _Late:
    """Make a plugin's list when somebody asks for it, once."""

    def __init__(self, make: Callable[[], list[dict[str, Any]]]) -> None:
        self._make = make
        self._made: list[dict[str, Any]] | None = None

    def __get__(self, instance: object, owner: type | None = None) -> list[dict[str, Any]]:
        if self._made is None:
            self._made = self._make()
        return self._made


class StationmasterPlugin(AirflowPlugin):
    """Bring the dashboard into Airflow."""

    name = "stationmaster"
    fastapi_apps = _Late(_apps)
    external_views = _Late(_views)
