"""All facts of one look, at one moment."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stationmaster.monitor.facts.missing import FactsNotHereError
from stationmaster.monitor.facts.once import Once

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    from stationmaster.monitor.lineage import Lineage

__all__ = ["Facts"]


class _Gathered:
    """Keep what each part answered; checks may ask from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parts: dict[str, Once[Any]] = {}

    def of(self, name: str, gather: Callable[[], Any]) -> Any:  # noqa: ANN401 (as below)
        with self._lock:
            part = self._parts.setdefault(name, Once(gather))
        return part()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Hold what checks may look at; a part is gathered when the first check asks for it.

    What a part answered, or why it did not, stands for the whole look: twenty checks over a
    database that is away wait for it once.

    Args:
        now: The moment; checks ask no other clock.
        parts: Gathers each part, by its name; one that is not there does not exist here.
    """

    now: dt.datetime
    parts: Mapping[str, Callable[[], Any]] = field(default_factory=dict)
    _gathered: _Gathered = field(default_factory=_Gathered, init=False, repr=False, compare=False)

    @property
    def lineage(self) -> Lineage:
        """Return what comes of what."""
        return self.part("lineage")  # type: ignore[no-any-return]

    def part(self, name: str) -> Any:  # noqa: ANN401 (each part has its own type)
        """Return a part; gather it where nobody has asked for it yet.

        Raises:
            FactsNotHereError: This installation has none.
            FactsUnavailableError: Whoever has it does not answer.
        """
        if name not in self.parts:
            message = f"no facts of {name} here"
            raise FactsNotHereError(message)
        return self._gathered.of(name, self.parts[name])
