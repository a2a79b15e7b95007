"""Who is told of what, by the file of expectations as it is now: no watcher is started anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stationmaster.monitor.alerts.opening import plan_of, ready_channels
from stationmaster.monitor.tracing.channels import traced_channels

if TYPE_CHECKING:
    from collections.abc import Callable

    import sqlalchemy as sa

    from stationmaster.monitor.alerts.channels import Delivers
    from stationmaster.monitor.monitoringreading import KeptMonitoring
    from stationmaster.step.settings import Settings

__all__ = ["LiveAlerting"]


class LiveAlerting:
    """Hold the plan and the channels; whoever holds them too sees what changed.

    Args:
        settings: Where secrets and files are.
        kept: Reads the file.
        engine: Returns the ledger's.

    Raises:
        MisconfiguredError: The file of expectations cannot be used.
    """

    def __init__(
        self, settings: Settings, kept: KeptMonitoring, engine: Callable[[], sa.Engine]
    ) -> None:
        self._settings = settings
        self._kept = kept
        self._engine = engine
        self._read = kept.read()
        self.plan = plan_of(self._read, settings)
        self.channels: dict[str, Delivers] = {}
        self._make_channels()

    def refresh(self) -> None:
        """Take up the file, if it is another one that can be used."""
        found = self._kept.read()
        if found is self._read:
            return
        self._read = found
        self.plan.alerting = found.alerts
        self._make_channels()

    def _make_channels(self) -> None:
        made = traced_channels(ready_channels(self.plan.alerting, self._settings), self._engine)
        for name in self.channels.keys() - made.keys():
            del self.channels[name]
        self.channels.update(made)
