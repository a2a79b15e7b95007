"""What pages say: the shop's morning, nothing at all, a ledger that is away, hostile texts."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from stationmaster.ledger.store import Ledger
from stationmaster.monitor.dashboard import application
from stationmaster.monitor.dashboard.pages.showing import PAGES
from stationmaster.monitor.dashboard.sample.making import fill_sample
from tests.dashboard.hostile import EVIL, EVIL_STEP, fill_with_hostility
from tests.dashboard.served import serving
from tests.postgres_server import running_postgres

if TYPE_CHECKING:
    from tests.dashboard.served import Served

MORNING_RUN = "scheduled__2026-03-10T06:00:00+00:00"
TOLD = {
    "/engineering/pipeline": {"name": "finance_close"},
    "/engineering/run": {"pipeline": "morning_analytics", "run": MORNING_RUN},
    "/engineering/step": {"pipeline": "marketing_audiences", "step": "score_customers"},
}
STATIC = Path(application.__file__).parent / "static"


def address(path: str, told: dict[str, Any] | None = None) -> str:
    """Return a page's address with what it must be told."""
    path = path.replace("{number}", "7")
    query = urlencode(TOLD.get(path, {}) if told is None else told)
    return f"{path}?{query}" if query else path


def words(text: str) -> str:
    """Return a page's text without its tags, spaces as one."""
    return re.sub(r" ([.,;:])", r"\1", " ".join(re.sub(r"<[^>]+>", " ", text).split()))


@pytest.mark.parametrize("page", [p for p in PAGES if "{name}" not in p.path], ids=lambda p: p.path)
def test_each_page_answers(served: Served, page: Any) -> None:  # noqa: ANN401 (a Page)
    """Every page of the shop is there, and says that its data is made up."""
    answer = served.visitor().get(address(page.path))

    assert answer.status_code == 200
    assert "Sample data." in answer.text


def test_each_part_of_each_page_can_be_fetched_anew(served: Served) -> None:
    """The addresses that a page's script fetches are there, and answer what the page holds."""
    client = served.visitor()
    for page in PAGES:
        if "{name}" in page.path:
            continue
        for part in re.findall(r'data-part="([^"]+)"', client.get(address(page.path)).text):
            answer = client.get(part.replace("&amp;", "&"))
            assert (part, answer.status_code) == (part, 200)


def test_the_morning_is_told_in_plain_words(served: Served) -> None:
    """Late, here with a doubt, not due: each by its product's name, with what to expect."""
    said = words(served.visitor().get("/").text)

    assert "Not here yet: the finance figures." in said
    assert "morning report Here, with a doubt" in said
    assert "The numbers of Monday 9 March are here since 06:15, due at 06:35." in said
    assert "were due at 07:00 and are not here. 1 of 4 steps are done, and nothing goes on." in said
    assert "Until then readers see those of Sunday 8 March." in said
    assert "marketing audiences Not due yet" in said
    assert "Orders of the app and their deliveries: 454 and 445, 9 apart (2.0 %)." in said


def test_engineers_see_what_to_do_next(served: Served) -> None:
    """Incidents with their next action, pipelines by deadline, what goes on, what failed."""
    said = words(served.visitor().get("/engineering").text)
    places = [said.index(name) for name in ("morning_analytics 06:35", "finance_close 07:00")]

    assert "Next Ask the payments team (payments@example.com)" in said
    assert places == sorted(places)
    assert "score_customers marketing_audiences running" in said
    assert "extract_payments contract broken" in said
    assert "report-unread" in said


def test_links_lead_to_log_run_and_runbook(sample_uri: str, tmp_path: Path) -> None:
    """Where Airflow is known, each failure links to its log, its run and its runbook page."""
    runbooks = tmp_path / "runbooks"
    runbooks.mkdir()
    (runbooks / "contract-broken.md").write_text("# A contract\n<script>x</script>", "utf-8")
    told = {"airflow_url": "https://airflow.example.com/", "runbooks": runbooks}
    with serving(sample_uri, tmp_path, settings=told) as running:
        client = running.visitor()
        page, book = client.get("/engineering").text, client.get("/runbooks/contract-broken").text

    run = "https://airflow.example.com/dags/finance_close/runs/scheduled__2026-03-10T06%3A15%3A00"
    assert f"{run}%2B00%3A00/tasks/extract_payments?try_number=2" in page
    assert "/runbooks/contract-broken" in page
    assert "<h1>A contract</h1>" in book
    assert "&lt;script&gt;" in book


