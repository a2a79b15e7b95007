"""A home for the Airflow of this process: it makes one at import, in the user's own by default."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Final

import pytest

__all__ = ["give_airflow_a_home"]

HOME: Final = pytest.StashKey[tempfile.TemporaryDirectory[str]]()


def give_airflow_a_home(config: pytest.Config) -> None:
    """Give Airflow a home of the session's own, before anything imports it; it goes with it."""
    if "airflow" in sys.modules or HOME in config.stash:
        return
    config.stash[HOME] = folder = tempfile.TemporaryDirectory(
        prefix="stationmaster-airflow-", ignore_cleanup_errors=True
    )
    config.add_cleanup(folder.cleanup)
    dags = Path(folder.name) / "dags"
    dags.mkdir()
    os.environ["AIRFLOW_HOME"] = folder.name
    os.environ["AIRFLOW__CORE__DAGS_FOLDER"] = str(dags)
    os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
