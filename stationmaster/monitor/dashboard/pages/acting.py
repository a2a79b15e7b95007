"""What operators do from a page: each act is a form of ours, and is written down."""

from __future__ import annotations

import datetime as dt
import logging
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request  # noqa: TC002 (FastAPI reads the annotations)
from starlette.responses import RedirectResponse, Response

from stationmaster.monitor.dashboard.access.forms import FIELD
from stationmaster.monitor.dashboard.access.people import NotLoggedInError, Person
from stationmaster.monitor.dashboard.pages.details import PAGES
from stationmaster.monitor.dashboard.pages.showing import sentence_of, show_page
from stationmaster.monitor.dashboard.state import Dashboard, dashboard_of
from stationmaster.monitor.incidents.desk import Desk
from stationmaster.monitor.incidents.matching import Matcher
from stationmaster.monitor.incidents.operators import NotAllowedError, Operator, Role
from stationmaster.monitor.incidents.store import IncidentStore
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["ACTS", "acting_router", "form_of"]

log = logging.getLogger(__name__)

MOST_FIELDS: Final = 50
MOST_FORM_BYTES: Final = 64 * 1024
REFUSED_EVERY_SECONDS: Final = 10.0
"""Who is not logged in is written down so often at most: strangers shall not fill the ledger."""

INCIDENT: Final = next(page for page in PAGES if page.path == "/incidents/{number}")
INCIDENTS: Final = next(page for page in PAGES if page.path == "/incidents")
FORBIDDEN: Final = 403
WRONG: Final = 400
MOST_HOURS: Final = 24 * 30


def _acknowledge(desk: Desk, number: int, sent: Mapping[str, str], now: dt.datetime) -> None:
    del now
    desk.acknowledge(number, note=sent.get("note", ""))


def _comment(desk: Desk, number: int, sent: Mapping[str, str], now: dt.datetime) -> None:
    del now
    desk.comment(number, sent.get("note", ""))


def _judge_real(desk: Desk, number: int, sent: Mapping[str, str], now: dt.datetime) -> None:
    del now
    desk.judge(number, "real", note=sent.get("note", ""))


def _judge_false(desk: Desk, number: int, sent: Mapping[str, str], now: dt.datetime) -> None:
    del now
    desk.judge(number, "false-alarm", note=sent.get("note", ""))


def _close(desk: Desk, number: int, sent: Mapping[str, str], now: dt.datetime) -> None:
    del now
    desk.close(number, why=sent.get("note", ""))


def _silence(desk: Desk, number: int, sent: Mapping[str, str], now: dt.datetime) -> None:
    ends = now + dt.timedelta(hours=_hours(sent.get("hours", "")))
    desk.silence(Matcher.of(incident=number), ends_at=ends, why=sent.get("note", ""))


def _unsilence(desk: Desk, number: int, sent: Mapping[str, str], now: dt.datetime) -> None:
    del sent, now
    desk.unsilence(number)


ACTS: Final[Mapping[str, Callable[[Desk, int, Mapping[str, str], dt.datetime], None]]] = {
    "acknowledge": _acknowledge,
    "comment": _comment,
    "judge-real": _judge_real,
    "judge-false-alarm": _judge_false,
    "silence": _silence,
    "unsilence": _unsilence,
    "close": _close,
}
"""By the word in the address; what follows is the number of an incident, or of a silence."""


def _hours(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= MOST_HOURS:
        raise MisconfiguredError(
            where="silence",
            expected=f"hours, 1 to {MOST_HOURS}",
            got=text[:20] or "nothing",
            hint="Choose how long.",
        )
    return int(text)


async def form_of(request: Request) -> dict[str, str]:
    """Return the fields of a form that a browser sent.

    Raises:
        MisconfiguredError: It is larger than any form of ours, or has more fields.
    """
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MOST_FORM_BYTES:
            raise MisconfiguredError(
                where="form",
                expected=f"at most {MOST_FORM_BYTES} bytes",
                got="more",
                hint="Write less.",
            )
    text = body.decode("utf-8", "replace")
    try:
        fields = parse_qs(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError as error:
        raise MisconfiguredError(
            where="form",
            expected=f"at most {MOST_FIELDS} fields",
            got="more",
            hint="Send a form of ours.",
        ) from error
    # No database holds a NUL in a text.
    return {name: values[-1].replace("\0", "") for name, values in fields.items()}


class _Acts:
    """Answer acts of people."""

    def __init__(self) -> None:
        self._last_refused = -REFUSED_EVERY_SECONDS

    async def answer(self, request: Request, act: str, number: int) -> Response:
        """Do what somebody asks for, and show the page again."""
        dashboard = dashboard_of(request)
        target = f"{'silence' if act == 'unsilence' else 'incident'} {number}"
        person = await dashboard.door.person(request)
        if person is None:
            await self._nobody(dashboard, act, target)
            raise NotLoggedInError
        sent = await form_of(request)
        if not dashboard.forms.is_ours(request, person, sent.get(FIELD, "")):
            why = "the form was not sent by a page of this dashboard"
            await run_in_threadpool(_desk(dashboard, person.operator).refused, act, target, why=why)
            return await _again(
                request, person, number, "This form is out of date. Try it again.", FORBIDDEN
            )
        if act not in ACTS:
            return await _again(request, person, number, f"There is no act {act[:40]}.", WRONG)
        return await _do(request, person, act, number, sent)

    async def _nobody(self, dashboard: Dashboard, act: str, target: str) -> None:
        now = time.monotonic()
        log.warning("nobody is logged in who asked for: %s %s", act[:40], target)
        if act in ACTS and now - self._last_refused >= REFUSED_EVERY_SECONDS:
            self._last_refused = now
            nobody = Operator(name="(nobody)", role=Role.VIEWER, via="dashboard")
            desk = _desk(dashboard, nobody)
            await run_in_threadpool(desk.refused, act, target, why="nobody was logged in")


async def _do(
    request: Request, person: Person, act: str, number: int, sent: Mapping[str, str]
) -> Response:
    dashboard = dashboard_of(request)
    desk = _desk(dashboard, person.operator)
    try:
        await run_in_threadpool(ACTS[act], desk, number, sent, dashboard.source.now())
    except NotAllowedError as error:
        dashboard.live.changed(["actions"])
        return await _again(request, person, number, sentence_of(error), FORBIDDEN)
    except MisconfiguredError as error:
        return await _again(request, person, number, sentence_of(error), WRONG)
    dashboard.live.changed(["incidents", "actions"])
    root = request.scope.get("root_path", "")
    place = "/incidents" if act == "unsilence" else f"/incidents/{number}"
    return RedirectResponse(f"{root}{place}?done=1", status_code=303)


def _desk(dashboard: Dashboard, operator: Operator) -> Desk:
    store = IncidentStore(dashboard.source.engine, dashboard.plan)
    return Desk(store, operator, dashboard.source.now)


async def _again(
    request: Request, person: Person, number: int, problem: str, status: int
) -> Response:
    """Show the page that the form was on, with what is wrong."""
    is_silence = request.path_params.get("act") == "unsilence"
    page, told = (INCIDENTS, {}) if is_silence else (INCIDENT, {"number": str(number)})
    return await show_page(request, page, person, told, problem=problem, status=status)


def acting_router() -> APIRouter:
    """Return the route of all acts."""
    acts = _Acts()

    async def act(request: Request, act: str, number: int) -> Any:  # noqa: ANN401 (a response)
        return await acts.answer(request, act, number)

    router = APIRouter()
    router.add_api_route("/acts/{act}/{number}", act, methods=["POST"])
    return router
