"""Causes that lie in the step itself: how it exits, what it says, what the kernel does to it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from stationmaster.airflow.life.findings import Verdict
from tests.drill.verdicts.scene import Cause
from tests.life.plans import RESTRICTED, container

if TYPE_CHECKING:
    from stationmaster.airflow.life.plan import StepPlan
    from tests.drill.verdicts.scene import Scene

__all__ = ["CAUSES", "CONFIG_MAP", "beside", "init_container"]

CONFIG_MAP: Final = "verdict-step"
"""Holds tests/drill/verdicts/step/verdict_step.py in the drill's namespace."""

WORKS: Final = "sleep 4"
"""As long as it takes until the node's runtime watches the container's memory."""

EATS: Final = 'python3 -c "b = bytearray(400 * 1024 * 1024)"'
PEAK: Final = '{"protocol":1,"status":"running","measurements":{"peak_memory_bytes":66000000}}'


def says(word: str, then: str) -> str:
    """Return a script that leaves a last word and ends."""
    return f"printf '%s' '{word}' > /dev/termination-log; {then}"


def dies_by(number: int) -> str:
    """Return a script whose only child is ended by a signal, as a shell reports it."""
    return f'python3 -c "import os; os.kill(os.getpid(), {number})"; exit $?'


SCRIPTS: Final[dict[str, tuple[Verdict, str]]] = {
    "exit code 0, no result (a foreign image)": (Verdict.SUCCEEDED, "exit 0"),
    "exit code 0, result says done": (
        Verdict.SUCCEEDED,
        says('{"protocol":1,"status":"done"}', "exit 0"),
    ),
    "exit code 0, result says running": (
        Verdict.STEP_FAILED,
        says('{"protocol":1,"status":"running"}', "exit 0"),
    ),
    "exit code 0, last word is no result": (Verdict.STEP_FAILED, says("hello", "exit 0")),
    "exit code 1, no result": (Verdict.STEP_FAILED, "exit 1"),
    "exit code 65, no result": (Verdict.CONTRACT_BROKEN, "exit 65"),
    "exit code 69, no result": (Verdict.UPSTREAM_UNAVAILABLE, "exit 69"),
    "exit code 75, no result": (Verdict.TEMPORARY, "exit 75"),
    "exit code 78, no result": (Verdict.CONFIG_ERROR, "exit 78"),
    "crash by SIGSEGV (139)": (Verdict.STEP_FAILED, dies_by(11)),
    "crash by its own SIGKILL (137)": (Verdict.STEP_FAILED, dies_by(9)),
    "memory: main process killed": (Verdict.OUT_OF_MEMORY, f"{WORKS}; exec {EATS}"),
    "memory: main process killed at once": (Verdict.OUT_OF_MEMORY, f"exec {EATS}"),
    "memory: child killed, last word names its peak, parent exits 137": (
        Verdict.OUT_OF_MEMORY,
        says(PEAK, f"{EATS}; exit 137"),
    ),
    "memory: child killed, no last word, parent exits 1": (
        Verdict.OUT_OF_MEMORY,
        f"{WORKS}; {EATS}; exit 1",
    ),
    "memory: child killed, parent goes on and is done": (Verdict.SUCCEEDED, f"{EATS}; exit 0"),
}

RUNNER: Final[dict[str, tuple[Verdict, str]]] = {
    "a job of ours: done": (Verdict.SUCCEEDED, "done"),
    "a job of ours: ValueError": (Verdict.STEP_FAILED, "value"),
    "a job of ours: contract broken": (Verdict.CONTRACT_BROKEN, "contract"),
    "a job of ours: source unavailable": (Verdict.UPSTREAM_UNAVAILABLE, "upstream"),
    "a job of ours: passing trouble": (Verdict.TEMPORARY, "temporary"),
    "a job of ours: misconfigured": (Verdict.CONFIG_ERROR, "config"),
    "a job of ours: killed for its memory": (Verdict.OUT_OF_MEMORY, "eat"),
    "a job of ours: refused an allocation": (Verdict.OUT_OF_MEMORY, "refused"),
}


def init_container(script: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    """Return an init container that runs a shell script; its image is filled in later."""
    made = container(script, "")
    made["name"], made["env"] = "prepare", []
    return made | fields


def beside(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    """Return a pod's spec whose step's container has these fields; no image: the base image."""
    return {"containers": [container("sleep 600", "") | fields]}


def _scripted(script: str, scene: Scene) -> StepPlan:
    return scene.plan(script)


def _with_init(script: str, scene: Scene) -> StepPlan:
    return scene.plan("exit 0", spec={"initContainers": [init_container(script)]})


def _by_the_runner(end: str, scene: Scene) -> StepPlan:
    step = container("", str(scene.place.catalog["extract-web"]["image"]), memory="300Mi")
    step["command"] = ["python", "/opt/drill/verdict_step.py"]
    step["securityContext"] = RESTRICTED
    step["volumeMounts"] = [
        {"name": "step", "mountPath": "/opt/drill"},
        {"name": "scratch", "mountPath": "/tmp"},  # noqa: S108 (an emptyDir of the pod's own)
    ]
    volumes = [
        {"name": "step", "configMap": {"name": CONFIG_MAP}},
        {"name": "scratch", "emptyDir": {}},
    ]
    plan = scene.plan(spec={"containers": [step], "volumes": volumes})
    context = plan.context.model_copy(update={"params": {"end": end}})
    return plan.model_copy(update={"context": context})


CAUSES: Final = (
    *(Cause(name, verdict, partial(_scripted, it)) for name, (verdict, it) in SCRIPTS.items()),
    *(Cause(name, verdict, partial(_by_the_runner, it)) for name, (verdict, it) in RUNNER.items()),
    Cause("init container exits 5", Verdict.STEP_FAILED, partial(_with_init, "exit 5")),
    Cause(
        "memory: init container killed",
        Verdict.OUT_OF_MEMORY,
        partial(_with_init, f"{WORKS}; exec {EATS}"),
    ),
)
"""Each ends by what its own processes do."""
