"""An OpenID Connect provider with three people in it; the platform's image has all it needs.

It asks for no password: `person` in the authorization request stands for who types one. All else
is as OpenID Connect Core 1.0 says of the authorization code flow, section 3.1.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import time
from typing import Final
from urllib.parse import parse_qs, urlencode

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.requests import Request  # noqa: TC002 (starlette reads the annotations)
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

PEOPLE: Final = {"root": ["admins"], "ada": ["data-team", "chess"], "bob": []}
KEY: Final = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ISSUER: Final = os.environ["ISSUER"]
CLIENT, SECRET = os.environ["CLIENT"], os.environ["SECRET"]
asked: dict[str, dict[str, str]] = {}


def described(_: Request) -> Response:
    """Say where everything is."""
    return JSONResponse(
        {
            "issuer": ISSUER,
            "authorization_endpoint": f"{ISSUER}/authorize",
            "token_endpoint": f"{ISSUER}/token",
            "jwks_uri": f"{ISSUER}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }
    )


def authorize(request: Request) -> Response:
    """Send somebody back with a code."""
    query = dict(request.query_params)
    code = secrets.token_urlsafe(16)
    asked[code] = query
    back = urlencode({"code": code, "state": query["state"]})
    return RedirectResponse(f"{query['redirect_uri']}?{back}")


async def token(request: Request) -> Response:
    """Exchange a code for who it was, if the client is the one that asked."""
    body = parse_qs((await request.body()).decode())
    sent = base64.b64decode(request.headers.get("authorization", "").removeprefix("Basic "))
    if sent.decode() != f"{CLIENT}:{SECRET}":
        return JSONResponse({"error": "invalid_client"}, status_code=401)
    query = asked.pop(body["code"][0])
    person = query["person"]
    now = int(time.time())
    claims = {
        "iss": ISSUER, "aud": CLIENT, "sub": person, "iat": now, "exp": now + 300,
        "nonce": query.get("nonce", ""), "preferred_username": person, "given_name": person,
        "family_name": "Tester", "email": f"{person}@example.org", "groups": PEOPLE[person],
    }  # fmt: skip
    signed = jwt.encode(claims, KEY, algorithm="RS256", headers={"kid": "one"})
    answer = {"access_token": secrets.token_urlsafe(), "token_type": "Bearer", "id_token": signed}
    return JSONResponse({**answer, "expires_in": 300})


def keys(_: Request) -> Response:
    """Return the key that signs."""
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
    return JSONResponse({"keys": [{**public, "kid": "one", "use": "sig", "alg": "RS256"}]})


if __name__ == "__main__":
    routes = [
        Route("/.well-known/openid-configuration", described),
        Route("/authorize", authorize),
        Route("/token", token, methods=["POST"]),
        Route("/keys", keys),
    ]
    uvicorn.run(
        Starlette(routes=routes), host="0.0.0.0", port=8443,  # noqa: S104 (in a pod)
        ssl_certfile="/etc/provider/tls.crt", ssl_keyfile="/etc/provider/tls.key",
    )  # fmt: skip
