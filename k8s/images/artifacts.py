"""Which images there are, and the jobs' Dockerfiles, which are one text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

__all__ = ["PARTS", "ROOT", "Artifact", "artifacts", "job_dockerfile", "stale_dockerfiles"]

ROOT: Final = Path(__file__).parents[2]
PARTS: Final = ("platform", "postgres", "prometheus", "seaweedfs", "sources")
"""Images that are no job's."""

TEMPLATE: Final = "k8s/images/job.Dockerfile"
WRITTEN_BY: Final = "# The image of the job {name}. Every job's Dockerfile is this one"


@dataclass(frozen=True)
class Artifact:
    """Name one image."""

    name: str
    """Without `stationmaster/`: a job's name, or one of PARTS."""
    dockerfile: str
    """Path from the root, which is the build's context too."""

    @property
    def repository(self) -> str:
        """Return the image's name without a tag."""
        return f"stationmaster/{self.name}"


def artifacts(root: Path = ROOT) -> list[Artifact]:
    """Return all images: the jobs that have a Dockerfile, then the platform's parts."""
    jobs = sorted(path.parent.name for path in root.glob("jobs/*/Dockerfile"))
    return [
        *(Artifact(name, f"jobs/{name}/Dockerfile") for name in jobs),
        *(Artifact(name, f"k8s/images/{name}/Dockerfile") for name in PARTS),
    ]


def job_dockerfile(root: Path, name: str) -> str:
    """Return the text of a job's Dockerfile."""
    described = yaml.safe_load((root / "jobs" / name / "job.yaml").read_text(encoding="utf-8"))
    words = {
        "@JOB@": name,
        "@PACKAGE@": name.replace("-", "_"),
        "@SUMMARY@": described["summary"].replace('"', "'").replace("$", ""),
    }
    text = (root / TEMPLATE).read_text(encoding="utf-8")
    for word, value in words.items():
        text = text.replace(word, value)
    return text


def stale_dockerfiles(root: Path = ROOT) -> dict[Path, str]:
    """Return the job Dockerfiles that are not there or not as the template says, with their text.

    A Dockerfile that does not begin as the template does is its job's own and left alone.
    """
    stale = {}
    for folder in sorted(path.parent for path in root.glob("jobs/*/job.yaml")):
        path, text = folder / "Dockerfile", job_dockerfile(root, folder.name)
        there = path.read_text(encoding="utf-8") if path.exists() else ""
        own = there and not there.startswith(WRITTEN_BY.format(name=folder.name))
        if not own and there != text:
            stale[path] = text
    return stale
