"""Steps whose memory grows as told, for the real cluster; they need our runner's image."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from stationmaster.airflow.life.growing import let_grow
from stationmaster.airflow.life.plan import step_container
from stationmaster.airflow.sizes import resources_of

if TYPE_CHECKING:
    from stationmaster.airflow.life.plan import StepPlan
    from tests.cluster.life_place import LifePlace

__all__ = ["growing_plan", "parent_plan"]

SCRIPT = """
import json, os, time
from stationmaster.step.memorysignal import MemorySignal
from stationmaster.step.meter import Meter

def tell(status):
    result = {"protocol": 1, "status": status, "measurements": meter.measurements().model_dump()}
    with open("/dev/termination-log", "w") as file:
        json.dump(result, file)

signal = MemorySignal.asked_for(os.environ)
with Meter(since_process_start=True, signal=signal, on_tick=lambda: tell("running")) as meter:
    time.sleep(BEFORE)
    held, began = [], time.monotonic()
    for number in range(MOST):
        held.append(bytearray(b"x" * 2**20))
        time.sleep(max(0.0, began + (number + 1) / RATE - time.monotonic()))
    time.sleep(1.0)
tell("done")
"""


PARENT = """
import json, subprocess, sys, time
from stationmaster.step.meter import Meter

def tell(status):
    result = {"protocol": 1, "status": status, "measurements": meter.measurements().model_dump()}
    with open("/dev/termination-log", "w") as file:
        json.dump(result, file)

with Meter(since_process_start=True, on_tick=lambda: tell("running")) as meter:
    code = subprocess.run([sys.executable, "-c", "held = bytearray(MIB * 2**20)"]).returncode
tell("done" if code == 0 else "failed")
sys.exit(9 if code else 0)
"""


def growing_plan(  # noqa: PLR0913 (one keyword for each thing it is told)
    home: LifePlace,
    *,
    mib: int,
    mib_a_second: float,
    limit: str = "128Mi",
    in_place: bool = False,
    seconds_before: float = 3.0,
) -> StepPlan:
    """Return the plan of a step that takes so many MiB, one after the other.

    Args:
        home: Where it lives.
        mib: What it takes beyond its interpreter's own.
        mib_a_second: How fast.
        limit: Of its container.
        in_place: Let it ask for more where it runs.
        seconds_before: It works so long before it grows.
    """
    told = {"MOST": mib, "RATE": mib_a_second, "BEFORE": seconds_before}
    code = SCRIPT
    for name, value in told.items():
        code = code.replace(name, str(value))
    plan = home.plan(
        f"exec python -c {_quoted(code)}",
        image=image_of_ours(home),
        memory=limit,
        grows=in_place,
        budgets={"pause_seconds": 0},
    )
    _ask_for_an_xs(plan)
    if in_place:
        let_grow(step_container(plan.pod))
    return plan


def parent_plan(home: LifePlace, *, mib: int, limit: str = "128Mi") -> StepPlan:
    """Return the plan of a step whose child takes so many MiB, and which fails when it dies."""
    script = f"exec python -c {_quoted(PARENT.replace('MIB', str(mib)))}"
    budgets = {"pause_seconds": 0}
    plan = home.plan(script, image=image_of_ours(home), memory=limit, budgets=budgets)
    _ask_for_an_xs(plan)
    return plan


def _ask_for_an_xs(plan: StepPlan) -> None:
    """Ask for the CPU of the smallest size: the meter needs its turn as in any real step."""
    step_container(plan.pod)["resources"]["requests"]["cpu"] = resources_of("xs").cpu


def image_of_ours(home: LifePlace) -> str:
    """Return an image with our runner in it: any job's."""
    return str(next(iter(home.place.catalog.values()))["image"])


def _quoted(code: str) -> str:
    """Return Python code as one word of a shell."""
    return "'" + f"exec({json.dumps(code)})".replace("'", "'\\''") + "'"
