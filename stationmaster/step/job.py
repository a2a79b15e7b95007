"""Turn one typed function into a job."""

from __future__ import annotations

import inspect
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, ParamSpec, get_type_hints, overload

from stationmaster.step.errors import JobFunctionError
from stationmaster.step.inputs import Inputs
from stationmaster.step.outputs import Outputs
from stationmaster.step.params import Params
from stationmaster.step.protocol import StepContext

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

__all__ = ["Job", "find_job", "job"]

P = ParamSpec("P")

_INJECTABLE: Final[dict[str, type]] = {
    "Inputs": Inputs,
    "Outputs": Outputs,
    "StepContext": StepContext,
}
_SHAPE: Final = "def run(params: MyParams, inputs: Inputs, outputs: Outputs) -> None"


@dataclass(frozen=True)
class Job(Generic[P]):
    """Hold a job's function and how to call it; called itself, it is the plain function."""

    function: Callable[P, None]
    cumulative: bool = False

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call the function as it was written, for an author's unit tests."""
        self.function(*args, **kwargs)

    def main(self) -> NoReturn:
        """Run as a step: context from the environment, result to its file, exit code."""
        from stationmaster.step.runner import main  # noqa: PLC0415 (runner imports this module)

        sys.exit(main(self._only_one))

    @property
    def name(self) -> str:
        """Return the function's full name."""
        return f"{self.function.__module__}.{getattr(self.function, '__qualname__', '?')}"

    @property
    def contracts(self) -> tuple[Path, ...]:
        """Return the folders of the job's contracts: beside its module, and in its top package."""
        places = [inspect.getfile(self.function)]
        top = sys.modules.get(self.function.__module__.partition(".")[0])
        if top is not None and top.__file__ is not None:
            places.append(top.__file__)
        return tuple(dict.fromkeys(Path(place).parent / "contracts" for place in places))

    @property
    def params_model(self) -> type[Params] | None:
        """Return the class of the function's parameters, None for a function that takes none.

        Raises:
            JobFunctionError: The function's arguments cannot be filled in.
        """
        for kind in self.arguments.values():
            if issubclass(kind, Params):
                return kind
        return None

    @cached_property
    def arguments(self) -> dict[str, type]:
        """Return what each argument is to be filled with, by its annotation.

        Raises:
            JobFunctionError: An annotation is missing, unknown or there twice.
        """
        hints = self._hints()
        found: dict[str, type] = {}
        for name, parameter in inspect.signature(self.function).parameters.items():
            kind = self._kind(name, parameter, hints)
            if any(kind is other or _both_params(kind, other) for other in found.values()):
                raise JobFunctionError(
                    where=f"argument `{name}` of job {self.name}",
                    expected="one argument of each kind",
                    got=f"a second {kind.__name__}",
                    hint="Put all parameters into one Params class.",
                )
            found[name] = kind
        return found

    def _hints(self) -> dict[str, Any]:
        try:
            return get_type_hints(self.function, localns=_INJECTABLE)
        except (NameError, TypeError, SyntaxError, AttributeError) as error:
            raise JobFunctionError(
                where=f"job {self.name}",
                expected="annotations that can be looked up when the job runs",
                got=f"{type(error).__name__}: {error}",
                hint="Import what the annotations name at the top of the module, "
                "outside of `if TYPE_CHECKING`.",
            ) from error

    def _kind(self, name: str, parameter: inspect.Parameter, hints: dict[str, Any]) -> type:
        kind = hints.get(name)
        named = parameter.kind in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}
        if named and isinstance(kind, type) and _is_known(kind):
            return kind
        got = "no annotation" if kind is None else f"{getattr(kind, '__name__', kind)}"
        raise JobFunctionError(
            where=f"argument `{name}` of job {self.name}",
            expected="a subclass of Params, or Inputs, Outputs, StepContext",
            got=got if named else f"{got}, for an argument that has no name of its own",
            hint=f"Write it as `{_SHAPE}`; leave out what the job does not need.",
        )

    def _only_one(self) -> Job[...]:
        module = sys.modules.get(self.function.__module__)
        return self if module is None else _only_job(module)


@overload
def job(function: Callable[P, None], /) -> Job[P]: ...
@overload
def job(*, cumulative: bool = False) -> Callable[[Callable[P, None]], Job[P]]: ...
def job(
    function: Callable[P, None] | None = None, /, *, cumulative: bool = False
) -> Job[P] | Callable[[Callable[P, None]], Job[P]]:
    """Make a function a job: the runner fills its arguments in by their annotations.

    Args:
        function: Takes any of a Params subclass, Inputs, Outputs, StepContext.
        cumulative: The result of a business date depends on all data up to it: after a date the
            runner does, in the same step and in order, each later date for which the job's
            first output is already published, so that a day that arrives late corrects them.

    Raises:
        JobFunctionError: What is decorated is no plain function.
    """
    if function is None:
        return lambda decorated: _checked(decorated, cumulative=cumulative)
    return _checked(function, cumulative=cumulative)


def _checked(function: Callable[P, None], *, cumulative: bool) -> Job[P]:
    if not inspect.isfunction(function) or inspect.iscoroutinefunction(function):
        what = "an async function" if inspect.iscoroutinefunction(function) else repr(function)
        raise JobFunctionError(
            where="@job",
            expected="a plain function",
            got=what,
            hint=f"Decorate a function such as `{_SHAPE}`.",
        )
    return Job(function, cumulative=cumulative)


def find_job(package: str) -> Job[...]:
    """Return the one job of `<package>.job`.

    Raises:
        JobFunctionError: The module cannot be imported, or has no job, or several.
    """
    from importlib import import_module  # noqa: PLC0415 (only who finds jobs by name needs it)

    try:
        module = import_module(f"{package}.job")
    except ImportError as error:
        raise JobFunctionError(
            where=f"job package {package}",
            expected=f"a module {package}.job that can be imported",
            got=f"{type(error).__name__}: {error}",
            hint=f"Install the job's package, and put the function into {package}/job.py.",
        ) from error
    return _only_job(module)


def _only_job(module: ModuleType) -> Job[...]:
    """Return the job that a module defines; jobs it imports from elsewhere do not count."""
    jobs = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, Job) and value.function.__module__ == module.__name__
    }
    if len(jobs) == 1:
        return next(iter(jobs.values()))
    raise JobFunctionError(
        where=f"module {module.__name__}",
        expected="one function decorated with @job",
        got=f"{len(jobs)}: {', '.join(sorted(jobs))}" if jobs else "none",
        hint="Move each job into a package of its own: one container does one thing."
        if jobs
        else f"Decorate the job's function: `@job` above `{_SHAPE}`.",
    )


def _is_known(kind: type) -> bool:
    return kind in _INJECTABLE.values() or (issubclass(kind, Params) and kind is not Params)


def _both_params(one: type, other: type) -> bool:
    return issubclass(one, Params) and issubclass(other, Params)
