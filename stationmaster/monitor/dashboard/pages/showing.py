"""Answer with a page, or with one part of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request  # noqa: TC002 (FastAPI reads the annotations)
from starlette.responses import HTMLResponse, Response, StreamingResponse

from stationmaster.monitor.dashboard.access.people import NotLoggedInError, Person
from stationmaster.monitor.dashboard.live import TooManyListenersError
from stationmaster.monitor.dashboard.pages import details, engineering
from stationmaster.monitor.dashboard.pages.management import MORNING
from stationmaster.monitor.dashboard.pages.panels import MissingError, Page, Panel
from stationmaster.monitor.dashboard.reading.looks import check_states, watching
from stationmaster.monitor.dashboard.state import Dashboard, dashboard_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from stationmaster.step.errors import StepError

__all__ = ["PAGES", "logged_in", "pages_router", "sentence_of", "show_page", "told_of"]

LONGEST_PARAMETER: Final = 500
TOO_MANY: Final = 503


def _banner(dashboard: Dashboard, told: Mapping[str, str]) -> dict[str, Any]:
    del told
    source = dashboard.source
    unknown = [row for row in check_states(source) if row["outcome"] == "unknown"]
    return {"watching": watching(source, dashboard.silent_after), "unknown": unknown}


BANNER: Final = Panel("banner", "", ("watcher", "checks", "clock"), _banner)
PAGES: Final = (MORNING, *engineering.PAGES, *details.PAGES)


async def logged_in(request: Request) -> Person:
    """Return who sent a request.

    Raises:
        NotLoggedInError: Nobody whom we let in.
    """
    person = await dashboard_of(request).door.person(request)
    if person is None:
        raise NotLoggedInError
    return person


def told_of(page: Page, request: Request) -> dict[str, str]:
    """Return the parameters that a page takes, from the request's path and query."""
    told = {
        name: request.query_params[name] for name in page.parameters if name in request.query_params
    }
    told |= {name: str(value) for name, value in request.path_params.items() if name != "place"}
    return {name: _plain(value) for name, value in told.items()}


def _plain(value: str) -> str:
    """Return what somebody's address says, as a database takes it: none holds a NUL in a text."""
    return value[:LONGEST_PARAMETER].replace("\0", "")


async def show_page(  # noqa: PLR0913 (what a page depends on, by name)
    request: Request,
    page: Page,
    person: Person,
    told: Mapping[str, str],
    *,
    problem: str = "",
    status: int = 200,
) -> HTMLResponse:
    """Return a whole page.

    Args:
        request: Asked for it.
        page: Which.
        person: Who is logged in.
        told: Its parameters.
        problem: What was wrong with a form that was sent from it.
        status: Of the answer.

    Raises:
        MissingError: What it is about is not there.
        TemporaryError: The database does not answer.
    """
    dashboard = dashboard_of(request)
    panels = [BANNER, *page.panels]
    views = await run_in_threadpool(lambda: [panel.view(dashboard, told) for panel in panels])
    browser = dashboard.forms.browser(request)
    context = {
        "page": page,
        "title": page.title.format_map(_Names(told)),
        "told": told,
        "panels": list(zip(panels, views, strict=True)),
        "view": views[1],
        "views": {panel.name: view for panel, view in zip(panels, views, strict=True)},
        "person": person,
        "form_token": dashboard.forms.token(browser, person),
        "problem": problem,
        "done": request.query_params.get("done", "") == "1",
    }
    answer = dashboard.templates.TemplateResponse(request, "page.html", context, status)
    dashboard.forms.remember(answer, browser)
    return answer


class _Names(dict[str, str]):
    """Leave out what is missing."""

    def __missing__(self, key: str) -> str:
        return ""


def _page_answer(page: Page) -> Callable[..., Any]:
    async def answer(request: Request, person: Person = Depends(logged_in)) -> Response:  # noqa: B008 (FastAPI's way)
        return await show_page(request, page, person, told_of(page, request))

    return answer


async def _panel_answer(
    request: Request,
    place: int,
    number: int,
    person: Person = Depends(logged_in),  # noqa: B008 (as above)
) -> Response:
    """Return one part of a page: the page by its place in the list, the part by its number."""
    dashboard = dashboard_of(request)
    if not 0 <= place < len(PAGES) or not 0 <= number <= len(PAGES[place].panels):
        message = "There is no such part of a page."
        raise MissingError(message)
    page = PAGES[place]
    panel = BANNER if number == 0 else page.panels[number - 1]
    told = {name: _plain(value) for name, value in request.query_params.items()}
    view = await run_in_threadpool(panel.view, dashboard, told)
    context = {"view": view, "told": told, "person": person}
    return dashboard.templates.TemplateResponse(request, panel.template, context)


async def _live_answer(
    request: Request,
    person: Person = Depends(logged_in),  # noqa: B008 (as above)
) -> Response:
    """Tell a page what changed, as long as it listens."""
    del person
    try:
        events = dashboard_of(request).live.events()
        first = await anext(events)
    except TooManyListenersError:
        return Response("Too many pages are open.", TOO_MANY)

    async def stream() -> Any:  # noqa: ANN401 (an async generator of texts)
        yield first
        async for event in events:
            yield event

    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(stream(), media_type="text/event-stream", headers=headers)


def pages_router() -> APIRouter:
    """Return the routes of all pages and their parts."""
    router = APIRouter()
    for page in PAGES:
        router.add_api_route(
            page.path, _page_answer(page), methods=["GET"], response_class=HTMLResponse
        )
    router.add_api_route("/parts/{place}/{number}", _panel_answer, methods=["GET"])
    router.add_api_route("/live", _live_answer, methods=["GET"])
    return router


def sentence_of(error: StepError) -> str:
    """Return an error as a page says it."""
    return f"{error.where}: expected {error.expected}, got {error.got}. {error.hint}"
