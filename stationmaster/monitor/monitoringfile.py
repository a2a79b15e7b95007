"""Read the file of expectations; an error names line, field, what was expected and came."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from pydantic import ValidationError

from stationmaster.monitor.monitoring import Monitoring
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stationmaster.step.settings import Settings

__all__ = ["find_monitoring", "read_monitoring"]

NOT_IN_THE_FILE: Final = ("zone", "always_on", "path")
MEMORY: Final = re.compile(r"[1-9][0-9]*(Mi|Gi|Ti)")


def find_monitoring(settings: Settings, path: Path | None = None) -> Monitoring:
    """Return what is expected here.

    Args:
        settings: They name the business clock and where Airflow runs steps.
        path: The file; None or one that is unset: `dags/monitoring.yaml` where there is one.

    Raises:
        MisconfiguredError: The file is not there, or cannot be used.
    """
    own = {"zone": settings.business_timezone, "always_on": settings.runtime == "kubernetes"}
    if path is not None and path != Path():
        return read_monitoring(path, **own)
    usual = Path("dags") / "monitoring.yaml"
    return read_monitoring(usual, **own) if usual.is_file() else Monitoring.model_validate(own)


def read_monitoring(path: Path, **own: Any) -> Monitoring:  # noqa: ANN401 (fields of Monitoring)
    """Return what a file expects.

    Args:
        path: The file.
        **own: What no file says: `zone`, `always_on`.

    Raises:
        MisconfiguredError: It cannot be read, or a field does not fit.
    """
    return _read(path, _text(path), tuple(sorted(own.items())))


@lru_cache(maxsize=8)
def _read(path: Path, text: str, own: tuple[tuple[str, Any], ...]) -> Monitoring:
    """Return what a text expects; a watcher reads the same one each minute."""
    document = _document(path, text)
    for name in NOT_IN_THE_FILE:
        if name in document:
            raise _unusable(path, text, (name,), "a field of this file", "a setting's")
    try:
        found = Monitoring.model_validate({**document, **dict(own), "path": str(path)})
    except ValidationError as error:
        raise _first_problem(path, text, error) from error
    _check_names(path, text, found)
    return found


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MisconfiguredError(
            where=str(path),
            expected="a YAML file in UTF-8",
            got=f"{type(error).__name__}: {error}",
            hint="Correct STATIONMASTER_MONITORING_FILE, or write the file (docs/monitoring.md).",
        ) from error


def _document(path: Path, text: str) -> dict[str, Any]:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = str(path) if mark is None else f"{path}, line {mark.line + 1}"
        raise MisconfiguredError(
            where=where,
            expected="YAML",
            got=str(getattr(error, "problem", None) or error),
            hint="Correct the line; texts with a colon need quotes.",
        ) from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise MisconfiguredError(
            where=str(path),
            expected="a mapping with pipelines, datasets, reports …",
            got=type(document).__name__,
            hint="See docs/monitoring.md for an example.",
        )
    return document


def _first_problem(path: Path, text: str, error: ValidationError) -> MisconfiguredError:
    problem = error.errors(include_url=False)[0]
    place = tuple(problem["loc"])
    if problem["type"] == "extra_forbidden":
        return _unusable(path, text, place, _known_fields(place), f"an unknown {place[-1]!r}")
    came = repr(problem["input"])
    return _unusable(path, text, place, problem["msg"].removeprefix("Value error, "), came)


def _known_fields(place: Sequence[int | str]) -> str:
    """Return the fields that stand where an unknown one does."""
    model: Any = Monitoring
    for name in place[:-1]:
        fields = getattr(model, "model_fields", None)
        if fields is not None and name in fields:
            arguments = getattr(fields[name].annotation, "__args__", (fields[name].annotation,))
            model = next((each for each in arguments if hasattr(each, "model_fields")), model)
    return f"one of {', '.join(sorted(set(model.model_fields) - set(NOT_IN_THE_FILE)))}"


def _check_names(path: Path, text: str, found: Monitoring) -> None:
    names = [each.name for each in found.agreements]
    for number, name in enumerate(names):
        if name in names[:number]:
            place = ("agreements", number, "name")
            raise _unusable(path, text, place, "a name of its own", f"a second {name!r}")
    for pool, size in found.node_pools.items():
        if not MEMORY.fullmatch(size):
            raise _unusable(path, text, ("node_pools", pool), "a size such as 64Gi", repr(size))


def _unusable(
    path: Path, text: str, place: Sequence[int | str], expected: str, got: str
) -> MisconfiguredError:
    line = _line_of(text, place)
    field = ".".join(str(each) for each in place)
    return MisconfiguredError(
        where=f"{path}, line {line}, {field}" if line else f"{path}, {field}",
        expected=expected,
        got=got[:200],
        hint="Correct the field; docs/monitoring.md says what each means.",
    )


def _line_of(text: str, place: Sequence[int | str]) -> int | None:
    """Return the line of a field, or of the nearest one around it."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    line = None if node is None else node.start_mark.line + 1
    for name in place:
        if isinstance(node, yaml.MappingNode):
            pair = next((each for each in node.value if each[0].value == str(name)), None)
            if pair is None:
                break
            line, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(name, int):
            node = node.value[name] if name < len(node.value) else None
            line = line if node is None else node.start_mark.line + 1
    return line
