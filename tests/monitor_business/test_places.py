"""Looking where readers look: a folder, a real bucket, a real web server; and what sources owe."""

from __future__ import annotations

import datetime as dt
import http.server
import threading
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import boto3
import pytest

from stationmaster.monitor.facts.deliveries import Deliveries, upstream_days
from stationmaster.monitor.facts.missing import FactsNotHereError, FactsUnavailableError
from stationmaster.monitor.facts.places import Places
from stationmaster.monitor.monitoring import SourceExpectation
from stationmaster.sources.support_api import running_api, token
from stationmaster.step.settings import Settings
from tests.s3_server import KEY, running_s3

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = dt.date(2011, 11, 21)
LONDON = ZoneInfo("Europe/London")


@pytest.fixture(name="bucket", scope="module")
def _bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Settings]]:
    """Return a bucket with a report and a delivered day, and settings that lead to it."""
    environment = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": KEY}
    with pytest.MonkeyPatch.context() as patch, running_s3(tmp_path_factory.mktemp("s3")) as url:
        for name, value in environment.items():
            patch.setenv(name, value)
        client = boto3.client("s3", endpoint_url=url, region_name="us-east-1")
        client.create_bucket(Bucket="reports")
        client.put_object(Bucket="reports", Key="morning/report.json", Body=b'{"day": 21}')
        client.put_object(Bucket="reports", Key="web/2011-11-21/_SUCCESS", Body=b"")
        yield "s3://reports", Settings(s3_endpoint=url)


def test_a_report_in_a_bucket_is_read(bucket: tuple[str, Settings]) -> None:
    """What is there, what is not, and an empty marker, from a real S3."""
    root, settings = bucket
    places = Places(settings)

    assert places.look(f"{root}/morning/report.json").text == '{"day": 21}'
    assert not places.look(f"{root}/morning/other.json").found
    assert places.look(f"{root}/web/2011-11-21/_SUCCESS").size == 0
    assert places.holds(f"{root}/web/2011-11-21/_SUCCESS")


def test_a_bucket_that_does_not_answer_is_unknown(bucket: tuple[str, Settings]) -> None:
    """That is not "the report is gone"."""
    _, settings = bucket
    away = settings.model_copy(update={"s3_endpoint": "http://127.0.0.1:1"})

    with pytest.raises(FactsUnavailableError, match="cannot be looked at"):
        Places(away).look("s3://reports/morning/report.json")


def test_a_report_in_a_folder_is_read_through_its_link(tmp_path: Path) -> None:
    """The date is a link to a version, as publishing makes it; a link into nothing is nothing."""
    version = tmp_path / ".versions" / "one"
    version.mkdir(parents=True)
    (version / "report.json").write_text("21", encoding="utf-8")
    (tmp_path / "2011-11-21").symlink_to(version)
    places = Places(Settings(home=tmp_path))
    uri = (tmp_path / "2011-11-21").as_uri() + "/report.json"

    assert places.look(uri).text == "21"
    assert places.look(str(tmp_path)).why == "a folder, no file"
    (version / "report.json").unlink()
    assert places.look(uri).why == "no such file"


class _Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer with the day, or as the path says."""
        code = {"/away": 404, "/broken": 503}.get(self.path, 200)
        self.send_response(code)
        self.end_headers()
        self.wfile.write(b"report of 2011-11-21")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the class's own name)
        """Say nothing."""


@pytest.fixture(name="web", scope="module")
def _web() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_report_on_the_web_is_read_as_its_readers_do(web: str, tmp_path: Path) -> None:
    """A page that is away or broken is what readers get, and is said so."""
    places = Places(Settings(home=tmp_path))

    assert "2011-11-21" in places.look(f"{web}/report").text
    assert places.look(f"{web}/away").why == "it answers 404"
    assert places.look(f"{web}/broken").why == "it answers 503"
    assert "does not answer" in places.look("http://127.0.0.1:1/").why


def test_a_source_owes_the_first_of_its_days_that_is_not_whole(tmp_path: Path) -> None:
    """A business day that is ahead of UTC overlaps two days of the source; both must be there."""
    summer = dt.date(2011, 7, 4)
    web = SourceExpectation(zone="UTC")
    deliveries = Deliveries(LONDON, root=str(tmp_path), landing=Places(Settings()).holds)
    (tmp_path / "web" / "2011-07-03").mkdir(parents=True)
    (tmp_path / "web" / "2011-07-03" / "_SUCCESS").touch()

    owed = deliveries.owed("web", web, summer)

    assert owed is not None
    assert owed.what == "2011-07-04"
    assert owed.since == dt.datetime(2011, 7, 5, tzinfo=dt.UTC)
    (tmp_path / "web" / "2011-07-04").mkdir()
    (tmp_path / "web" / "2011-07-04" / "_SUCCESS").touch()
    assert deliveries.owed("web", web, summer) is None


def test_upstream_days_are_those_of_the_pipeline() -> None:
    """Winter has one, summer two, and New York's evening belongs to the day before."""
    assert [day for day, _ in upstream_days(DAY, LONDON, ZoneInfo("UTC"))] == [DAY]
    assert len(upstream_days(dt.date(2011, 7, 4), LONDON, ZoneInfo("UTC"))) == 2
    assert len(upstream_days(DAY, LONDON, ZoneInfo("America/New_York"))) == 2


def test_an_api_owes_what_its_status_does_not_cover(tmp_path: Path) -> None:
    """The real support API is asked with its token; without one nobody can ask it here."""
    settings = Settings(home=tmp_path)
    support = SourceExpectation(kind="api")
    places = Places(settings)
    deliveries = Deliveries(
        LONDON, root="", landing=places.holds, complete_through=places.complete_through
    )
    with pytest.raises(FactsNotHereError, match="no token"):
        deliveries.owed("support", support, DAY)

    token(settings)
    away = support.model_copy(update={"url": "http://127.0.0.1:1"})
    with pytest.raises(FactsUnavailableError, match="cannot be asked"):
        deliveries.owed("support", away, DAY)
    with running_api(settings) as url:
        asked = support.model_copy(update={"url": url})
        owed = deliveries.owed("support", asked, dt.date(2099, 1, 1))
        assert owed is not None
        assert owed.detail == "it has delivered nothing yet"
