"""How long the ledger keeps what, read from `STATIONMASTER_LEDGER_…` variables.

Where it is stands in `stationmaster.step.settings`. Nothing is read at import.
"""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["LedgerSettings"]


class LedgerSettings(BaseSettings):
    """Hold the policy of retention."""

    model_config = SettingsConfigDict(
        env_prefix="STATIONMASTER_LEDGER_", frozen=True, extra="ignore"
    )

    keep_days: int = Field(
        default=400,
        ge=1,
        description="Days that attempts are kept; sums of each day stay. 13 months by default.",
    )
