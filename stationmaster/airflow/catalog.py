"""Job name -> image, size, contract, command.

On a laptop the catalog is the jobs folder: `jobs/<name>/job.yaml`, read when a DAG asks for the
name. On a cluster it is one file (the chart's ConfigMap) that names each job's image by digest:

    jobs:
      extract-web:
        image: registry.example.com/extract-web@sha256:…
        kubernetes: {serviceAccount: …, env: …}     what `Placement` holds; may be left out
        …the fields of its job.yaml
"""

from __future__ import annotations

from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from stationmaster.airflow.current import current_settings
from stationmaster.step.errors import MisconfiguredError
from stationmaster.step.jobfile import JobFile, jobs_folder, load_job

if TYPE_CHECKING:
    from stationmaster.step.settings import Settings

__all__ = ["CatalogJob", "Placement", "find_job"]

UNSET: Final = Path()


class Placement(BaseModel):
    """Hold what a deployment says of a job's pods; the author's own wishes stand above it.

    Fields are written as the Kubernetes API writes them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    service_account: str = Field(default="stationmaster-step", alias="serviceAccount")
    priority_class: str | None = Field(default=None, alias="priorityClass")
    env: dict[str, str] = Field(default_factory=dict)
    env_from: tuple[dict[str, Any], ...] = Field(default=(), alias="envFrom")
    node_selector: dict[str, str] = Field(default_factory=dict, alias="nodeSelector")
    tolerations: tuple[dict[str, Any], ...] = ()
    image_pull_secrets: tuple[str, ...] = Field(default=(), alias="imagePullSecrets")


@dataclass(frozen=True)
class CatalogJob:
    """Hold a job as the catalog knows it."""

    image: str
    file: JobFile
    placement: Placement = field(default_factory=Placement)

    @property
    def name(self) -> str:
        """Return the job's name."""
        return str(self.file.name)


def find_job(name: str, settings: Settings | None = None) -> CatalogJob:
    """Return the job of that name; its file is read again only when it has changed.

    Raises:
        MisconfiguredError: There is no such job, or its file cannot be used.
    """
    settings = settings or current_settings()
    if settings.catalog_file != UNSET:
        path = settings.catalog_file
        return _from_catalog_file(path, name, _changed(path))
    folder = jobs_folder(settings)
    return _from_folder(folder, name, _changed(folder / name / "job.yaml"))


def _changed(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=256)
def _from_folder(folder: Path, name: str, changed: int) -> CatalogJob:
    del changed  # part of the cache's key: a changed file is a new entry
    file = load_job(folder, name)
    return CatalogJob(image=f"stationmaster/{file.name}:latest", file=file)


@lru_cache(maxsize=256)
def _from_catalog_file(path: Path, name: str, changed: int) -> CatalogJob:
    jobs = _read(path, changed)
    if name not in jobs:
        near = get_close_matches(name, jobs, n=3)
        raise MisconfiguredError(
            where=f"job {name!r}",
            expected=f"one of the jobs in {path}: {', '.join(sorted(jobs)) or 'there is none'}",
            got="an unknown name",
            hint=f"Did you mean {' or '.join(near)}?" if near else "Deploy the job, then the DAG.",
        )
    fields = dict(jobs[name])
    image = fields.pop("image", None)
    if not isinstance(image, str) or not image:
        raise _unusable(path, f"an image for {name}", repr(image))
    try:
        return CatalogJob(
            image=image,
            placement=Placement.model_validate(fields.pop("kubernetes", {})),
            file=JobFile.model_validate({"name": name} | fields),
        )
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in problem["loc"])
        raise _unusable(
            path, f"the fields of a job.yaml for {name}", f"{problem['msg']} at `{field}`"
        ) from error


@lru_cache(maxsize=8)
def _read(path: Path, changed: int) -> dict[str, dict[str, Any]]:
    del changed  # as above
    # The C loader where it is built in: a DAG file is parsed all the time, and JSON is YAML too.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 (safe)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        got = " ".join(str(error).split())
        raise _unusable(path, "a YAML or JSON file", got) from error
    jobs = document.get("jobs") if isinstance(document, dict) else None
    if not isinstance(jobs, dict) or not all(isinstance(job, dict) for job in jobs.values()):
        raise _unusable(path, "`jobs:` with one mapping a job", f"{type(jobs).__name__}")
    return jobs


def _unusable(path: Path, expected: str, got: str) -> MisconfiguredError:
    return MisconfiguredError(
        where=f"catalog {path}",
        expected=expected,
        got=got,
        hint="Deploy again, which writes the catalog, or unset STATIONMASTER_CATALOG_FILE to "
        "use the jobs folder.",
    )
