"""All checks over the infrastructure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.infrastructure import (
    airflowparts,
    alertmanager,
    databases,
    network,
    nodes,
    objectstores,
    ownparts,
    pods,
    queues,
    volumes,
)

if TYPE_CHECKING:
    from stationmaster.monitor.checks.check import Check

__all__ = ["INFRASTRUCTURE_CHECKS"]

INFRASTRUCTURE_CHECKS: Final[tuple[Check, ...]] = (
    nodes.node_not_ready,
    nodes.node_under_pressure,
    pods.pod_crash_looping,
    pods.image_unavailable,
    pods.pods_pending,
    volumes.volume_pending,
    volumes.volume_filling,
    volumes.disk_filling,
    databases.database_unreachable,
    databases.database_slow,
    databases.database_transaction_open,
    databases.database_connections_running_out,
    objectstores.object_store_unreachable,
    objectstores.object_store_refused,
    network.network_broken,
    network.certificate_expiring,
    airflowparts.api_server_unreachable,
    airflowparts.scheduler_dead,
    airflowparts.dag_processor_dead,
    airflowparts.triggerer_dead,
    airflowparts.dag_import_error,
    airflowparts.pipeline_paused,
    queues.launcher_dead,
    queues.queue_stuck,
    queues.pool_full_for_long,
    ownparts.ledger_recording_behind,
    ownparts.watcher_silent,
    ownparts.kubernetes_unreachable,
    ownparts.prometheus_unreachable,
    alertmanager.prometheus_alert,
    alertmanager.prometheus_silent,
)
"""In the order in which one reads them: from the machines up."""
