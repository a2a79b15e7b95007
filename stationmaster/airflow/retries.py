"""How long Airflow waits before a step's next try."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from airflow.sdk import RetryDecision, RetryPolicy

from stationmaster.airflow.exceptions import StepUnavailableError

if TYPE_CHECKING:
    from airflow.sdk import Context

__all__ = ["StepRetryPolicy"]

FIRST_DELAY: Final = dt.timedelta(minutes=5)
LONGEST_DELAY: Final = dt.timedelta(minutes=40)


class StepRetryPolicy(RetryPolicy):
    """Give an upstream system that is down more time with each try; leave the rest to Airflow.

    The number of tries stays the task's own `retries`; a policy cannot exceed it.
    """

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Context | None = None,
    ) -> RetryDecision:
        """Return the decision for one failed try."""
        del max_tries, context
        if not isinstance(exception, StepUnavailableError):
            return RetryDecision.default()
        delay = min(FIRST_DELAY * 2 ** max(try_number - 1, 0), LONGEST_DELAY)
        minutes = int(delay.total_seconds() // 60)
        return RetryDecision.retry(
            delay, reason=f"The upstream system was unavailable: next try in {minutes} minutes."
        )

    def serialize(self) -> dict[str, Any]:
        """Return nothing: the policy has no settings."""
        return {}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> StepRetryPolicy:
        """Return the policy again."""
        del data
        return cls()
