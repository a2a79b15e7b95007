"""Whether spans are made, by the variables that OpenTelemetry itself has for it."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["TracingSettings"]


class TracingSettings(BaseSettings):
    """Hold OpenTelemetry's own variables; the rest of them its SDK reads.

    https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
    """

    model_config = SettingsConfigDict(env_prefix="OTEL_", frozen=True, extra="ignore")

    sdk_disabled: bool = Field(default=False, description="No spans, whatever else is set.")
    traces_exporter: str = Field(default="otlp_proto_http", description="`none`: no spans.")
    exporter_otlp_endpoint: str = Field(default="", description="http://collector:4318")
    exporter_otlp_traces_endpoint: str = Field(default="", description="The same, for spans only.")
    service_name: str = Field(default="", description="What spans say they come from.")

    @property
    def is_on(self) -> bool:
        """Return whether spans are made and sent."""
        named = self.exporter_otlp_traces_endpoint or self.exporter_otlp_endpoint
        return bool(named) and not self.sdk_disabled and self.traces_exporter != "none"
