"""Give a step's pods the memory that its own history calls for."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from stationmaster.airflow.life.plan import resized, step_container
from stationmaster.airflow.life.podfacts import (
    bytes_of,
    memory_limit,
    millicores_of,
)
from stationmaster.airflow.life.sizefacts import size_facts_of

if TYPE_CHECKING:
    from stationmaster.airflow.life.plan import StepPlan
    from stationmaster.ledger.sizing.book import SizeBook
    from stationmaster.step.settings import Settings

__all__ = ["size_book", "sized"]

LONGEST_WHY: Final = 4096

log = logging.getLogger(__name__)


def size_book(settings: Settings, *, learns: bool = False) -> SizeBook:
    """Return the book of the ledger that the settings name; connects at first use.

    Args:
        settings: They name the ledger, the mode and the largest node.
        learns: Whether steps teach one another: for who starts many of them.
    """
    from stationmaster.ledger.engine import make_engine  # noqa: PLC0415 (SQLAlchemy)
    from stationmaster.ledger.sizing.applying import Mode  # noqa: PLC0415 (as above)
    from stationmaster.ledger.sizing.book import SizeBook  # noqa: PLC0415 (as above)
    from stationmaster.ledger.sizing.recommending import Limits  # noqa: PLC0415 (as above)

    largest = bytes_of(settings.largest_step_memory)
    limits = Limits(node_bytes=float(largest)) if largest else Limits()
    engine = make_engine(settings.ledger_location)
    return SizeBook(engine, Mode(settings.sizing), limits, learns=learns)


def sized(plan: StepPlan, book: SizeBook) -> StepPlan:
    """Return the plan with the size that the ledger calls for; the reason is written on its pods.

    A step without a memory limit of its own has no size. A ledger that does not answer leaves
    the step as its author declared it.
    """
    from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 (as above)

    from stationmaster.ledger.sizing.reading import StepKey  # noqa: PLC0415 (as above)
    from stationmaster.step.errors import MisconfiguredError  # noqa: PLC0415 (as above)

    declared = memory_limit(plan.pod)
    if declared is None or book.is_missing:
        return plan
    facts, context = size_facts_of(plan.pod), plan.context
    requests = (step_container(plan.pod).get("resources") or {}).get("requests") or {}
    millicores = millicores_of(requests.get("cpu"))
    key = StepKey(context.pipeline, context.step, context.job, facts.parameter_class)
    try:
        given = book.size_for(key, declared, millicores, next_input=facts.input_bytes)
    except (SQLAlchemyError, MisconfiguredError) as error:
        log.warning("The ledger does not say what %s needs: %s", context.step, error)
        return plan
    update = {
        "size_why": given.why[:LONGEST_WHY] if book.tells else "",
        "declared_memory_bytes": declared,
        "declared_cpu_millicores": millicores,
    }
    return resized(plan, given.memory_bytes, given.cpu_millicores, facts.model_copy(update=update))
