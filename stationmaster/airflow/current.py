"""The settings as they are now, without reading them anew for each step of a DAG file."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Final

from stationmaster.step.settings import Settings

__all__ = ["current_settings"]

PREFIX: Final = str(Settings.model_config.get("env_prefix"))


def current_settings() -> Settings:
    """Return the settings of this process; read again only when one of their variables changed."""
    names = [name for name in os.environ if name[: len(PREFIX)].upper() == PREFIX]
    return _read(tuple((name, os.environ[name]) for name in names))


@lru_cache(maxsize=8)
def _read(variables: tuple[tuple[str, str], ...]) -> Settings:
    del variables  # the cache's key: what the settings are read from
    return Settings()
