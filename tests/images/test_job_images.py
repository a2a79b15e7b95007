"""The images of jobs and platform: what their Dockerfiles say, held without building them."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from k8s.images.artifacts import PARTS, ROOT, artifacts, job_dockerfile, stale_dockerfiles
from k8s.images.contents import exports_of, files_of, sources_of
from k8s.images.pinning import dockerfiles, pinned

if TYPE_CHECKING:
    from pathlib import Path

    from k8s.images.artifacts import Artifact

IMAGES = artifacts()


def stages(artifact: Artifact) -> list[str]:
    """Return a Dockerfile's stages as texts, the image itself last."""
    text = (ROOT / artifact.dockerfile).read_text(encoding="utf-8")
    return re.split(r"(?m)^FROM ", text)[1:]


def test_every_job_has_an_image() -> None:
    """A job's folder without a Dockerfile could not run on a cluster."""
    jobs = {path.parent.name for path in ROOT.glob("jobs/*/job.yaml")}

    assert {artifact.name for artifact in IMAGES} == jobs | set(PARTS)


def test_job_dockerfiles_are_what_the_template_says() -> None:
    """Seven near-equal files stay equal: a change is made in one place."""
    assert stale_dockerfiles() == {}


def test_a_changed_dockerfile_is_told_and_an_own_one_left_alone(tmp_path: Path) -> None:
    """A job may keep a Dockerfile of its own; one that claims the template must follow it."""
    for name in ("own-file", "stale-file"):
        folder = tmp_path / "jobs" / name
        folder.mkdir(parents=True)
        (folder / "job.yaml").write_text(f"{{name: {name}, summary: Does it., owner: us}}")
    (tmp_path / "k8s" / "images").mkdir(parents=True)
    template = (ROOT / "k8s/images/job.Dockerfile").read_text(encoding="utf-8")
    (tmp_path / "k8s/images/job.Dockerfile").write_text(template)
    (tmp_path / "jobs/own-file/Dockerfile").write_text("FROM scratch\n")
    (tmp_path / "jobs/stale-file/Dockerfile").write_text(
        job_dockerfile(tmp_path, "stale-file").replace("USER 10001:10001", "USER 0")
    )

    assert [path.parent.name for path in stale_dockerfiles(tmp_path)] == ["stale-file"]


@pytest.mark.parametrize("artifact", IMAGES, ids=lambda artifact: artifact.name)
def test_an_image_runs_as_a_fixed_user_that_is_not_root(artifact: Artifact) -> None:
    """Pod Security `restricted` refuses root; a number needs no look into /etc/passwd."""
    users = re.findall(r"(?m)^USER (\S+)$", stages(artifact)[-1])

    assert users == ["50000:50000" if artifact.name == "platform" else "10001:10001"]


@pytest.mark.parametrize("artifact", IMAGES, ids=lambda artifact: artifact.name)
def test_build_tools_and_certificates_stay_in_build_stages(artifact: Artifact) -> None:
    """The last stage starts from the bare base and only copies what was built."""
    final = stages(artifact)[-1]

    assert final.startswith("${BASE_IMAGE}\n")
    assert not re.search(r"uv |pip |hatch|tools\.sh|install\.sh|id=ca|FROM=tools", final)


@pytest.mark.parametrize("artifact", IMAGES, ids=lambda artifact: artifact.name)
def test_an_image_says_what_it_is(artifact: Artifact) -> None:
    """Title, version, revision, time and source stand in OCI's labels, after all that is built."""
    final = stages(artifact)[-1]
    labels = set(re.findall(r"org\.opencontainers\.image\.(\w+)=", final))

    assert {"title", "description", "version", "revision", "created", "source"} <= labels
    assert final.rindex("LABEL") > final.rindex("USER")


@pytest.mark.parametrize("artifact", IMAGES, ids=lambda artifact: artifact.name)
def test_what_a_dockerfile_takes_is_there_and_let_through(artifact: Artifact) -> None:
    """Each path of a COPY names files, at the places that .dockerignore lets through."""
    text = (ROOT / artifact.dockerfile).read_text(encoding="utf-8")
    tops = {path.relative_to(ROOT).parts[0] for path in files_of(ROOT, text)}
    allowed = re.findall(r"(?m)^!([\w.]+)", (ROOT / ".dockerignore").read_text(encoding="utf-8"))

    assert tops <= set(allowed)


def test_steps_have_no_airflow_and_no_kubernetes() -> None:
    """A job's image holds the step's half of the library and locked packages of the job alone."""
    for artifact in IMAGES:
        if artifact.name not in PARTS:
            text = (ROOT / artifact.dockerfile).read_text(encoding="utf-8")
            taken = [path for path in sources_of(text) if path.startswith("stationmaster")]
            extras = {word for words in exports_of(text) for word in words if "=" not in word}

            assert all(path.endswith((".py", "py.typed", "step")) for path in taken)
            assert {"airflow", "platform", "ledger"} & extras == set()


def test_all_images_stand_on_one_base_and_can_be_pinned() -> None:
    """The base is one tag in all files; pinning adds a digest, and again replaces it."""
    texts = [path.read_text(encoding="utf-8") for path in dockerfiles()]
    bases = {line for text in texts for line in re.findall(r"(?m)^ARG BASE_IMAGE=.*$", text)}
    once = pinned(texts[0], "sha256:" + "a" * 64)

    assert len(bases) == 1
    assert f"@sha256:{'a' * 64}\n" in once
    assert pinned(once, "sha256:" + "b" * 64) == once.replace("a" * 64, "b" * 64)


def test_build_tools_are_pinned_by_hash() -> None:
    """What builds images is itself fixed: each requirement has a version and its hashes."""
    text = (ROOT / "k8s/images/tools.txt").read_text(encoding="utf-8")
    blocks = re.split(r"(?m)^(?=\w)", text)[1:]

    assert {block.split("==")[0] for block in blocks} >= {"uv", "hatchling"}
    assert all("==" in block and "--hash=sha256:" in block for block in blocks)


@pytest.mark.parametrize("script", sorted(ROOT.glob("k8s/images/**/*.sh")), ids=lambda p: p.stem)
def test_scripts_of_images_stop_at_the_first_failure(script: Path) -> None:
    """A start or a build that goes on after a failure ends in something half made."""
    assert re.search(r"(?m)^set -euo? ?", script.read_text(encoding="utf-8"))
    assert shutil.which(script.read_text(encoding="utf-8").split()[0].removeprefix("#!"))
