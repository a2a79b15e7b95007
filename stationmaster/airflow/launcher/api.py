"""Airflow's Task Execution API in this process: no network, no token, no api-server needed.

The routes are Airflow's own, so what they promise holds here: checks of state, asset events, logs
of events, fail-fast. Those that each step takes are called as the functions that they are:
through HTTP's layers a call costs several times the work it does. What Airflow's SDK asks for
while templates render goes through `InProcessExecutionAPI`. Every method blocks on the database:
call it in a thread.
"""

from __future__ import annotations

import datetime as dt
import threading
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, cast

import attrs
import httpx
from airflow.api_fastapi.common.dagbag import create_dag_bag
from airflow.api_fastapi.execution_api.datamodels import taskinstance as payloads
from airflow.api_fastapi.execution_api.datamodels.token import TIClaims, TIToken
from airflow.api_fastapi.execution_api.routes import task_instances as routes
from airflow.api_fastapi.execution_api.routes import xcoms
from airflow.sdk.api.client import Client
from airflow.sdk.api.datamodels._generated import TaskInstance, TIRunContext
from airflow.sdk.execution_time.comms import DeleteXCom, SetXCom
from airflow.sdk.execution_time.supervisor import InProcessTestSupervisor, set_supervisor_comms
from airflow.utils.session import create_session
from fastapi import HTTPException, Response

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

__all__ = ["GoneError", "Identity", "TaskApi"]

GONE: Final = frozenset({404, 409, 410})
"""No such task instance; not in that state; replaced by a newer try."""

BASE_URL: Final = "http://in-process.invalid./"
UNIX_NAME: Final = "stationmaster-launcher"
"""Stands in a task instance's row while the launcher runs it: so it is told from a worker's."""


class GoneError(Exception):
    """Raised when the task instance is no longer ours: cleared, marked, deleted, or taken over."""


@attrs.frozen
class Identity:
    """Say who runs a task instance; `/run` is idempotent for the same three."""

    hostname: str
    pid: int
    unixname: str = UNIX_NAME


class TaskApi:
    """Speak to the Task Execution API for all task instances of this process."""

    def __init__(self) -> None:
        self._client = _client()
        self._dags = create_dag_bag()
        # What Airflow's SDK asks for while templates are rendered goes through one global of
        # `task_runner`: one task instance at a time.
        self._global = threading.Lock()

    def warm_up(self) -> None:
        """Have the routes built, which takes seconds at the first request."""
        with suppress(GoneError):
            self.run(str(uuid.UUID(int=0)), Identity("", 0), dt.datetime.now(dt.UTC))

    def run(self, ti_id: str, identity: Identity, started_at: dt.datetime) -> TIRunContext:
        """Mark a queued task instance as running, or say again that it is.

        Raises:
            GoneError: It is not queued any more, or somebody else runs it.
        """
        payload = payloads.TIEnterRunningPayload(
            state="running",
            pid=identity.pid,
            hostname=identity.hostname,
            unixname=identity.unixname,
            start_date=started_at,
        )
        token = TIToken(id=uuid.UUID(ti_id), claims=TIClaims(scope="execution"))
        with _route() as session:
            context = routes.ti_run(token.id, payload, Response(), session, self._dags, None, token)
            document = context.model_dump_json(exclude_unset=True)
        return TIRunContext.model_validate_json(document)

    def show(self, ti_id: str, fields: dict[str, Any], map_label: str | None) -> None:
        """Store the rendered template fields for the UI."""
        with _route() as session:
            routes.ti_put_rtif(uuid.UUID(ti_id), fields, session)
            if map_label:
                routes.ti_patch_rendered_map_index(uuid.UUID(ti_id), map_label, session)

    def inactive_assets(self, ti_id: str) -> list[str]:
        """Return the names of the task's assets that are not active."""
        with _route() as session:
            found = routes.validate_inlets_and_outlets(uuid.UUID(ti_id), session, self._dags)
        return [str(each.name or each.uri) for each in found.inactive_assets or ()]

    def succeed(
        self, ti_id: str, when: dt.datetime, outlets: list[Any], map_label: str | None
    ) -> None:
        """Mark a task instance as succeeded and register its asset events; twice is once.

        Raises:
            GoneError: It was marked, cleared or deleted meanwhile: the user's word stands.
        """
        fields: dict[str, Any] = {"rendered_map_index": map_label} if map_label else {}
        payload = payloads.TISuccessStatePayload(
            state="success",
            end_date=when,
            task_outlets=[each.model_dump() for each in outlets],
            outlet_events=[],
            **fields,
        )
        with _route() as session:
            routes.ti_update_state(uuid.UUID(ti_id), payload, session, self._dags)

    def skip(self, ti_id: str, when: dt.datetime, map_label: str | None) -> None:
        """Mark a task instance as skipped; twice is once.

        Raises:
            GoneError: As `succeed`.
        """
        fields: dict[str, Any] = {"rendered_map_index": map_label} if map_label else {}
        payload = payloads.TITerminalStatePayload(state="skipped", end_date=when, **fields)
        with _route() as session:
            routes.ti_update_state(uuid.UUID(ti_id), payload, session, self._dags)

    @contextmanager
    def acting_for(self, ti: TaskInstance) -> Iterator[None]:
        """Let Airflow's SDK in this thread speak as the task: XComs, Variables, Connections."""
        with self._global:
            supervisor = _Supervisor.of(ti, self._client)
            with set_supervisor_comms(supervisor.comms):
                yield


