"""What `[logging] logging_config_class` names: Airflow's own configuration, and our remote log."""

from __future__ import annotations

from typing import Any, Final

from airflow.config_templates.airflow_local_settings import (
    BASE_LOG_FOLDER,
    DEFAULT_LOGGING_CONFIG,
)
from airflow.configuration import conf

from stationmaster.airflow.logs.remote import StepLogIO

__all__ = ["DEFAULT_REMOTE_CONN_ID", "LOGGING_CONFIG", "REMOTE_TASK_LOG"]

LOGGING_CONFIG: Final[dict[str, Any]] = DEFAULT_LOGGING_CONFIG
"""Airflow imports this dict, then looks beside it for the two names below."""

REMOTE_TASK_LOG: Final = StepLogIO(
    BASE_LOG_FOLDER, delete_local_copy=conf.getboolean("logging", "delete_local_logs")
)

DEFAULT_REMOTE_CONN_ID: Final[str | None] = None
"""No connection of Airflow's: credentials come from the service account or the environment."""
