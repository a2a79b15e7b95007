"""What the stands of the measurements share: an Airflow's scheduler before a cluster of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

    from tests.launcher.airflow_home import AirflowHome

__all__ = ["Stand"]


class Stand(ABC):
    """Start the parts of a stand, and end them in reverse; a context manager."""

    _home: AirflowHome

    def __init__(self) -> None:
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Start everything; the first step is not triggered yet."""
        try:
            self._start()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def rows(self, statement: str, **values: object) -> list[dict[str, Any]]:
        """Return what a statement selects from Airflow's database."""
        return self._home.rows(statement, **values)

    @abstractmethod
    def _start(self) -> None:
        """Start each part, and put its end onto the stack."""
