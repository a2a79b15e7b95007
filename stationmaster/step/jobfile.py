"""`job.yaml`: what a job is called, who owns it, what it reads, writes and needs."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from stationmaster.step.settings import Settings

__all__ = ["JobFile", "JobSize", "find_jobs", "jobs_folder", "load_job", "local_command"]

JobSize = Literal["xs", "s", "m", "l", "xl"]

_Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=63)]
_Dataset = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


def _default_command(known: dict[str, Any]) -> tuple[str, ...]:
    return ("python", "-m", str(known.get("name", "")).replace("-", "_"))


class JobFile(BaseModel):
    """Hold a job's `job.yaml`."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="job.yaml of Stationmaster")

    name: _Name = Field(description="Verb and noun, as the job's folder: extract-web.")
    summary: str = Field(min_length=1, description="What the job does, in one sentence.")
    owner: str = Field(min_length=1, description="Who is asked when it fails.")
    size: JobSize = Field(default="s", description="Class of memory and CPU for the start.")
    timeout_minutes: int = Field(default=60, ge=1, description="When a try is given up.")
    command: tuple[str, ...] = Field(
        default_factory=_default_command,
        min_length=1,
        description="Command of the step; by default `python -m <package>`.",
    )
    interruptible: bool = Field(
        default=True,
        description="Whether its node may be taken from under it, to be cheaper: a spot node, or "
        "one that is being emptied. It is then begun again.",
    )
    log: Literal["runner", "pod"] = Field(
        default="runner",
        description="Who keeps its log: our Python runner; or, for an image without it, the "
        "platform, which reads the pod's.",
    )
    inputs: tuple[_Dataset, ...] = Field(default=(), description="Datasets or sources it reads.")
    outputs: tuple[_Dataset, ...] = Field(
        default=(), description="Datasets it writes: each of them, every time."
    )
    secrets: tuple[str, ...] = Field(
        default=(), description="Names of secrets it reads as files; never their values."
    )
    params: dict[str, JsonValue] = Field(
        default_factory=dict, description="Defaults of the parameters of its function."
    )
    sized_by: tuple[str, ...] = Field(
        default=(),
        description="Parameters that change how much it needs: each of their values is sized by "
        "runs with the same. A few values each, such as a country; none that is new every day.",
    )

    @property
    def package(self) -> str:
        """Return the Python package of the job."""
        return self.name.replace("-", "_")


def jobs_folder(settings: Settings) -> Path:
    """Return the folder of jobs: the setting, else `jobs` here, else the one of this checkout."""
    if settings.jobs != Path():
        return settings.jobs
    here = Path.cwd() / "jobs"
    return here if here.is_dir() else Path(__file__).parents[2] / "jobs"


def find_jobs(jobs_root: Path) -> list[JobFile]:
    """Return all jobs of a folder, by name.

    Raises:
        MisconfiguredError: A job.yaml cannot be used.
    """
    return [_read(path) for path in sorted(jobs_root.glob("*/job.yaml"))]


def load_job(jobs_root: Path, name: str) -> JobFile:
    """Return one job.

    Raises:
        MisconfiguredError: There is no such job, or its job.yaml cannot be used.
    """
    names = sorted(path.parent.name for path in jobs_root.glob("*/job.yaml"))
    if name in names:
        return _read(jobs_root / name / "job.yaml")
    near = get_close_matches(name, names, n=3)
    raise MisconfiguredError(
        where=f"job {name!r}",
        expected=f"one of the jobs in {jobs_root}: {', '.join(names) or 'there is none'}",
        got="an unknown name",
        hint=f"Did you mean {' or '.join(near)}?"
        if near
        else f"Write {jobs_root / name / 'job.yaml'}, or correct the name.",
    )


def local_command(job: JobFile, jobs_root: Path) -> tuple[str, ...]:
    """Return the command for a process on this machine.

    A word that names a file in the job's folder means that file: in the job's image it is
    the file in the working folder.
    """
    folder = jobs_root.absolute() / job.name
    return tuple(str(folder / word) if (folder / word).is_file() else word for word in job.command)


def _read(path: Path) -> JobFile:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _unusable(path, "a YAML file", " ".join(str(error).split())) from error
    try:
        job = JobFile.model_validate(document)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in problem["loc"]) or "the file"
        got = f"{problem['msg']} at `{field}`"
        raise _unusable(path, "the fields of schemas/job.schema.json", got) from error
    if job.name != path.parent.name:
        raise _unusable(path, f"`name: {path.parent.name}`, as its folder", f"`name: {job.name}`")
    return job


def _unusable(path: Path, expected: str, got: str) -> MisconfiguredError:
    return MisconfiguredError(
        where=f"{path}", expected=expected, got=got, hint="Correct the job's job.yaml."
    )
