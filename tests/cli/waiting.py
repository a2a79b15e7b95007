"""A command that waits, with a temporary folder of its own."""

from __future__ import annotations

import tempfile
import time

import typer

__all__ = ["wait"]


def wait() -> None:
    """Wait for ever."""
    with tempfile.TemporaryDirectory():
        typer.echo("waiting")
        time.sleep(3600)
