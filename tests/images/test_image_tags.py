"""A tag is what goes into an image: it changes with that, and with nothing else."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from k8s.images.artifacts import Artifact
from k8s.images.contents import exports_of, files_of, last_change, sources_of, tag_of
from k8s.images.docker import ImageError
from k8s.images.making import BuiltImage, chart_values, write_down

if TYPE_CHECKING:
    from pathlib import Path

TOY = Artifact("toy", "jobs/toy/Dockerfile")
DOCKERFILE = """ARG BASE_IMAGE=base
FROM ${BASE_IMAGE} AS one
# inputs: dags jobs/*/job.yaml
COPY library/a.py \\
    library/b.py /source/
COPY --from=one /x /y
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a small context with a Dockerfile."""
    for name in ("jobs/toy/job.yaml", "library/a.py", "library/b.py", "dags/d.py", "README.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"# {name}\n")
    (tmp_path / TOY.dockerfile).write_text(DOCKERFILE)
    return tmp_path


def test_inputs_are_read_out_of_the_dockerfile(tree: Path) -> None:
    """What COPY takes and what an `inputs` line names; not what comes from another stage."""
    assert sources_of(DOCKERFILE) == ["dags", "jobs/*/job.yaml", "library/a.py", "library/b.py"]
    assert [path.name for path in files_of(tree, DOCKERFILE)] == [
        "d.py",
        "job.yaml",
        "a.py",
        "b.py",
    ]


@pytest.mark.parametrize("changed", ["library/b.py", "dags/d.py", TOY.dockerfile])
def test_a_changed_input_changes_the_tag(tree: Path, changed: str) -> None:
    """Otherwise an old image would run new code's name."""
    before = tag_of(tree, TOY, "base", "uv")
    (tree / changed).write_text((tree / changed).read_text() + "# changed\n")

    assert tag_of(tree, TOY, "base", "uv") != before


def test_another_base_or_a_new_file_changes_the_tag(tree: Path) -> None:
    """The base is an input, and so is each file of a folder."""
    before = tag_of(tree, TOY, "base", "uv")
    other_base = tag_of(tree, TOY, "another", "uv")
    (tree / "dags" / "new.py").write_text("")

    assert len({before, other_base, tag_of(tree, TOY, "base", "uv")}) == 3


def test_what_is_no_input_leaves_the_tag(tree: Path) -> None:
    """Nothing is built for a changed README or for what Python caches."""
    before = tag_of(tree, TOY, "base", "uv")
    (tree / "README.md").write_text("other")
    (tree / "dags" / "__pycache__").mkdir()
    (tree / "dags" / "__pycache__" / "d.cpython-313.pyc").write_bytes(b"x")

    assert tag_of(tree, TOY, "base", "uv") == before


def test_a_missing_input_is_named(tree: Path) -> None:
    """A COPY of nothing would only show minutes later, in a build."""
    (tree / "library" / "b.py").unlink()

    with pytest.raises(FileNotFoundError, match=r"library/b\.py"):
        tag_of(tree, TOY, "base", "uv")


def test_a_lock_that_cannot_be_read_says_what_to_do(tree: Path) -> None:
    """Uv's own words come through, with the command that mends it."""
    text = "RUN uv export --locked --package toy --output-file /r.txt | cat\n"
    (tree / TOY.dockerfile).write_text(DOCKERFILE + text)

    assert exports_of(text) == [["export", "--locked", "--package", "toy"]]
    with pytest.raises(ImageError, match="make lock"):
        tag_of(tree, TOY, "base", "false")


def test_the_revision_is_that_of_the_inputs(tree: Path) -> None:
    """A commit elsewhere leaves it; a change that is not committed is told."""
    (tree / "uv.lock").write_text("")

    def commit() -> None:
        for command in ("init -q", "add .", "-c user.name=a -c user.email=a@b commit -qm x"):
            subprocess.run([shutil.which("git") or "git", *command.split()], cwd=tree, check=True)

    commit()
    first, created = last_change(tree, TOY)
    (tree / "README.md").write_text("other")
    commit()
    second = last_change(tree, TOY)
    (tree / "library" / "a.py").write_text("other")

    assert second == (first, created)
    assert last_change(tree, TOY)[0] == f"{first}-dirty"


def test_what_was_built_is_written_for_helm_and_tests(tree: Path) -> None:
    """An image built alone keeps the others' entries; one that is no more is dropped."""
    (tree / "build").mkdir()
    (tree / "build" / "images.json").write_text(
        '{"images": {"gone": {"repository": "stationmaster/gone", "tag": "1"},'
        ' "toy": {"repository": "stationmaster/toy", "tag": "old"}}}'
    )
    noted, values = write_down([BuiltImage("stationmaster/platform", "new", "sha256:1", 1)], tree)

    assert '"gone"' not in noted.read_text()
    assert "tag: old" in values.read_text()
    assert "tag: new" in values.read_text()


def test_values_name_images_where_the_chart_looks_for_them() -> None:
    """Platform, jobs, the dev parts and the backup each have their own key."""
    names = ("platform", "postgres", "toy")
    images = {name: {"repository": f"stationmaster/{name}", "tag": "1"} for name in names}

    assert chart_values(images) == {
        "image": images["platform"],
        "jobs": {"toy": {"image": images["toy"]}},
        "dev": {"postgres": {"image": "stationmaster/postgres:1"}},
        "backup": {"image": "stationmaster/postgres:1"},
    }
