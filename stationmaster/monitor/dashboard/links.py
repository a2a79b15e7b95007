"""Where each thing is seen in more detail: Airflow's pages, ours, and nobody else's scripts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Links", "safe_url"]


@dataclass(frozen=True)
class Links:
    """Make links to Airflow; "" where nobody said where Airflow is.

    Args:
        airflow_url: Where people reach it.
    """

    airflow_url: str = ""

    def run(self, pipeline: str, run_id: str) -> str:
        """Return the page of a run."""
        if not self.airflow_url or not pipeline or not run_id:
            return ""
        return f"{self.airflow_url.rstrip('/')}/dags/{_part(pipeline)}/runs/{_part(run_id)}"

    def log(self, attempt: Mapping[str, Any]) -> str:
        """Return the page of an attempt's log: its task, its try."""
        run = self.run(attempt["pipeline"], attempt["run_id"])
        if not run:
            return ""
        task = f"{run}/tasks/{_part(attempt['step'])}"
        if attempt["map_index"] >= 0:
            task += f"/mapped/{attempt['map_index']}"
        return f"{task}?{urlencode({'try_number': attempt['try_number']})}"

    def task(self, pipeline: str, run_id: str, step: str) -> str:
        """Return the page of a task of a run."""
        run = self.run(pipeline, run_id)
        return f"{run}/tasks/{_part(step)}" if run and step else run


def safe_url(url: str) -> str:
    """Return a link's address if it leads to a web page, "" for anything else.

    A check's link may come from a name or an error's text: `javascript:` is no address.
    """
    return url if urlsplit(url).scheme in {"http", "https"} else ""


def _part(name: str) -> str:
    return quote(name, safe="")
