"""A login by OpenID Connect through a real provider, over TLS of an authority of one's own.

A release of the test's own, in namespaces of its own. Run by `make proof-chart`.
"""

from __future__ import annotations

import json
import ssl
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests.chart.certificates import certify
from tests.chart.drilled import NAMESPACE, DrilledRelease
from tests.chart.variants import platform_image
from tests.cluster.forward import forwarded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.forward import Forward

pytestmark = [pytest.mark.cluster, pytest.mark.proof, pytest.mark.timeout(1200)]

FOLDER: Final = Path(__file__).parent / "oidc"
HOST: Final = f"oidc.{NAMESPACE}.svc"
ISSUER: Final = f"https://{HOST}:8443"
OIDC: Final = "airflow.login.oidc"
SETTINGS: Final = (
    f"{OIDC}.enabled=true", f"{OIDC}.name=drill", f"{OIDC}.issuer={ISSUER}",
    f"{OIDC}.clientId=stationmaster", f"{OIDC}.existingSecret=oidc-client",
    f"{OIDC}.groupRoles.admins={{Admin}}", f"{OIDC}.groupRoles.data-team={{Op}}",
    # An authority of one's own, by what the chart has for tasks' secrets.
    "airflow.secrets={oidc-ca}",
    "airflow.environment.REQUESTS_CA_BUNDLE=/run/secrets/stationmaster/oidc-ca",
)  # fmt: skip


class Door:
    """Let people in by the provider, as their browsers would."""

    def __init__(self, address: str, provider: Forward, authority: str) -> None:
        self._root = f"http://{address}"
        self._provider = provider
        self._trusting = ssl.create_default_context(cadata=authority)

    def log_in(self, person: str) -> str:
        """Return the token that Airflow gives to somebody; the provider says who it is."""
        with httpx.Client(timeout=60) as browser:
            asked = browser.get(f"{self._root}/auth/login/drill").headers["location"]
            assert asked.startswith(ISSUER), asked
            there = f"https://{self._provider.address}{asked.removeprefix(ISSUER)}&person={person}"
            place = httpx.get(there, verify=self._trusting).headers["location"]
            while "_token" not in browser.cookies and place:
                path = httpx.URL(place).raw_path.decode()
                place = browser.get(self._root + path).headers.get("location", "")
            return str(browser.cookies["_token"])

    def ask(self, token: str, path: str) -> tuple[int, Any]:
        """Return the status and the document of a call."""
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx.get(self._root + path, headers=headers, timeout=60)
        return answer.status_code, answer.json()


@pytest.fixture(name="door", scope="module")
def _door() -> Iterator[Door]:
    with DrilledRelease() as drilled, provider(drilled) as (forward, authority):
        drilled.upgrade(platform_image(), *SETTINGS)
        drilled.ask_itself()
        airflow = drilled.release._forward("api-server", 8080)  # noqa: SLF001 (nobody logs in by password here)
        yield Door(airflow.address, forward, authority)


@contextmanager
def provider(drilled: DrilledRelease) -> Iterator[tuple[Forward, str]]:
    """Start the provider beside the release; yield the way to it and who certifies it."""
    made = certify(HOST)
    script = (FOLDER / "provider.py").read_text(encoding="utf-8")
    for name, data in (
        ("oidc-provider", {**made, "provider.py": script}),
        ("oidc-client", {"client-secret": "a word that both know"}),
        ("oidc-ca", {"value": made["ca.crt"]}),
    ):
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}}
        text = json.dumps({**secret, "stringData": data})
        drilled.place.kubectl("apply", "-n", NAMESPACE, "-f", "-", text=text)
    text = (FOLDER / "provider.yaml").read_text(encoding="utf-8")
    text = text.replace("ISSUER_URL", ISSUER).replace("image: IMAGE", f"image: {platform_image()}")
    drilled.place.kubectl("apply", "-n", NAMESPACE, "-f", "-", text=text)
    drilled.place.kubectl("wait", "--for=condition=Ready", "pod/oidc", "-n", NAMESPACE)
    with forwarded(drilled.place, "oidc", 8443) as forward:
        yield forward, made["ca.crt"]


def test_groups_become_roles_at_each_login(door: Door) -> None:
    """An administrator's group, another one, and none at all: each has its role and no other."""
    for person in ("ada", "bob"):
        door.log_in(person)
    _, found = door.ask(door.log_in("root"), "/auth/fab/v1/users")
    roles = {
        user["username"]: {role["name"] for role in user["roles"]}
        for user in found["users"]
        if user["username"] in {"root", "ada", "bob"}
    }
    assert roles == {"root": {"Admin"}, "ada": {"Op"}, "bob": {"Viewer"}}


def test_a_role_is_what_somebody_may_do(door: Door) -> None:
    """Who is in none of the groups reads DAGs, and sees no users; a stranger sees nothing."""
    bob = door.log_in("bob")
    assert door.ask(bob, "/api/v2/dags")[0] == 200
    assert door.ask(bob, "/auth/fab/v1/users")[0] == 403
    assert door.ask("nobody", "/api/v2/dags")[0] in {401, 403}
