"""Where things are, read from `STATIONMASTER_…` variables; the same names in every tier.

Nothing is read at import: call `Settings()` where a setting is needed.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from stationmaster.step.errors import MisconfiguredError

__all__ = ["Settings"]


class Settings(BaseSettings):
    """Hold the places and rules that differ between laptop, kind and EKS.

    Unset places lie below `home`. Places are local paths or `s3://bucket/prefix` URIs.
    """

    model_config = SettingsConfigDict(env_prefix="STATIONMASTER_", frozen=True, extra="ignore")

    home: Path = Field(default=Path(".stationmaster"), description="Local folder for all state.")
    catalog_uri: str = Field(default="", description="SQLAlchemy URI of the Iceberg catalog.")
    ledger_uri: str = Field(default="", description="SQLAlchemy URI of the table of attempts.")
    warehouse: str = Field(default="", description="Where tables' files lie.")
    landing: str = Field(default="", description="Where upstream systems put their files.")
    logs: str = Field(default="", description="Log store; unset: steps keep no log chunks.")
    log_path: str = Field(
        default="", description="A try's log below it, as Airflow names it (set by the platform)."
    )
    reports: str = Field(default="", description="Where report files are published.")
    secrets: Path = Field(default=Path(), description="Folder with one file a secret.")
    data: Path = Field(
        default=Path(), description="Folder of downloaded data, shared by several homes (sources)."
    )
    business_timezone: str = Field(
        default="Europe/London", description="The zone whose calendar day a business date is."
    )
    namespace: str = Field(default="stationmaster", description="Iceberg namespace of datasets.")
    support_api_url: str = Field(default="http://127.0.0.1:8765", description="Support's REST API.")
    runtime: Literal["process", "kubernetes"] = Field(
        default="process", description="Where Airflow runs steps: local processes, or pods."
    )
    steps_namespace: str = Field(
        default="stationmaster-steps", description="Kubernetes namespace of steps' pods."
    )
    kubernetes_url: str = Field(
        default="", description="A Kubernetes API without login (tests); else found as usual."
    )
    platform_id: str = Field(
        default="stationmaster",
        min_length=1,
        description="Tells this Airflow's pods from those of others in the same namespace.",
    )
    steps_at_once: int = Field(
        default=2000, gt=0, description="How many steps one scheduler has running as pods."
    )
    largest_step_memory: str = Field(
        default="16Gi",
        pattern=r"^[1-9][0-9]*(Mi|Gi|Ti)$",
        description="What the largest node can give a step; none is enlarged beyond it.",
    )
    sizing: Literal["observe", "recommend", "apply"] = Field(
        default="recommend", description="What is done with the sizes that the ledger recommends."
    )
    grow_in_place: bool = Field(
        default=False, description="Raise a step's memory limit where it runs (Kubernetes 1.35)."
    )
    pools_file: Path = Field(
        default=Path(), description="Pools measured in cores or money, in one YAML file (cluster)."
    )
    urgent_priority_class: str = Field(
        default="", description="PriorityClass of urgent steps' pods; the chart makes one."
    )
    workers: int = Field(
        default=4, gt=0, description="Processes for what needs a DAG's code, a scheduler."
    )
    jobs: Path = Field(default=Path(), description="Folder of jobs, each with a job.yaml.")
    catalog_file: Path = Field(
        default=Path(), description="Jobs and their images in one YAML file (cluster)."
    )
    first_run: dt.date = Field(
        default=dt.date(2009, 12, 1), description="From when scheduled pipelines catch up."
    )
    maintenance_schedule: str = Field(
        default="0 3 * * 0",
        description="When the DAG maintain_datasets runs (cron); empty: never by itself.",
    )
    monitoring_file: Path = Field(
        default=Path(),
        description="What is expected of pipelines and data, in one YAML file.",
    )
    checks: str = Field(
        default="", description="Modules or folders with checks of one's own, by commas."
    )
    airflow_url: str = Field(
        default="", description="Where Airflow's pages are, for monitoring; empty: nobody asks it."
    )
    airflow_database_uri: str = Field(
        default="", description="Airflow's own database, for monitoring; empty: not looked at."
    )
    prometheus_url: str = Field(
        default="", description="Where a Prometheus is, for monitoring; empty: there is none."
    )
    alertmanager_url: str = Field(
        default="", description="Where an Alertmanager is: what Prometheus found is read there."
    )
    watched_namespaces: str = Field(
        default="",
        description="Kubernetes namespaces that monitoring looks at, by commas; empty: our own.",
    )
    probe: str = Field(
        default="",
        description="A place where monitoring may write, read and delete a tiny file to try it.",
    )
    s3_endpoint: str = Field(default="", description="S3 endpoint where it is not AWS's own.")
    s3_region: str = Field(default="us-east-1", description="S3 region.")

    @property
    def catalog_location(self) -> str:
        """Return the catalog's SQLAlchemy URI, a sqlite file below `home` by default."""
        return self.catalog_uri or f"sqlite:///{self.home.absolute() / 'catalog.db'}"

    @property
    def ledger_location(self) -> str:
        """Return the ledger's SQLAlchemy URI, a sqlite file below `home` by default."""
        return self.ledger_uri or f"sqlite:///{self.home.absolute() / 'ledger.db'}"

    @property
    def warehouse_location(self) -> str:
        """Return where tables lie, `home/warehouse` by default."""
        return self.warehouse or str(self.home.absolute() / "warehouse")

    @property
    def landing_location(self) -> str:
        """Return where sources deliver, `home/landing` by default."""
        return self.landing or str(self.home.absolute() / "landing")

    @property
    def reports_location(self) -> str:
        """Return where reports are published, `home/reports` by default."""
        return self.reports or str(self.home.absolute() / "reports")

    @property
    def secrets_folder(self) -> Path:
        """Return the folder of secret files, `home/secrets` by default."""
        return self.secrets if self.secrets != Path() else self.home.absolute() / "secrets"

    @property
    def data_folder(self) -> Path:
        """Return the folder of downloaded data, `home/data` by default."""
        return self.data if self.data != Path() else self.home.absolute() / "data"

    @property
    def zone(self) -> ZoneInfo:
        """Return the business time zone.

        Raises:
            MisconfiguredError: There is none of that name.
        """
        try:
            return ZoneInfo(self.business_timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise MisconfiguredError(
                where="STATIONMASTER_BUSINESS_TIMEZONE",
                expected="the name of a time zone, such as Europe/London",
                got=self.business_timezone,
                hint="Correct the variable; https://www.iana.org/time-zones has the names.",
            ) from error
