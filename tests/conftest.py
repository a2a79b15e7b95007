"""What tests of several folders share."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.s3_server import running_s3

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["tests.databases"]


@pytest.fixture(scope="session")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a real S3 server, started for this session."""
    with running_s3(tmp_path_factory.mktemp("s3")) as url:
        yield url


@pytest.fixture(autouse=True)
def _own_credentials() -> Iterator[None]:
    """Forget the session that boto3 keeps for a process: it has the first test's keys for ever."""
    yield
    if (boto3 := sys.modules.get("boto3")) is not None:
        boto3.DEFAULT_SESSION = None  # type: ignore[attr-defined]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the longest tests, so that no worker is left alone with them at the end."""
    items.sort(key=lambda item: "tests/pipeline" not in str(item.path))
