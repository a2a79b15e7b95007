"""Spans of monitoring, as a real collector gets them."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from stationmaster.monitor.tracing.requests import TracedRequests
from stationmaster.monitor.tracing.settings import TracingSettings
from stationmaster.monitor.tracing.spans import current_traceparent, is_tracing, span, tracing
from tests.launcher.otlp_receiver import OtlpReceiver, attributes_of

RUN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_span_reaches_the_collector_with_what_was_said_of_it() -> None:
    """Its parent, its attributes, and the trace of the run that it is about."""
    with OtlpReceiver() as receiver:
        settings = TracingSettings(exporter_otlp_endpoint=receiver.url)
        with (
            tracing("watcher", settings),
            span("stationmaster.look", checks=2),
            span("stationmaster.send", links=[RUN, ""], channel="mail", note="") as sent,
        ):
            sent.fail("refused")

    by_name = {each.name: each for each in receiver.spans}
    look, send = by_name["stationmaster.look"], by_name["stationmaster.send"]
    assert send.parent_span_id == look.span_id
    assert attributes_of(send) == {"stationmaster.channel": "mail"}
    assert [each.trace_id.hex() for each in send.links] == [RUN.split("-")[1]]
    assert send.status.message == "refused"


@pytest.mark.parametrize(
    "settings",
    [
        TracingSettings(),
        TracingSettings(exporter_otlp_endpoint="http://127.0.0.1:9", sdk_disabled=True),
        TracingSettings(exporter_otlp_endpoint="http://127.0.0.1:9", traces_exporter="none"),
    ],
)
def test_without_a_collector_nothing_is_made(settings: TracingSettings) -> None:
    """The same code runs, and there is no span."""
    with tracing("watcher", settings), span("stationmaster.look", checks=2) as made:
        made.set(found=1)
        assert not is_tracing()
        assert current_traceparent() == ""


def test_a_collector_that_is_away_costs_the_spans_and_nothing_else() -> None:
    """The block runs to its end."""
    settings = TracingSettings(exporter_otlp_endpoint="http://127.0.0.1:9")
    with tracing("watcher", settings), span("stationmaster.look"):
        assert is_tracing()
    assert not is_tracing()


async def answer(_request: Any) -> PlainTextResponse:  # noqa: ANN401 (starlette's)
    """Answer a page."""
    return PlainTextResponse(current_traceparent())


def test_a_page_is_a_span_of_the_request_that_asked_for_it() -> None:
    """By its route: what stands in the path and the query is in no span."""
    routes = [Route("/incidents/{number}", answer), Route("/healthz", answer)]
    app = TracedRequests(Starlette(routes=routes))

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            await client.get("/healthz")
            return await client.get("/incidents/7?token=secret", headers={"traceparent": RUN})

    with OtlpReceiver() as receiver:
        settings = TracingSettings(exporter_otlp_endpoint=receiver.url)
        with tracing("dashboard", settings):
            said = asyncio.run(ask()).text

    (page,) = receiver.spans
    assert said.split("-")[1] == page.trace_id.hex() == RUN.split("-")[1]
    assert attributes_of(page) == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "/incidents/{number}",
    }