class _Client(Client):
    """Leave retries to the launcher: they must not hold a thread."""

    def request(  # type: ignore[override]  # Airflow's is wrapped in its retries
        self,
        *args: Any,  # noqa: ANN401 (passed on)
        **kwargs: Any,  # noqa: ANN401 (passed on)
    ) -> httpx.Response:
        """Send one request."""
        response: httpx.Response = Client.request.__wrapped__(self, *args, **kwargs)
        return response


class _Supervisor(InProcessTestSupervisor):
    """Answer the SDK's requests by Airflow's own code, without a process to watch."""

    @classmethod
    def of(cls, ti: TaskInstance, client: Client) -> _Supervisor:
        """Return the supervisor of one task instance."""
        import os  # noqa: PLC0415 (here only)

        import psutil  # noqa: PLC0415 (here only)
        import structlog  # noqa: PLC0415 (here only)
        from airflow.sdk.execution_time.supervisor import (  # noqa: PLC0415 (here only)
            InProcessSupervisorComms,
        )

        supervisor = cls(
            id=ti.id,
            pid=os.getpid(),
            process=cast("Any", psutil.Process()),
            process_log=structlog.get_logger("task"),
            client=client,
        )
        supervisor.comms = InProcessSupervisorComms(supervisor=supervisor)
        return supervisor

    def _handle_request(self, msg: Any, log: Any, req_id: int) -> None:  # noqa: ANN401 (as the base)
        """Store and delete XComs, which each step does, by the routes themselves."""
        if isinstance(msg, SetXCom | DeleteXCom):
            _change_xcom(msg)
            self.send_msg(None, req_id)
        else:
            super()._handle_request(msg, log, req_id)


def _change_xcom(msg: SetXCom | DeleteXCom) -> None:
    whose = {name: getattr(msg, name) for name in ("dag_id", "run_id", "task_id", "key")}
    index = -1 if msg.map_index is None else msg.map_index
    with _route() as session:
        if isinstance(msg, DeleteXCom):
            xcoms.delete_xcom(session, **whose, map_index=index)
            return
        xcoms.set_xcom(
            **whose,
            session=session,
            value=msg.value,
            map_index=index,
            dag_result=msg.dag_result,
            mapped_length=msg.mapped_length,
        )


def _client() -> Client:
    from airflow.sdk.execution_time.supervisor import (  # noqa: PLC0415 (imports FastAPI)
        in_process_api_server,
    )

    transport = in_process_api_server().transport
    client = _Client(base_url=None, token="", dry_run=True, transport=transport)
    client.base_url = httpx.URL(BASE_URL)
    return client


@contextmanager
def _route() -> Iterator[Session]:
    """Give a route its session, committed after it; turn its refusals into GoneError."""
    try:
        with create_session(scoped=False) as session:
            yield session
    except HTTPException as error:
        if error.status_code in GONE:
            raise GoneError(str(error.detail)) from error
        raise
