"""Build the images that changed, and write down which tag each has now."""

from __future__ import annotations

import json
import shutil
import sys
import tomllib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import yaml

from k8s.images.artifacts import PARTS, ROOT, artifacts
from k8s.images.contents import last_change, tag_of
from k8s.images.docker import (
    Base,
    ImageError,
    build,
    certificates,
    find_base,
    inspect,
    remove,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from k8s.images.artifacts import Artifact

__all__ = ["SOURCE", "BuiltImage", "Maker", "chart_values", "find_uv", "make", "write_down"]

SOURCE: Final = "https://github.com/stationmaster/stationmaster"
DEV_PARTS: Final = ("postgres", "prometheus", "seaweedfs", "sources")
MEGABYTE: Final = 1_000_000


@dataclass(frozen=True)
class BuiltImage:
    """Hold an image as it is on this machine."""

    repository: str
    tag: str
    id: str
    bytes: int

    @property
    def reference(self) -> str:
        """Return `repository:tag`."""
        return f"{self.repository}:{self.tag}"


@dataclass(frozen=True)
class Maker:
    """Hold what all builds of a run share."""

    docker: str
    uv: str
    base: Base
    root: Path
    say: Callable[[str], None]

    def make(self, artifact: Artifact) -> BuiltImage:
        """Build an image whose tag is not there; return it.

        Raises:
            ImageError: The build failed.
        """
        tag = tag_of(self.root, artifact, self.base.identity, self.uv)
        reference = f"{artifact.repository}:{tag}"
        found = inspect(self.docker, reference)
        if found:
            self.say(f"is there  {reference}")
        else:
            log = self.root / "build" / "images" / f"{artifact.name}.log"
            log.parent.mkdir(parents=True, exist_ok=True)
            command = _command(self.docker, artifact, reference, self.base, self.root)
            seconds = build(command, self.root, log, _stepping(artifact.name))
            if tag_of(self.root, artifact, self.base.identity, self.uv) != tag:
                remove(self.docker, reference)  # its content is not what its tag says
                self.say(f"again     {artifact.repository}: its files changed while it was built")
                return self.make(artifact)
            found = inspect(self.docker, reference) or ("", 0)
            self.say(f"built     {reference}  {seconds:.1f} s, {found[1] // MEGABYTE} MB")
        return BuiltImage(artifact.repository, tag, *found)


def make(
    docker: str, wanted: list[Artifact], say: Callable[[str], None], root: Path = ROOT
) -> list[BuiltImage]:
    """Build each image whose tag is not there; return all of them.

    Raises:
        ImageError: A build failed, or there is no uv that reads the lock.
    """
    maker = Maker(docker, find_uv(root), find_base(docker, root), root, say)
    say(f"base      {maker.base.reference or 'as the Dockerfiles say'}")
    return [maker.make(artifact) for artifact in wanted]


def _command(docker: str, artifact: Artifact, reference: str, base: Base, root: Path) -> list[str]:
    revision, created = last_change(root, artifact)
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    arguments = {
        "VERSION": project["version"],
        "REVISION": revision,
        "CREATED": created,
        "SOURCE": SOURCE,
    }
    if base.reference:
        arguments["BASE_IMAGE"] = base.reference
    command = [docker, "build", "--progress=plain", "--file", artifact.dockerfile]
    for name, value in arguments.items():
        command += ["--build-arg", f"{name}={value}"]
    if bundle := certificates():
        command += ["--secret", f"id=ca,src={bundle}"]
    return [*command, "--tag", reference, "."]


def _stepping(name: str) -> Callable[[str], None]:
    """Return what shows the current step of a build, on a terminal only."""
    width = shutil.get_terminal_size().columns

    def show(line: str) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{name}: {line}"[: width + 4] + "\r")
            sys.stderr.flush()

    return show


def write_down(built: list[BuiltImage], root: Path = ROOT) -> list[Path]:
    """Write what there is now, for tests and for Helm; return the files.

    `build/images.json` has each image's repository, tag, id and bytes; `build/images.values.yaml`
    has the tags as values of the chart. Images that were not asked for keep their entry.
    """
    noted, values = root / "build" / "images.json", root / "build" / "images.values.yaml"
    there = json.loads(noted.read_text(encoding="utf-8"))["images"] if noted.exists() else {}
    known = {artifact.name for artifact in artifacts(root)}
    now = {image.repository.removeprefix("stationmaster/"): asdict(image) for image in built}
    images = {name: image for name, image in sorted((there | now).items()) if name in known}
    noted.parent.mkdir(exist_ok=True)
    noted.write_text(f"{json.dumps({'images': images}, indent=2)}\n", encoding="utf-8")
    text = yaml.safe_dump(chart_values(images), sort_keys=True)
    values.write_text(f"# By `make images`; for `helm upgrade -f`.\n{text}", encoding="utf-8")
    return [noted, values]


def chart_values(images: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the values of charts/stationmaster that name these images."""
    named = {
        name: {"repository": image["repository"], "tag": image["tag"]}
        for name, image in images.items()
    }
    whole = {name: f"{image['repository']}:{image['tag']}" for name, image in named.items()}
    values: dict[str, Any] = {
        "jobs": {name: {"image": image} for name, image in named.items() if name not in PARTS},
        "dev": {name: {"image": image} for name, image in whole.items() if name in DEV_PARTS},
    }
    if "platform" in named:
        values["image"] = named["platform"]
    if "postgres" in whole:
        values["backup"] = {"image": whole["postgres"]}
    return values


def find_uv(root: Path = ROOT) -> str:
    """Return the program uv: on PATH, or where `make` puts it.

    Raises:
        ImageError: There is none.
    """
    for program in (shutil.which("uv"), str(root / ".uv" / "bin" / "uv")):
        if program and shutil.which(program):
            return program
    message = "expected uv on PATH or in .uv; got neither. Run `make setup`"
    raise ImageError(message)
