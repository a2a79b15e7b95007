"""The release on the cluster: its secrets, its Airflow, its tables, its ledger."""

from __future__ import annotations

import base64
import os
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Self

from sqlalchemy.engine import make_url

from stationmaster.step.settings import Settings
from tests.cluster.airflow_api import AirflowApi
from tests.cluster.forward import Forward, forwarded
from tests.cluster.place import NoClusterError, Place

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

__all__ = ["Release"]


class Release:
    """Hold the release's services, each forwarded when it is first asked for."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._open = ExitStack()

    def __enter__(self) -> Self:
        """Return itself; the block's end closes the forwards."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def secret(self, name: str) -> dict[str, str]:
        """Return the values of a Secret of the release's namespace.

        Raises:
            NoClusterError: There is no release.
        """
        found = self.place.get("secrets", "-n", self.place.namespace)["items"]
        for item in found:
            if item["metadata"]["name"] == name:
                return {key: base64.b64decode(v).decode() for key, v in item["data"].items()}
        message = (
            f"expected the release {self.place.release} with its Secret {name} in namespace "
            f"{self.place.namespace}, got {[each['metadata']['name'] for each in found]}: "
            "make deploy"
        )
        raise NoClusterError(message)

    @cached_property
    def airflow(self) -> AirflowApi:
        """Return the release's Airflow, logged in as its administrator."""
        login = self.secret(f"{self.place.release}-login")
        forward = self._forward("api-server", 8080)
        return AirflowApi(forward, "admin", login["admin"])

    @cached_property
    def postgres(self) -> Forward:
        """Return the way to the release's Postgres."""
        return self._forward("postgres", 5432)

    @cached_property
    def s3(self) -> Forward:
        """Return the way to the release's object store."""
        return self._forward("seaweedfs", 8333)

    def database(self, name: str) -> str:
        """Return the SQLAlchemy URI of `airflow`, `catalog` or `ledger`, as reached from here."""
        uri = make_url(self.secret(f"{self.place.release}-database")[name])
        here = uri.set(drivername="postgresql+psycopg2", host="127.0.0.1", port=self.postgres.port)
        return here.render_as_string(hide_password=False)

    def settings(self, home: Path, *, namespace: str = "stationmaster") -> Settings:
        """Return the settings by which a process here reads the release's datasets.

        The object store's keys go into this process's environment, where its clients look.
        """
        keys = self.secret(f"{self.place.release}-s3")
        os.environ.update(keys)
        return Settings(
            home=home,
            catalog_uri=self.database("catalog"),
            warehouse="s3://warehouse",
            landing="s3://landing",
            reports="s3://reports",
            s3_endpoint=f"http://{self.s3.address}",
            namespace=namespace,
        )

    def _forward(self, service: str, port: int) -> Forward:
        name = f"{self.place.release}-{service}"
        return self._open.enter_context(forwarded(self.place, name, port))
