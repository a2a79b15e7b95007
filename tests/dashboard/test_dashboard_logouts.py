"""A login can be taken back: of all browsers, at once, and with the name of who did it."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from stationmaster.ledger.engine import make_engine
from stationmaster.monitor.dashboard.access.logouts import end_sessions, logouts_of
from stationmaster.monitor.dashboard.commands import app
from stationmaster.monitor.incidents.operators import NotAllowedError, Operator, Role
from stationmaster.monitor.incidents.reading import last_actions
from tests.dashboard.served import serving

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    from sqlalchemy.engine import Engine

    from tests.dashboard.served import Served

OWNER = "owner of this machine"
ADA = Operator(name="ada@example.org", role=Role.VIEWER, via="dashboard (oidc)")


def now() -> dt.datetime:
    """Return the moment."""
    return dt.datetime.now(dt.UTC)


def engine_of(served: Served) -> Engine:
    """Return the ledger's engine."""
    return served.dashboard.source.engine


def send(client: httpx.Client, **fields: str) -> httpx.Response:
    """Send the form of the page of logins, as the page has it."""
    token = re.search(r'name="form_token" value="([0-9a-f]+)"', client.get("/logins").text)
    assert token is not None
    return client.post("/logouts", data={"form_token": token[1], **fields})


def test_all_of_ones_browsers_are_logged_out(served: Served) -> None:
    """Who ends his sessions in one browser is asked to log in in each; a new login counts."""
    laptop, phone = served.visitor(), served.visitor()
    ended = send(laptop, name=OWNER, why="lost the phone")

    assert ended.status_code == 303
    assert [each.get("/").status_code for each in (laptop, phone)] == [303, 303]
    assert phone.get("/parts/0/1").status_code == 401
    assert served.visitor().get("/").status_code == 200


def test_an_act_of_a_session_that_was_ended_does_nothing(served: Served) -> None:
    """A form that a logged-out browser still shows is refused."""
    client = served.visitor()
    page = client.get("/incidents/7").text
    token = re.search(r'name="form_token" value="([0-9a-f]+)"', page)
    assert token is not None
    send(served.visitor(), everybody="1")
    answer = client.post("/acts/close/7", data={"form_token": token[1]})

    assert answer.status_code == 401
    assert "close" not in {each.action for each in last_actions(engine_of(served), most=1)}


def test_who_did_it_and_why_is_written_down(served: Served) -> None:
    """The page of actions and the page of logins name who ended whose sessions."""
    send(served.visitor(), name="eve@example.org", why="left the company")
    client = served.visitor()
    (act,) = last_actions(engine_of(served), most=1)

    assert (act.actor, act.action, act.target) == (OWNER, "log-out", "person eve@example.org")
    assert "left the company" in client.get("/engineering/actions").text
    assert "eve@example.org" in client.get("/logins").text


def test_a_form_of_another_site_logs_nobody_out(served: Served) -> None:
    """Without the page's token nothing happens."""
    client = served.visitor()

    assert client.post("/logouts", data={"everybody": "1"}).status_code == 403
    assert logouts_of(engine_of(served)) == []


def test_a_viewer_logs_out_only_himself(served: Served) -> None:
    """His own sessions are his; another's are refused, and that is written down."""
    end_sessions(engine_of(served), ADA, ADA.name, now=now())
    with pytest.raises(NotAllowedError):
        end_sessions(engine_of(served), ADA, "bob@example.org", now=now())
    (act,) = last_actions(engine_of(served), most=1)

    assert [row["name"] for row in logouts_of(engine_of(served))] == [ADA.name]
    assert "may log out only itself" in str(act.document)


def test_another_process_of_the_dashboard_knows_it(sample_uri: str, tmp_path: Path) -> None:
    """What one process was told counts in all that read the same ledger."""
    with serving(sample_uri, tmp_path) as running:
        client = running.visitor()
        other = make_engine(sample_uri)
        operator = Operator(name="bob", role=Role.OPERATOR, via="cli")
        end_sessions(other, operator, OWNER, now=now())
        other.dispose()
        running.dashboard.source.forget_all()  # instead of waiting for two seconds

        assert client.get("/").status_code == 303


def test_nobody_is_let_in_where_nobody_can_be_asked(served: Served) -> None:
    """A session is no proof while the ledger does not say whether it was taken back."""
    client = served.visitor()
    with engine_of(served).begin() as connection:
        connection.exec_driver_sql("DROP TABLE login_epoch")
    served.dashboard.source.forget_all()

    assert client.get("/").status_code == 503


def test_the_command_ends_sessions_and_shows_it(
    sample_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a shell: somebody's, or everybody's."""
    monkeypatch.setenv("STATIONMASTER_LEDGER_URI", sample_uri)
    run = CliRunner().invoke
    nobody = run(app, ["sessions"]).stdout
    eve = run(app, ["sessions", "--end", "eve@example.org", "--why", "left"]).stdout
    everybody = run(app, ["sessions", "--end-all"]).stdout

    assert "Nobody was ever logged out" in nobody
    assert re.search(r"eve@example\.org: sessions from before .* UTC are over, by \w+: left", eve)
    assert "everybody: sessions from before" in everybody
