"""Come in and go: the login of each kind, and the way out."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request  # noqa: TC002 (FastAPI reads the annotations)
from starlette.responses import RedirectResponse, Response

from stationmaster.monitor.dashboard.access.doors import TokenDoor
from stationmaster.monitor.dashboard.access.forms import FIELD, safe_path
from stationmaster.monitor.dashboard.access.logouts import EVERYBODY, end_sessions
from stationmaster.monitor.dashboard.access.people import NotLoggedInError
from stationmaster.monitor.dashboard.pages.acting import form_of
from stationmaster.monitor.dashboard.pages.showing import PAGES, sentence_of, show_page
from stationmaster.monitor.dashboard.settings import Login
from stationmaster.monitor.dashboard.state import dashboard_of
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from stationmaster.monitor.dashboard.access.people import Person

__all__ = ["entering_router"]

WANTED: Final = "stationmaster_wanted"
REFUSED: Final = 403
LOGINS: Final = next(page for page in PAGES if page.path == "/logins")


async def _login(request: Request) -> Any:  # noqa: ANN401 (a response)
    """Show how to log in; a token in the address lets in at once."""
    door = dashboard_of(request).door
    wanted = safe_path(request.query_params.get("next", ""), "/")
    token = request.query_params.get("token")
    if token is not None and isinstance(door, TokenDoor):
        return _let_in(request, door.who(token), wanted)
    return _ask(request, wanted)


async def _login_form(request: Request) -> Any:  # noqa: ANN401 (as above)
    door = dashboard_of(request).door
    sent = await form_of(request)
    wanted = safe_path(sent.get("next", ""), "/")
    if not isinstance(door, TokenDoor):
        return _ask(request, wanted)
    return _let_in(request, door.who(sent.get("token", "").strip()), wanted)


async def _to_provider(request: Request) -> Any:  # noqa: ANN401 (as above)
    oidc = dashboard_of(request).oidc
    wanted = safe_path(request.query_params.get("next", ""), "/")
    if oidc is None:
        return _ask(request, wanted)
    request.session[WANTED] = wanted
    return await oidc.ask(request)


async def _from_provider(request: Request) -> Any:  # noqa: ANN401 (as above)
    oidc = dashboard_of(request).oidc
    if oidc is None:
        return _ask(request, "/")
    wanted = safe_path(str(request.session.pop(WANTED, "/")), "/")
    person, why = await oidc.came_back(request)
    request.session.clear()
    return _let_in(request, person, wanted, why)


async def _logout(request: Request) -> Any:  # noqa: ANN401 (as above)
    dashboard = dashboard_of(request)
    person = await dashboard.door.person(request)
    sent = await form_of(request)
    root = request.scope.get("root_path", "")
    if person is None or not dashboard.forms.is_ours(request, person, sent.get(FIELD, "")):
        return RedirectResponse(f"{root}/", status_code=303)
    if dashboard.settings.login is Login.PROXY:
        return RedirectResponse(dashboard.settings.proxy_logout_url, status_code=303)
    answer = RedirectResponse(f"{root}/login", status_code=303)
    dashboard.sessions.end(answer)
    return answer


async def _log_out_everywhere(request: Request) -> Any:  # noqa: ANN401 (as above)
    """End all of somebody's sessions; whoever ends his own has to log in again."""
    dashboard = dashboard_of(request)
    person = await dashboard.door.person(request)
    if person is None:
        raise NotLoggedInError
    sent = await form_of(request)
    if not dashboard.forms.is_ours(request, person, sent.get(FIELD, "")):
        return await _page_again(request, person, "This form is out of date. Try it again.")
    name = EVERYBODY if sent.get("everybody") else sent.get("name", "")
    try:
        await run_in_threadpool(
            end_sessions,
            dashboard.source.engine,
            person.operator,
            name,
            now=dt.datetime.now(dt.UTC),
            why=sent.get("why", ""),
        )
    except MisconfiguredError as error:
        return await _page_again(request, person, sentence_of(error))
    finally:
        dashboard.live.changed(["actions"])
    return RedirectResponse(f"{request.scope.get('root_path', '')}/logins?done=1", status_code=303)


async def _page_again(request: Request, person: Person, problem: str) -> Response:
    return await show_page(request, LOGINS, person, {}, problem=problem, status=REFUSED)


def _let_in(request: Request, person: Person | None, wanted: str, why: str = "") -> Response:
    if person is None:
        return _ask(request, wanted, why or "That is not the token.", REFUSED)
    root = request.scope.get("root_path", "")
    answer = RedirectResponse(f"{root}{wanted}", status_code=303)
    dashboard_of(request).sessions.begin(answer, person)
    return answer


def _ask(request: Request, wanted: str, problem: str = "", status: int = 200) -> Response:
    dashboard = dashboard_of(request)
    context = {
        "login": dashboard.settings.login.value,
        "wanted": wanted,
        "problem": problem,
        "title": "Log in",
        "person": None,
    }
    return dashboard.templates.TemplateResponse(request, "login.html", context, status)


def entering_router() -> APIRouter:
    """Return the routes of logins."""
    router = APIRouter()
    router.add_api_route("/login", _login, methods=["GET"])
    router.add_api_route("/login", _login_form, methods=["POST"])
    router.add_api_route("/login/oidc", _to_provider, methods=["GET"])
    router.add_api_route("/login/oidc/callback", _from_provider, methods=["GET"])
    router.add_api_route("/logout", _logout, methods=["POST"])
    router.add_api_route("/logouts", _log_out_everywhere, methods=["POST"])
    return router
