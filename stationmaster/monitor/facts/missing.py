"""Why facts are missing: they do not exist here, or whoever has them does not answer."""

from __future__ import annotations

from stationmaster.step.errors import StationmasterError

__all__ = ["FactsNotHereError", "FactsUnavailableError"]


class FactsNotHereError(StationmasterError):
    """This installation has none: no cluster on a laptop, no Prometheus where none runs."""


class FactsUnavailableError(StationmasterError):
    """Whoever has them does not answer; what they would say is not known."""
