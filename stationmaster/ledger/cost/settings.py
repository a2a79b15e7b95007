"""How money is counted, read from `STATIONMASTER_COST_…` variables.

Nothing is read at import: call `CostSettings()` where a setting is needed.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["CostSettings"]


class CostSettings(BaseSettings):
    """Hold prices' places and the rules that differ between teams."""

    model_config = SettingsConfigDict(env_prefix="STATIONMASTER_COST_", frozen=True, extra="ignore")

    prices: Path = Field(
        default=Path(),
        description="CSV of own prices, over the table that comes along; refresh writes it.",
    )
    region: str = Field(
        default="us-east-1", description="Whose prices hold for a node that names no region."
    )
    spot_share: float = Field(
        default=0.35,
        gt=0,
        le=1,
        description="What spot costs of on-demand where no spot price is known: an assumption.",
    )
    currency: str = Field(
        default="USD", pattern=r"^[A-Z]{3}$", description="ISO 4217 code that amounts are shown in."
    )
    per_usd: float = Field(
        default=1.0, gt=0, description="How much of that currency one US dollar is."
    )
