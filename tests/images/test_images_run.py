"""The images as built: each runs as its user, on a read-only root, with nothing that builds.

Wants docker and what `make images` wrote; run with the cluster's tests.
"""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest

from k8s.images.artifacts import PARTS, ROOT, artifacts
from k8s.images.docker import client

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.cluster

NAMES = [artifact.name for artifact in artifacts()]
JOBS = [name for name in NAMES if name not in PARTS]
LOCKED_DOWN = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
HOMES = ["--tmpfs=/tmp:mode=1777", "--tmpfs=/home/airflow:mode=1777"]
TOOLS = "uv pip pip3 gcc cc make hatch"


def run(name: str, *command: str, options: tuple[str, ...] = ()) -> tuple[int, str]:
    """Run a command in an image as a cluster would; return exit code and both outputs."""
    built = json.loads((ROOT / "build" / "images.json").read_text(encoding="utf-8"))["images"][name]
    image = f"{built['repository']}:{built['tag']}"
    full = [client(), "run", "--rm", *LOCKED_DOWN, *HOMES, *options, image, *command]
    done = subprocess.run(full, check=False, capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_an_image_has_its_user_and_no_tool_that_builds(name: str) -> None:
    """Whoever gets into a container finds no compiler and no installer."""
    # pip is a package of the sources themselves: it fetches the real orders.
    tools = TOOLS.replace("pip pip3", "") if name == "sources" else TOOLS
    found = f"for tool in {tools}; do command -v $tool; done"
    code, said = run(name, "sh", "-c", f"id -u; {found}; true")

    assert (code, said.split()) == (0, ["50000" if name == "platform" else "10001"])


@pytest.mark.parametrize("name", JOBS)
def test_a_job_s_image_imports_the_job_and_knows_no_airflow(name: str) -> None:
    """What the step needs is there, with the catalog's driver; the platform is not."""
    package = name.replace("-", "_")
    code, said = run(name, "python", "-c", f"import {package}.job, psycopg2")
    absent, words = run(name, "python", "-c", "import kubernetes")

    assert (code, said) == (0, "")
    assert absent == 1
    assert "ModuleNotFoundError" in words


@pytest.mark.parametrize("name", JOBS)
def test_a_job_started_without_its_context_says_so(name: str) -> None:
    """The image's own command is the job: 78, misconfigured, with a sentence."""
    code, said = run(name)

    assert code == 78
    assert "STATIONMASTER_CONTEXT" in said


def test_the_platform_runs_airflow_and_has_the_pipelines() -> None:
    """On PATH, as its user, with DAGs and the jobs' files in it."""
    code, said = run("platform", "airflow", "version")
    _, listed = run("platform", "ls", "/opt/stationmaster/dags", "/opt/stationmaster/jobs")

    assert code == 0, said
    assert "3.3." in said
    assert {"morning_analytics.py", *JOBS} <= set(listed.split())


@pytest.mark.parametrize(
    ("name", "wanted"), [("postgres", "POSTGRES_PASSWORD"), ("seaweedfs", "AWS_ACCESS_KEY_ID")]
)
def test_a_server_without_secrets_does_not_start(name: str, wanted: str) -> None:
    """An open door would be worse: it says which secret it wants, and where."""
    volume = "--tmpfs=/var/lib/postgresql/data:mode=1777"
    code, said = run(name, options=(volume,))

    assert code == 78
    assert wanted in said


def test_postgres_makes_its_databases_with_any_password(tmp_path: Path) -> None:
    """Each database has an owner of its name; a password may hold quotes and dollars."""
    for name in ("postgres", "airflow", "iceberg", "ledger"):
        (tmp_path / f"{name}-password").write_text(f"a'b\"c$d\\{name}")
    tmp_path.chmod(0o755)
    script = (
        "bash /usr/local/bin/start-postgres > /tmp/log 2>&1 & "
        "until pg_isready -q -h 127.0.0.1; do sleep 0.2; done; "
        "PGPASSWORD=$(cat /run/secrets/postgres/ledger-password) psql -h 127.0.0.1 -U ledger -Atc "
        "\"SELECT datname FROM pg_database WHERE datdba <> 'postgres'::regrole ORDER BY 1\""
    )
    options = (
        "--tmpfs=/var/lib/postgresql/data:mode=1777",
        f"--volume={tmp_path}:/run/secrets/postgres:ro",
    )
    code, said = run("postgres", "bash", "-c", script, options=options)

    assert (code, said.split()) == (0, ["airflow", "iceberg", "ledger"])
