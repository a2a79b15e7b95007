"""The Iceberg catalog of a tier, and the places its tables lie at."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchTableError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from stationmaster.step.datasets.committing import retried
from stationmaster.step.errors import MisconfiguredError

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from stationmaster.step.settings import Settings

__all__ = ["load_table", "open_catalog", "polars_storage", "quarantine_of"]

_NAME: Final = "stationmaster"
_OPEN_SECONDS: Final = 30.0
"""How long opening is tried: a wrong address or password shall not take minutes to show."""
_BUSY_SECONDS: Final = "60"
"""How long a sqlite connection waits for another writer's lock."""


def open_catalog(settings: Settings) -> SqlCatalog:
    """Connect to the catalog, and make its tables where it is new.

    Raises:
        MisconfiguredError: The catalog's address is none that SQLAlchemy knows, or the warehouse
            lies where addresses of files would be read wrongly.
        TemporaryError: The catalog does not answer.
    """
    _check_warehouse(settings)
    uri = _uri(settings)
    properties = {
        "uri": uri,
        "warehouse": _with_scheme(settings.warehouse_location),
        "pool_pre_ping": "true",
    }
    if settings.s3_endpoint:
        properties["s3.endpoint"] = settings.s3_endpoint
    if settings.warehouse_location.startswith("s3://"):
        properties["s3.region"] = settings.s3_region
    # Two processes that open a new catalog at once both try to make its tables.
    catalog = retried(
        lambda: SqlCatalog(_NAME, **properties), what="the Iceberg catalog", seconds=_OPEN_SECONDS
    )
    for namespace in (settings.namespace, f"{settings.namespace}_quarantine"):
        create = functools.partial(catalog.create_namespace_if_not_exists, namespace)
        retried(create, what=f"namespace {namespace}")
    return catalog


def _uri(settings: Settings) -> str:
    try:
        url = make_url(settings.catalog_location)
    except ArgumentError as error:
        setting = "STATIONMASTER_CATALOG_URI"
        raise MisconfiguredError(
            setting,
            expected="a SQLAlchemy URI such as sqlite:////data/catalog.db",
            got=str(error),
            hint="Correct the setting.",
        ) from error
    if url.get_backend_name() == "sqlite":
        if url.database is None:
            return str(url)
        settings.home.absolute().mkdir(parents=True, exist_ok=True)
        url = url.update_query_dict({"timeout": _BUSY_SECONDS})
    return url.render_as_string(hide_password=False)


def _check_warehouse(settings: Settings) -> None:
    odd = sorted(set("#?%") & set(settings.warehouse_location))
    if odd:
        # Paths become addresses in tables' metadata, where these characters mean something else.
        where = "STATIONMASTER_WAREHOUSE or STATIONMASTER_HOME"
        raise MisconfiguredError(
            where,
            expected="a place without the characters # ? %",
            got=settings.warehouse_location,
            hint="Choose another folder.",
        )


def _with_scheme(location: str) -> str:
    # Other engines take a path without scheme as one of their own default file system.
    return location if "://" in location else f"file://{location}"


def polars_storage(settings: Settings) -> dict[str, str]:
    """Return what polars needs to read the tables' files; keys come from the environment."""
    if not settings.warehouse_location.startswith("s3://"):
        return {}
    options = {"aws_region": settings.s3_region}
    if settings.s3_endpoint:
        options |= {
            "aws_endpoint_url": settings.s3_endpoint,
            "aws_allow_http": "true",
            "aws_virtual_hosted_style_request": "false",
        }
    return options


def quarantine_of(settings: Settings, dataset: str) -> tuple[str, str]:
    """Return the identifier of the table of rows that a dataset refused."""
    return (f"{settings.namespace}_quarantine", dataset)


def load_table(catalog: SqlCatalog, identifier: tuple[str, str]) -> Table | None:
    """Return a table as it is now, or None where there is none."""
    try:
        return catalog.load_table(identifier)
    except NoSuchTableError:
        return None
