"""From a pod's status to the verdict on its attempt: pure functions, the same for everybody.

What the step itself said with an exit code of the contract stands; then the kernel's word on
memory; then what the cluster did to the pod; and only then the plain exit code. Exit code 137
alone is no verdict: whatever kills a container leaves it.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from stationmaster.airflow.life.disruptions import UNSEEN_END, disruption_of
from stationmaster.airflow.life.evidence import evidence_of
from stationmaster.airflow.life.findings import Finding, Verdict
from stationmaster.airflow.life.podfacts import (
    ended,
    human_bytes,
    memory_limit_in_force,
    terminated,
    who,
)
from stationmaster.airflow.life.startfaults import of_message
from stationmaster.step.protocol import ResultStatus, StepResult

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Finding", "Verdict", "judge", "result_of"]

BY_EXIT_CODE: Final = {
    65: Verdict.CONTRACT_BROKEN,
    69: Verdict.UPSTREAM_UNAVAILABLE,
    75: Verdict.TEMPORARY,
    78: Verdict.CONFIG_ERROR,
}
"""The step contract's own (docs/step-contract.md)."""

NEVER_STARTED: Final = frozenset({"StartError", "ContainerCannotRun", "RunContainerError"})

SHELL_SIGNAL_BASE: Final = 128

NEAR_THE_LIMIT: Final = 0.7
"""Of the limit, measured by the step itself: killed from there means killed for memory.

It is where the meter sees to it that there is a last word (`Meter`, its first mark).

On cgroup v1 the kubelet misses about one OOM kill in ten: containerd hears of the container's end
before it hears of the kernel's kill, and the status says Error. The step's last word is then the
evidence that is left."""

MORE_MEMORY: Final = (
    "It is tried again with more memory; give the step a bigger size to save that detour."
)

HINTS: Final = {
    Verdict.CONTRACT_BROKEN: "Nothing was published. Correct the data at its source, then clear.",
    Verdict.UPSTREAM_UNAVAILABLE: "It is tried again later; look whether the source is up.",
    Verdict.TEMPORARY: "It is tried again.",
    Verdict.CONFIG_ERROR: "Correct what it names, then clear the task.",
}


def judge(pod: Mapping[str, Any], *, gone: bool = False) -> Finding | None:
    """Return why the attempt ended; None: it goes on.

    Args:
        pod: Its API JSON, whole or trimmed.
        gone: The pod is no more, and this is the last state that was seen.
    """
    end = ended(pod)
    if end is not None and end.get("reason") not in UNSEEN_END | NEVER_STARTED:
        if int(end["exitCode"]) == 0:
            return _exited_with_0(pod, str(end.get("message") or ""))
        if _is_over(pod, gone=gone):
            return _failed(pod, end)
        return None
    if pod["status"].get("phase") == "Succeeded":
        return _exited_with_0(pod, "")
    if _is_over(pod, gone=gone):
        return _ended_from_outside(pod, end, gone=gone)
    return None


def result_of(message: str) -> tuple[StepResult | None, str]:
    """Return the result in a termination message, and what is wrong with it if it is none."""
    if not message.strip():
        return None, ""
    try:
        return StepResult.model_validate_json(message), ""
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "document"
        return None, f"its last word is no result of the protocol: {first['msg']} at `{field}`"


def _is_over(pod: Mapping[str, Any], *, gone: bool) -> bool:
    """Tell whether the pod will not run its step any more.

    Beside a container that ended, others of the pod may run on for ever: the step decides. A
    deleted pod that no node knows ends nowhere.
    """
    if gone or pod["status"].get("phase") in {"Failed", "Succeeded"}:
        return True
    if pod["metadata"].get("deletionTimestamp") and not pod["spec"].get("nodeName"):
        return True
    return ended(pod) is not None and len(pod["status"].get("containerStatuses") or ()) > 1


def _exited_with_0(pod: Mapping[str, Any], message: str) -> Finding:
    result, problem = result_of(message)
    if problem or (result is not None and result.status is not ResultStatus.DONE):
        said = problem or f"its last word is that it is {result and result.status}"
        return Finding(
            verdict=Verdict.STEP_FAILED,
            exit_code=0,
            sentence=f"{who(pod)} exited with 0, yet it is not done: {said}.",
            hint="Let the step write its result as the last thing it does, or none at all.",
            evidence=evidence_of(pod),
            result=result,
        )
    return Finding(
        verdict=Verdict.SUCCEEDED,
        exit_code=0,
        sentence=f"{who(pod)} is done.",
        evidence=evidence_of(pod),
        result=result,
    )


def _failed(pod: Mapping[str, Any], end: Mapping[str, Any]) -> Finding:
    """Judge an attempt whose container ran and ended with an exit code other than 0."""
    code = int(end["exitCode"])
    result, _ = result_of(str(end.get("message") or ""))
    if code in BY_EXIT_CODE:
        verdict = BY_EXIT_CODE[code]
        words, hint = _said(result, f"failed with exit code {code}", HINTS[verdict])
    elif end.get("reason") == "OOMKilled":
        verdict = Verdict.OUT_OF_MEMORY
        words, hint = _out_of_memory(memory_limit_in_force(pod, result))
    elif found := disruption_of(pod):
        verdict, words, hint = found
    elif used := _last_word_on_memory(pod, code, result):
        verdict, hint = Verdict.OUT_OF_MEMORY, MORE_MEMORY
        words = f"ran out of memory: {used}"
    else:
        verdict = Verdict.STEP_FAILED
        words, hint = _said(result, _plain_failure(code), _plain_hint(code, result))
    return Finding(
        verdict=verdict,
        exit_code=code,
        sentence=f"{who(pod)} {words}.",
        hint=hint,
        evidence=evidence_of(pod),
        result=result,
    )


