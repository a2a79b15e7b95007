"""A job is one typed function; whatever is not that is refused with a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from stationmaster.step import (
    Inputs,
    JobFunctionError,
    Outputs,
    Params,
    StepContext,
    job,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from tests.step.conftest import RunHello


class _Some(Params):
    depth: int = 1


class _More(Params):
    width: int = 1


def test_arguments_are_filled_in_by_their_annotations() -> None:
    """Any of the four kinds, in any order, under any name."""

    @job
    def run(told: StepContext, out: Outputs, p: _Some, found: Inputs) -> None: ...

    assert run.arguments == {"told": StepContext, "out": Outputs, "p": _Some, "found": Inputs}
    assert run.params_model is _Some
    assert not run.cumulative


def test_a_job_can_be_called_like_the_function_it_is() -> None:
    """An author's unit test needs no runner."""
    seen: list[int] = []

    @job(cumulative=True)
    def run(params: _Some) -> None:
        seen.append(params.depth)

    run(_Some(depth=3))

    assert seen == [3]
    assert run.cumulative


def test_params_cannot_be_changed_by_the_job() -> None:
    """What a step was told stays what it was told."""
    with pytest.raises(ValueError, match="frozen"):
        _Some().depth = 2  # type: ignore[misc]


def _no_annotation(inputs) -> None: ...  # type: ignore[no-untyped-def]  # noqa: ANN001 (is the point)
def _unknown(inputs: int) -> None: ...
def _bare(params: Params) -> None: ...
def _starred(*inputs: Inputs) -> None: ...
def _twice(one: Inputs, other: Inputs) -> None: ...
def _two_params(one: _Some, other: _More) -> None: ...
def _only_typing(price: Decimal) -> None: ...


@pytest.mark.parametrize(
    ("function", "sentence"),
    [
        (_no_annotation, "argument `inputs` of job .*_no_annotation: expected a subclass of"),
        (_unknown, "expected a subclass of Params, or Inputs, Outputs, StepContext, got int"),
        (_bare, "got Params"),
        (_starred, "got Inputs, for an argument that has no name of its own"),
        (_twice, "argument `other` .*: expected one argument of each kind, got a second Inputs"),
        (_two_params, "Put all parameters into one Params class"),
        (_only_typing, "NameError: name 'Decimal' is not defined. Import what the annotations"),
    ],
)
def test_an_argument_nobody_can_fill_in_is_named(
    function: Callable[..., None], sentence: str
) -> None:
    """The message names argument and job, and shows the right shape."""
    with pytest.raises(JobFunctionError, match=sentence):
        _ = job(function).arguments


@pytest.mark.parametrize(("decorated", "got"), [(Inputs, "class"), (5, "5"), (lambda: None, None)])
def test_only_a_function_can_be_a_job(decorated: Any, got: str | None) -> None:  # noqa: ANN401 (any thing)
    """A class or a value under @job is refused where it stands; a lambda is a function."""
    if got is None:
        assert job(decorated).arguments == {}
        return
    with pytest.raises(JobFunctionError, match=f"@job: expected a plain function, got .*{got}"):
        job(decorated)


@pytest.mark.parametrize(
    ("package", "sentence"),
    [
        ("no_function", "module no_function.job: expected one function decorated with @job, got n"),
        ("two_functions", "got 2: one, two. Move each job into a package of its own"),
        ("odd_argument", "argument `connection` of job odd_argument.job.run"),
        ("not_installed", "a module not_installed.job that can be imported, got ModuleNotFound"),
    ],
)
def test_a_package_without_a_usable_job_ends_as_misconfigured(
    hello: RunHello, package: str, sentence: str
) -> None:
    """Exit code 78 and a JobFunctionError in the result: never retried, and it says why."""
    outcome, log = hello(package)

    assert outcome.exit_code == 78
    assert outcome.failure is not None
    assert outcome.failure.kind == "JobFunctionError"
    assert sentence in outcome.failure.message
    assert "Traceback" not in "\n".join(log)
