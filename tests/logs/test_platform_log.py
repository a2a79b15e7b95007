"""The platform's own lines, and the logs of pods that have no runner of ours."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from stationmaster.airflow.life.plan import PodRef
from stationmaster.airflow.logs.follower import PodLogs
from stationmaster.airflow.logs.platform import PlatformLogs
from stationmaster.airflow.logs.remote import StepLogIO
from stationmaster.airflow.logs.turns import Turns
from stationmaster.step.logs.format import LogHead, source_folder
from stationmaster.step.logs.spool import LogSpool
from stationmaster.step.logs.store import FolderStore, open_store
from stationmaster.step.settings import Settings
from tests.logs.conftest import LOG_PATH
from tests.logs.kubelet import Kubelet, pod, served
from tests.logs.shown import shown_lines

if TYPE_CHECKING:
    from pathlib import Path

    from stationmaster.step.protocol import StepContext
    from tests.logs.conftest import Shown


@pytest.fixture(name="logs")
def _logs(store_folder: Path, tmp_path: Path) -> PlatformLogs:
    return PlatformLogs(FolderStore(store_folder), tmp_path / "airflow", Settings(home=tmp_path))


async def follow_until_the_end(
    kubelet: Kubelet, logs: PlatformLogs, context: StepContext, *, live: bool = True
) -> None:
    """Follow a pod that runs, then ends, then is let go."""
    async with served(kubelet) as cluster:
        pods = PodLogs(cluster, logs, LOG_PATH, Turns())
        pods.seen(context, pod(live=live, ended=False))
        await asyncio.sleep(1)
        pods.seen(context, pod(live=live, ended=True))
        kubelet.ended.set()
        await pods.before_release(PodRef(name="p", uid="uid of p"))
        await pods.close()
    logs.close()


def test_a_foreign_images_log_is_followed(
    logs: PlatformLogs, context: StepContext, shown: Shown
) -> None:
    """A pod that wears the label is read live, each line with its attempt."""

    async def run() -> None:
        kubelet = Kubelet()
        kubelet.say("one", "", "three")
        await follow_until_the_end(kubelet, logs, context)

    asyncio.run(run())
    assert [line.rpartition(") ")[2] for line in shown()] == ["one", "", "three"]


def test_after_a_break_it_goes_on_without_loss_or_repetition(
    logs: PlatformLogs, context: StepContext, shown: Shown
) -> None:
    """The API is asked from the second of the last line on; that line is not kept twice."""
    kubelet: list[Kubelet] = []

    async def run() -> None:
        kubelet.append(Kubelet())
        kubelet[0].say(*(f"line {number}" for number in range(9)))
        kubelet[0].breaks_after = [3, 4]
        await follow_until_the_end(kubelet[0], logs, context)

    asyncio.run(run())
    texts = [line.rpartition(") ")[2] for line in shown()]
    assert texts == [f"line {number}" for number in range(9)]
    assert kubelet[0].asked[1]["sinceTime"] == "2026-11-22T12:00:02Z"


def test_lines_that_the_node_rotated_away_are_named(
    logs: PlatformLogs, context: StepContext, shown: Shown
) -> None:
    """Where the last line is gone after a break, the log says that some may be lost."""

    async def run() -> None:
        kubelet = Kubelet()
        kubelet.say(*(f"line {number}" for number in range(3)))
        kubelet.breaks_after = [3]
        task = asyncio.create_task(follow_until_the_end(kubelet, logs, context))
        await kubelet.was_asked.wait()
        kubelet.say(*(f"line {number}" for number in range(3, 9)))
        del kubelet.lines[:6]
        await task

    asyncio.run(run())
    texts = [line.rpartition("[attempt 1] ")[2].rpartition(") line")[2] for line in shown()]
    assert [text.strip() for text in texts if "..." not in text] == ["0", "1", "2", "6", "7", "8"]
    assert "lines may have been lost: the node had rotated the pod's log" in shown()[3]


def test_a_pod_that_died_before_the_runner_is_read_once(
    logs: PlatformLogs, context: StepContext, shown: Shown
) -> None:
    """Where a container ended without a result, and no chunk is there, its log is kept."""

    async def run() -> None:
        kubelet = Kubelet()
        kubelet.say("Traceback", "ImportError: no module named x")
        await follow_until_the_end(kubelet, logs, context, live=False)

    asyncio.run(run())
    assert [line.rpartition(") ")[2] for line in shown()][-1] == "ImportError: no module named x"


def test_what_the_runner_keeps_is_not_kept_twice(
    logs: PlatformLogs, context: StepContext, shown: Shown, store_folder: Path
) -> None:
    """A pod whose runner wrote chunks is not read from the API, even if it left no result."""
    head = LogHead(try_id=context.try_id)
    spool = LogSpool(FolderStore(store_folder), source_folder(LOG_PATH, 0, 1), head)
    spool.add(b"by the runner\n")
    spool.flush()
    kubelet: list[Kubelet] = []

    async def run() -> None:
        kubelet.append(Kubelet())
        await follow_until_the_end(kubelet[0], logs, context, live=False)

    asyncio.run(run())
    assert kubelet[0].asked == []
    assert shown()[0] == "[attempt 1] by the runner"


def test_the_platforms_lines_never_wait_for_the_store(
    silent_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a store that takes no answer, thousands of lines are said at once, in bounded memory."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "k")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "k")
    store = open_store("s3://logs/x", endpoint=silent_server)
    logs = PlatformLogs(store, tmp_path, Settings(home=tmp_path))
    opened = [logs.open(LOG_PATH, try_id="t") for _ in range(20)]
    for number in range(5000):
        opened[number % 20].say(f"line {number} " + "x" * 200)

    assert logs.close(timeout_seconds=0.5) is False


def test_a_launcher_that_is_replaced_loses_no_line(
    store_folder: Path, tmp_path: Path, context: StepContext, shown: Shown
) -> None:
    """What one has said without closing is there, and the next one's lines come after it."""
    for number in range(2):
        logs = PlatformLogs(FolderStore(store_folder), tmp_path, Settings(home=tmp_path))
        logs.open(LOG_PATH, try_id=context.try_id).say(f"launcher {number}")
        assert logs.close()

    assert shown() == ["launcher 0", "launcher 1"]


