"""The chart tests' OpenID provider on loopback: `python -m tests.dashboard.oidc_provider PORT`."""

from __future__ import annotations

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from tests.chart.oidc import provider

if __name__ == "__main__":
    routes = [
        Route("/.well-known/openid-configuration", provider.described),
        Route("/authorize", provider.authorize),
        Route("/token", provider.token, methods=["POST"]),
        Route("/keys", provider.keys),
    ]
    uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=int(sys.argv[1]))