def _ended_from_outside(
    pod: Mapping[str, Any], end: Mapping[str, Any] | None, *, gone: bool
) -> Finding:
    """Judge an attempt whose container never ran, or whose end nobody saw."""
    verdict, words, hint = (
        _init_failure(pod)
        or disruption_of(pod, gone=gone)
        or _never_started(end)
        or _unexplained(pod, end)
    )
    result, _ = result_of(str((end or {}).get("message") or ""))
    return Finding(
        verdict=verdict,
        sentence=f"{who(pod)} {words}.",
        hint=hint,
        evidence=evidence_of(pod),
        result=result,
    )


def _init_failure(pod: Mapping[str, Any]) -> tuple[Verdict, str, str] | None:
    """Return what an init container's own failure means; the step did not start."""
    for status in pod["status"].get("initContainerStatuses") or ():
        end = terminated(status)
        if not end or not int(end["exitCode"]) or end.get("reason") in UNSEEN_END:
            continue
        name, code = status["name"], int(end["exitCode"])
        if end.get("reason") == "OOMKilled":
            words = f"did not start: its init container {name} ran out of memory"
            return Verdict.OUT_OF_MEMORY, words, f"Give init container {name} a higher limit."
        if end.get("reason") in NEVER_STARTED:
            message = str(end.get("message") or "")
            verdict, hint = of_message(message)
            words = f"did not start: its init container {name} cannot run: {message[:300]}"
            return verdict, words, hint
        if disruption_of(pod):
            return None
        words = f"did not start: its init container {name} {_plain_failure(code)}"
        hint = f"Read the log of init container {name}."
        if code == SHELL_SIGNAL_BASE + signal.SIGKILL:
            hint = _plain_hint(code, None)
        return Verdict.STEP_FAILED, words, hint
    return None


def _never_started(end: Mapping[str, Any] | None) -> tuple[Verdict, str, str] | None:
    if end is None or end.get("reason") not in NEVER_STARTED:
        return None
    message = str(end.get("message") or "no reason given")
    verdict, hint = of_message(message)
    return verdict, f"could not be started: {message[:300]}", hint


def _unexplained(pod: Mapping[str, Any], end: Mapping[str, Any] | None) -> tuple[Verdict, str, str]:
    node = pod["spec"].get("nodeName") or "no node"
    if end is not None:
        words = f"ended unseen on {node}: the kubelet came back and found no container"
        return Verdict.NODE_LOST, words, "The next attempt starts; the node was restarted."
    status = pod["status"]
    words = f"ended on {node} before its container ran: {status.get('reason') or 'no reason given'}"
    if status.get("message"):
        words += f": {str(status['message'])[:300]}"
    return Verdict.START_FAILED, words, "The next attempt starts; if it stays so, ask the node."


def _said(result: StepResult | None, words: str, hint: str) -> tuple[str, str]:
    """Return the step's own words on its failure and its own hint, where it left any."""
    said = result.error if result is not None else None
    if said is None:
        if result is not None and result.phase:
            words += f" while it was at: {result.phase}"
        return words, hint
    if said.where:
        told = f"{words}: {said.where}: expected {said.expected}, got {said.got}"
        return told, said.hint or hint
    return f"{words}: {said.kind}: {said.message}".rstrip("."), said.hint or hint


def _plain_failure(code: int) -> str:
    if code <= SHELL_SIGNAL_BASE:
        return f"failed with exit code {code}"
    number = code - SHELL_SIGNAL_BASE
    try:
        name = signal.Signals(number).name
    except ValueError:
        return f"failed with exit code {code}"
    return f"was ended by {name} (exit code {code}), and not by us or the cluster"


def _plain_hint(code: int, result: StepResult | None) -> str:
    if code == SHELL_SIGNAL_BASE + signal.SIGKILL:
        peak = result.measurements.peak_memory_bytes if result is not None else 0
        used = f" It had used {human_bytes(peak)} by its last word." if peak else ""
        return (
            "Nothing half-done is visible and a retry is safe. Nothing says what killed it: a node "
            "with cgroup v1 does not tell of each kill for memory, so look at its memory first, "
            f"then whether it kills itself or a person did.{used}"
        )
    return "Read the end of its log."


def _out_of_memory(limit: int | None) -> tuple[str, str]:
    allowed = f"its limit is {human_bytes(limit)}" if limit else "it has no limit of its own"
    return (
        f"ran out of memory: {allowed}, and the kernel killed a process of it",
        MORE_MEMORY,
    )


def _last_word_on_memory(
    pod: Mapping[str, Any], code: int, result: StepResult | None
) -> str | None:
    """Return the step's own evidence that it was memory, None where it left none."""
    if result is None:
        return None
    if result.error is not None and result.error.kind == "MemoryError":
        return f"it was refused an allocation ({result.error.message or 'MemoryError'})"
    if kills := result.measurements.oom_kills:
        what = "a process" if kills == 1 else f"{kills} processes"
        return f"the kernel killed {what} of its container for memory, and then it failed"
    used = result.measurements
    limit = memory_limit_in_force(pod, result)
    # Page cache that is being written counts towards the limit, too.
    peak = max(used.peak_memory_bytes, used.peak_working_set_bytes or 0)
    killed = code == SHELL_SIGNAL_BASE + signal.SIGKILL
    if killed and limit and peak >= NEAR_THE_LIMIT * limit:
        return (
            f"by its last word it had used {human_bytes(peak)} of {human_bytes(limit)}, and "
            "then it was killed"
        )
    return None
