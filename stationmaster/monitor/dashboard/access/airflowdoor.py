"""Airflow's session: who may see runs may look, who may change runs may act."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.base_auth_manager import COOKIE_NAME_JWT_TOKEN
from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagAccessEntity
from jwt import InvalidTokenError
from starlette.concurrency import run_in_threadpool

from stationmaster.monitor.dashboard.access.people import Person
from stationmaster.monitor.incidents.operators import Role

if TYPE_CHECKING:
    from starlette.requests import Request

__all__ = ["AirflowDoor"]


class AirflowDoor:
    """Know people by the cookie that Airflow's own pages log in with.

    Viewers may open Airflow's web site and see the runs of all DAGs; operators may also change
    them (clear a task, mark a run).
    """

    name = "airflow"

    async def person(self, request: Request) -> Person | None:
        """Return who it is; None without a valid session, or without the right to see runs."""
        token = request.cookies.get(COOKIE_NAME_JWT_TOKEN)
        if not token:
            return None
        manager = get_auth_manager()
        try:
            user = await manager.get_user_from_token(token)
        except InvalidTokenError:
            return None
        return await run_in_threadpool(_person, manager, user)

    def login_path(self, wanted: str) -> str:
        """Return "": Airflow asks people, not we."""
        del wanted
        return ""


def _person(manager: Any, user: Any) -> Person | None:  # noqa: ANN401 (of whichever auth manager)
    runs = DagAccessEntity.RUN
    if not manager.is_authorized_view(access_view=AccessView.WEBSITE, user=user):
        return None
    if not manager.is_authorized_dag(method="GET", access_entity=runs, user=user):
        return None
    may_act = manager.is_authorized_dag(method="PUT", access_entity=runs, user=user)
    name = str(user.get_name() or user.get_id())
    return Person(name, Role.OPERATOR if may_act else Role.VIEWER, "airflow")
