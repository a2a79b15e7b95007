"""How Airflow's processes hold on to its database where that is Postgres."""

from __future__ import annotations

from typing import Any, Final

__all__ = ["CONNECT_ARGUMENTS"]

CONNECT_ARGUMENTS: Final[dict[str, Any]] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""For `[database] sql_alchemy_connect_args`: seconds, the last one milliseconds (libpq,
https://www.postgresql.org/docs/current/libpq-connect.html). Without them a Postgres that goes
without a word, with its node or in a failover, holds every thread that asked it for the two
hours of the kernel's own keep-alive: no heartbeat, no end of a step."""