@pytest.mark.parametrize(
    "path",
    [
        "/incidents/4711",
        "/incidents/x",
        "/incidents/99999999999999999999",
        "/runbooks/..%2f..%2fREADME",
        "/engineering/run?pipeline=a&run=b",
        "/engineering/pipeline?name=nobody",
        "/engineering/step",
        "/parts/99/0",
        "/parts/0/99",
        "/parts/x/y",
        "/nothing",
    ],
)
def test_what_is_not_there_is_said(served: Served, path: str) -> None:
    """A wrong address is a page that says so, not an error."""
    answer = served.visitor().get(path)

    assert answer.status_code == 404
    assert "here is no" in answer.text or "knows no" in answer.text


@pytest.mark.parametrize("page", [p for p in PAGES if "{" not in p.path], ids=lambda p: p.path)
def test_an_empty_ledger_is_no_good_news(tmp_path: Path, page: Any) -> None:  # noqa: ANN401 (a Page)
    """Where nothing has run and nobody looked, each page says so, and none looks green."""
    if page.path in TOLD:
        return
    with serving(f"sqlite:///{tmp_path}/empty.db", tmp_path, sample=False) as running:
        answer = running.visitor().get(page.path)

    assert answer.status_code == 200
    assert "No check has ever run here" in words(answer.text)
    for lie in ("they add up", "No incident is open", "Nothing is foreseen", "keeps its contract"):
        assert lie not in answer.text


def test_a_ledger_that_is_away_is_said(tmp_path: Path) -> None:
    """A database that stops is a page that names it and what to do; when it is back, all is."""
    with running_postgres() as server:
        uri = server.new_database()
        with serving(uri, tmp_path, sample=False) as running:
            running.dashboard.source.fresh_seconds = 0.0
            client = running.visitor()
            unmigrated = client.get("/")
            ledger = Ledger.open(uri)
            ledger.migrate()
            ledger.close()
            server.stop()
            away = client.get("/")
            server.start()
            back = client.get("/")

    assert [unmigrated.status_code, away.status_code, back.status_code] == [503, 503, 200]
    assert "stationmaster ledger migrate" in unmigrated.text
    assert "Something that is needed does not answer" in away.text


def test_hostile_texts_are_texts(sample_uri: str, tmp_path: Path) -> None:
    """No name, error, link or note of anybody becomes markup or a script's address."""
    fill_with_hostility(sample_uri)
    about = {"pipeline": EVIL, "run": EVIL, "step": EVIL_STEP, "name": EVIL}
    paths = ["/", "/incidents/666", *(p.path for p in PAGES if "{" not in p.path)]
    with serving(sample_uri, tmp_path) as running:
        client = running.visitor()
        pages = [client.get(address(path, about)) for path in paths]

    for path, page in zip(paths, pages, strict=True):
        assert (path, page.status_code) == (path, 200)
        assert "<script>window" not in page.text, path
        assert "<img src=x" not in page.text, path
        assert 'href="javascript:' not in page.text, path
        assert 'href="data:' not in page.text, path
        assert "49" not in re.findall(r"`(\d+)", page.text), path


def test_vendored_files_are_what_was_published() -> None:
    """Each library of others has the hash that its README names, and a licence beside it."""
    for folder in (STATIC / "vendored", Path(__file__).parent / "vendored"):
        told = (folder / "README.md").read_text("utf-8")
        scripts = sorted(folder.glob("*.js"))
        assert scripts
        for script in scripts:
            assert hashlib.sha256(script.read_bytes()).hexdigest() in told
            name = re.match(r"[a-z-]+-\d+\.\d+\.\d+", script.name)
            assert name
            assert (folder / f"{name[0]}.LICENSE").is_file()


def test_postgres_and_sqlite_say_the_same(sample_uri: str, tmp_path: Path) -> None:
    """Each page of the shop says the same whichever database the ledger is in."""
    paths = [address(page.path) for page in PAGES if "{name}" not in page.path]
    with running_postgres() as server:
        uri = server.new_database()
        fill_sample(uri)
        with (
            serving(uri, tmp_path) as there,
            serving(sample_uri, tmp_path) as here,
        ):
            one, other = there.visitor(), here.visitor()
            said = {p: (words(one.get(p).text), words(other.get(p).text)) for p in paths}

    for path, (postgres, sqlite) in said.items():
        # Seconds go by between the two.
        moving = r"\d+ (min|s|minutes?)\b|just now| ago"
        assert re.sub(moving, "", postgres) == re.sub(moving, "", sqlite), path
