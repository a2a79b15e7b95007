"""Runs steps without a worker: Airflow's side of a step's life, in one process beside a scheduler.

The scheduler's StepExecutor starts it (`python -m stationmaster.airflow.launcher`), hands it task
instances through a pipe, and hears of their ends. It speaks Airflow's Task Execution API in
process; Kubernetes' side is `stationmaster.airflow.life`.
"""
