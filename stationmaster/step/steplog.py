"""One readable line an event, on stdout, at once."""

from __future__ import annotations

import datetime as dt
import logging
import sys

__all__ = ["configure_logging"]


class _OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        """Keep a traceback's lines; fold the message itself into one line."""
        record.message = " ".join(record.getMessage().splitlines())
        at = dt.datetime.fromtimestamp(record.created, tz=dt.UTC)
        stamp = f"{at:%Y-%m-%dT%H:%M:%S}.{int(record.msecs):03d}Z"
        line = f"{stamp} {record.levelname:<7} {record.message}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


def configure_logging() -> None:
    """Send the step's own events to stdout from INFO on, those of libraries from WARNING on."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_OneLine())
    handler.addFilter(_wanted)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.captureWarnings(capture=True)


def _wanted(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING or not record.name.startswith(_LIBRARIES)


_LIBRARIES = ("pyiceberg", "botocore", "boto3", "urllib3", "httpx", "splink", "py4j", "sqlalchemy")
