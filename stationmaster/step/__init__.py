"""What runs inside a step's container; imports no Airflow and no Kubernetes.

from stationmaster.step import Inputs, Outputs, Params, job

class ExtractWeb(Params):
max_bad_lines: float = 0.01

@job
def run(params: ExtractWeb, inputs: Inputs, outputs: Outputs) -> None: ...
"""

from __future__ import annotations

from stationmaster.step.errors import (
    BusinessDateError,
    ContractBrokenError,
    ContractUnreadableError,
    JobFunctionError,
    MisconfiguredError,
    PartitionConflictError,
    ProtocolVersionError,
    ResultError,
    StaleAttemptError,
    StationmasterError,
    StepError,
    StepStoppedError,
    StorageFullError,
    TemporaryError,
    UpstreamUnavailableError,
)
from stationmaster.step.inputs import Inputs
from stationmaster.step.job import Job, job
from stationmaster.step.landing import LandingFile
from stationmaster.step.outputs import Outputs
from stationmaster.step.params import Params
from stationmaster.step.protocol import Shard, StepContext, StepResult
from stationmaster.step.settings import Settings

__all__ = [
    "BusinessDateError",
    "ContractBrokenError",
    "ContractUnreadableError",
    "Inputs",
    "Job",
    "JobFunctionError",
    "LandingFile",
    "MisconfiguredError",
    "Outputs",
    "Params",
    "PartitionConflictError",
    "ProtocolVersionError",
    "ResultError",
    "Settings",
    "Shard",
    "StaleAttemptError",
    "StationmasterError",
    "StepContext",
    "StepError",
    "StepResult",
    "StepStoppedError",
    "StorageFullError",
    "TemporaryError",
    "UpstreamUnavailableError",
    "job",
]