def test_a_log_that_is_opened_again_overwrites_nothing(
    store_folder: Path, tmp_path: Path, context: StepContext, shown: Shown
) -> None:
    """A launcher that lives the same try a second time adds to what it said the first time."""
    logs = PlatformLogs(FolderStore(store_folder), tmp_path, Settings(home=tmp_path))
    for number in range(2):
        log = logs.open(LOG_PATH, try_id=context.try_id)
        log.say(f"life {number}")
        log.close()
    assert logs.close()

    assert shown() == ["life 0", "life 1"]


def test_without_a_store_the_platform_writes_airflows_own_file(tmp_path: Path) -> None:
    """Each line is a document as Airflow's workers write it."""
    logs = PlatformLogs(None, tmp_path, Settings(home=tmp_path))
    log = logs.open(LOG_PATH, try_id="t")
    log.say("waits for a node", level="warning")
    log.close()

    assert logs.close()
    (line,) = (tmp_path / LOG_PATH).read_text().splitlines()
    said = json.loads(line)
    assert (said["event"], said["level"]) == ("waits for a node", "warning")


def test_the_platform_says_no_secret(
    store_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Passwords of its own environment are struck out of its lines."""
    monkeypatch.setenv("STATIONMASTER_LEDGER_URI", "postgresql://u:horse-battery@db/ledger")
    monkeypatch.setenv("STATIONMASTER_LOGS", str(store_folder))
    logs = PlatformLogs(FolderStore(store_folder), tmp_path, Settings(home=tmp_path))
    logs.open(LOG_PATH, try_id="t").say("no answer from postgresql://u:horse-battery@db/ledger")
    logs.close()

    lines = shown_lines(StepLogIO("/nonexistent"), LOG_PATH, "t")
    assert lines == ["no answer from postgresql://u:***@db/ledger"]
