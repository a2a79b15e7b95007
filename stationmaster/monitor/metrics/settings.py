"""What is told to Prometheus, from `STATIONMASTER_METRICS_…` variables."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["MetricsSettings"]


class MetricsSettings(BaseSettings):
    """Hold what differs between installations."""

    model_config = SettingsConfigDict(
        env_prefix="STATIONMASTER_METRICS_", frozen=True, extra="ignore"
    )

    figures: bool = Field(
        default=False,
        description="The numbers that people rely on, such as revenue: metrics have no login.",
    )
