"""The dashboard as an ASGI application."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from stationmaster.monitor.alerts.wording import where_of
from stationmaster.monitor.dashboard.access.people import NotLoggedInError
from stationmaster.monitor.dashboard.formats import filters
from stationmaster.monitor.dashboard.guards import Guards
from stationmaster.monitor.dashboard.links import safe_url
from stationmaster.monitor.dashboard.pages.acting import acting_router
from stationmaster.monitor.dashboard.pages.entering import entering_router
from stationmaster.monitor.dashboard.pages.panels import MissingError
from stationmaster.monitor.dashboard.pages.showing import PAGES, pages_router, sentence_of
from stationmaster.monitor.dashboard.reading.expectations import title_of
from stationmaster.monitor.dashboard.settings import Login
from stationmaster.monitor.dashboard.state import dashboard_of
from stationmaster.monitor.tracing.requests import TracedRequests
from stationmaster.step.errors import MisconfiguredError, StepError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from stationmaster.monitor.dashboard.reading.source import Source
    from stationmaster.monitor.dashboard.state import Dashboard

__all__ = ["make_app", "make_templates"]

log = logging.getLogger(__name__)

FOLDER: Final = Path(__file__).parent
LOGIN_SECONDS: Final = 600
"""How long somebody may take at the company's login page."""

LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def make_app(dashboard: Dashboard) -> ASGIApp:
    """Return the application that serves a dashboard.

    Args:
        dashboard: Its parts.
    """
    settings = dashboard.settings
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, root_path=settings.root_path)
    app.state.dashboard = dashboard
    app.include_router(entering_router())
    app.include_router(acting_router())
    app.include_router(pages_router())
    app.add_api_route("/healthz", _health, methods=["GET"])
    app.mount("/static", StaticFiles(directory=FOLDER / "static"), name="static")
    app.add_exception_handler(NotLoggedInError, _not_logged_in)
    app.add_exception_handler(MissingError, _missing)
    app.add_exception_handler(StepError, _away)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _missing)
    app.add_middleware(GZipMiddleware, minimum_size=1000)  # leaves event streams alone
    if settings.login is Login.OIDC:
        app.add_middleware(
            SessionMiddleware,
            secret_key=hashlib.sha256(b"login" + dashboard.sessions.key).hexdigest(),
            session_cookie="stationmaster_login",
            max_age=LOGIN_SECONDS,
            path=dashboard.sessions.path,
            same_site="lax",
            https_only=settings.is_encrypted,
        )
    return Guards(
        TracedRequests(app),
        framed_by="'self'" if settings.login is Login.AIRFLOW else "'none'",
        encrypted=settings.is_encrypted,
        hosts=_hosts(dashboard),
    )


def make_templates(source: Source) -> Jinja2Templates:
    """Return the templates, which escape whatever they are given.

    Args:
        source: Its clock and zone are how moments are shown.
    """
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        **filters(source.zone, source.now),
        "title_of": title_of,
        "where": where_of,
    }
    environment.globals |= {
        "assets": _assets(),
        "safe_url": safe_url,
        "places": {page.path: place for place, page in enumerate(PAGES)},
    }
    return Jinja2Templates(env=environment, context_processors=[_shared])


def _shared(request: Request) -> dict[str, Any]:
    """Return what every template may use."""
    dashboard = dashboard_of(request)
    root = str(request.scope.get("root_path", ""))
    return {
        "root": root,
        "links": dashboard.links,
        "sample": dashboard.sample,
        "now": dashboard.source.now(),
        "runbook_names": dashboard.runbooks.known,
        "framed": dashboard.settings.login is Login.AIRFLOW,
        "today": dashboard.source.now().astimezone(dashboard.source.zone).date(),
        "minutes": dt.timedelta(minutes=1),
    }


def _assets() -> dict[str, str]:
    """Return each asset's address with its hash: browsers keep it until it changes."""
    folder = FOLDER / "static"
    return {
        (name := each.relative_to(folder).as_posix()): f"/static/{name}?v={_hash(each)}"
        for each in folder.rglob("*")
        if each.suffix in {".css", ".js", ".svg"}
    }


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def _hosts(dashboard: Dashboard) -> frozenset[str]:
    settings = dashboard.settings
    if settings.login is Login.AIRFLOW:
        return frozenset()  # Airflow's own affair
    if settings.login is Login.TOKEN:
        return LOOPBACK
    named = urlsplit(settings.public_url).hostname
    return frozenset() if named is None else frozenset({named})


async def _health() -> PlainTextResponse:
    """Say that the process answers; whether the ledger does is another question."""
    return PlainTextResponse("ok")


def _message(request: Request, status: HTTPStatus, title: str, sentence: str) -> Response:
    dashboard = dashboard_of(request)
    context = {"title": title, "sentence": sentence, "person": None}
    return dashboard.templates.TemplateResponse(request, "message.html", context, int(status))


async def _not_logged_in(request: Request, error: Exception) -> Response:
    del error
    root = str(request.scope.get("root_path", ""))
    path = request.url.path.removeprefix(root) or "/"
    is_page = request.method == "GET" and not path.startswith(("/parts/", "/live"))
    wanted = f"{path}?{request.url.query}" if request.url.query else path
    door = dashboard_of(request).door
    if is_page and door.login_path(wanted):
        return RedirectResponse(f"{root}{door.login_path(wanted)}", status_code=303)
    where = {
        "airflow": "Log in to Airflow first; your user must be allowed to see the runs of DAGs.",
        "proxy": "The proxy in front did not say who you are, or none of your groups may look.",
    }
    sentence = where.get(door.name, "Your session is over: log in again.")
    return _message(request, HTTPStatus.UNAUTHORIZED, "You are not logged in", sentence)


async def _missing(request: Request, error: Exception) -> Response:
    sentence = str(error) if isinstance(error, MissingError) else "There is no such page."
    return _message(request, HTTPStatus.NOT_FOUND, "Not there", sentence)


async def _http(request: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", HTTPStatus.NOT_FOUND)
    sentence = (
        "There is no such page." if status == HTTPStatus.NOT_FOUND else "That is not possible."
    )
    return _message(request, HTTPStatus(status), HTTPStatus(status).phrase, sentence)


async def _away(request: Request, error: Exception) -> Response:
    sentence = sentence_of(error) if isinstance(error, StepError) else str(error)
    log.warning("%s %s: %s", request.method, request.url.path, sentence)
    if isinstance(error, MisconfiguredError):
        return _message(request, HTTPStatus.BAD_REQUEST, "That is not possible", sentence)
    title = "Something that is needed does not answer"
    return _message(request, HTTPStatus.SERVICE_UNAVAILABLE, title, sentence)
