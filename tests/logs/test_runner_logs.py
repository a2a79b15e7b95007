"""What a step prints is in the log store, whatever becomes of the step."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from stationmaster.step.settings import Settings
from tests.s3_server import KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from stationmaster.step.process import StepProcess
    from tests.logs.conftest import RunNoisy, Shown


def _numbers(lines: list[str]) -> list[int]:
    """Return the numbers of the numbered lines."""
    texts = [line.removeprefix("[attempt 1] ") for line in lines]
    return [int(text[:8]) for text in texts if text[:8].isdigit()]


def test_all_that_a_step_prints_is_kept(noisy: RunNoisy, shown: Shown) -> None:
    """Lines of Python, of native code and of child processes are in the store, in their order."""
    outcome, printed = noisy(say="good morning")

    assert outcome.exit_code == 0
    assert "child good morning" in printed
    lines = shown()
    said = [line for line in lines if "good morning" in line]
    assert said == [f"[attempt 1] {text}" for text in ("good morning",) * 2] + [
        "[attempt 1] child good morning"
    ]
    assert lines[-1] == "[attempt 1] Done"


def test_a_hundred_megabytes_are_kept_complete(noisy: RunNoisy, shown: Shown) -> None:
    """A million lines of 100 bytes are all there, each once, in order."""
    outcome, _ = noisy(lines=1_000_000)

    assert outcome.exit_code == 0
    lines = shown()
    assert _numbers(lines) == list(range(1_000_000))
    assert {len(line) for line in lines if "xxxxx" in line} == {99 + len("[attempt 1] ")}


def test_lines_of_a_megabyte_are_kept_whole(noisy: RunNoisy, shown: Shown) -> None:
    """A line that is longer than a chunk comes back as one line."""
    noisy(lines=5, line_bytes=1_500_000)

    long = [line for line in shown() if "xxxxx" in line]
    assert _numbers(long) == [0, 1, 2, 3, 4]
    assert {len(line) for line in long} == {1_499_999 + len("[attempt 1] ")}


def test_a_killed_step_leaves_all_but_its_last_moments(
    start: Callable[..., StepProcess], shown: Shown
) -> None:
    """After SIGKILL of every process of the step, what is older than the last flush is there."""
    with start(lines=200, sleep=60) as process:
        lines: list[str] = []
        until = time.monotonic() + 60
        while "[attempt 1] before the sleep" not in lines and time.monotonic() < until:
            time.sleep(0.3)
            lines = shown()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        for pid in (int(children.split()[0]), process.pid):
            os.kill(pid, signal.SIGKILL)
        process.wait(lambda _: None)
    lines = shown()
    assert _numbers(lines) == list(range(200))
    assert "ends without a last word" in lines[-1]


def test_a_step_killed_alone_loses_nothing(start: Callable[..., StepProcess], shown: Shown) -> None:
    """When only the step's own process is killed, its log has even the last line."""
    with start(sleep=60) as process:
        printed: list[str] = []

        def on_line(line: str) -> None:
            printed.append(line)
            if line == "before the sleep":
                os.kill(process.pid, signal.SIGKILL)

        outcome = process.wait(on_line)
    until = time.monotonic() + 30
    while shown()[-1:] != ["[attempt 1] before the sleep"] and time.monotonic() < until:
        time.sleep(0.2)
    assert outcome.exit_code == 128 + signal.SIGKILL
    assert shown()[-1] == "[attempt 1] before the sleep"


def test_a_stopped_step_keeps_its_last_words(
    start: Callable[..., StepProcess], shown: Shown
) -> None:
    """SIGTERM to the step's whole process group leaves the log complete."""
    with start(sleep=60) as process:
        process.wait(lambda line: process.stop() if line == "before the sleep" else None)

    assert "exit code 143" in shown()[-1]


def test_a_failure_is_in_the_log(noisy: RunNoisy, shown: Shown) -> None:
    """The traceback of the job's own error is kept, and the exit code is the step's."""
    outcome, _ = noisy(fail=True)

    assert outcome.exit_code == 1
    assert any("RuntimeError: as asked" in line for line in shown())


def test_a_store_that_never_answers_does_not_fail_the_step(
    noisy: RunNoisy, silent_server: str
) -> None:
    """The step does its work, prints to stdout as ever, and ends in bounded time."""
    told = {
        "STATIONMASTER_LOGS": "s3://logs/steps",
        "STATIONMASTER_S3_ENDPOINT": silent_server,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": KEY,
    }
    outcome, printed = noisy(told, lines=200_000)

    assert outcome.exit_code == 0
    assert _numbers(printed) == list(range(200_000))
    assert any("could not be written to the log store" in line for line in printed)


def test_a_step_outlives_the_carrier_of_its_log(noisy: RunNoisy) -> None:
    """When the process that carries the log is killed, the step goes on printing to stdout."""
    outcome, printed = noisy(kill_carrier=True)

    assert outcome.exit_code == 0
    assert "printed after the carrier's end" in printed


def test_a_secret_leaves_the_step_nowhere(
    noisy: RunNoisy, shown: Shown, tmp_path: Path, store_folder: Path
) -> None:
    """A secret is struck out of stdout, chunks and result, also when printed in pieces."""
    secrets = tmp_path / "home" / "secrets"
    secrets.mkdir(parents=True)
    (secrets / "door").write_text("sesame-open-42\n")
    (secrets / "api").write_text('{"user": "u", "password": "quite, a \\"word\\""}')
    told = {"LEDGER_PASSWORD": "deep-blue-sea", "DB_URI": "postgresql://u:p4ssw0rd!@db/x"}

    outcome, printed = noisy(
        told, fail=True, say='the code is sesame-open-42deep-blue-seap4ssw0rd!quite, a "word"'
    )

    assert outcome.result is not None
    assert outcome.result.error is not None
    assert outcome.result.error.message.endswith("the code is ************")
    everywhere = (
        "\n".join(printed)
        + outcome.result.model_dump_json()
        + "".join(path.read_text() for path in store_folder.rglob("*.log"))
    )
    for secret in ("sesame", "open-42", "deep-blue", "p4ss", "quite, a"):
        assert secret not in everywhere
    assert "[attempt 1] the code is ************" in shown()


def test_chunks_go_to_s3(
    noisy: RunNoisy, shown: Shown, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With STATIONMASTER_LOGS=s3://… a step's log is objects that a reader finds and reads."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, KEY)
    monkeypatch.setenv("STATIONMASTER_S3_ENDPOINT", endpoint)
    client = boto3.client("s3", endpoint_url=endpoint, region_name=Settings().s3_region)
    client.create_bucket(Bucket="step-logs")

    noisy({"STATIONMASTER_LOGS": "s3://step-logs/a b+c"}, lines=30_000)

    listed = client.list_objects_v2(Bucket="step-logs", Prefix="a b+c/")["Contents"]
    assert listed[0]["Key"].endswith("task_id=noisy/attempt=1/shard=0/attempt=1/000000.log")
    assert _numbers(shown("s3://step-logs/a b+c")) == list(range(30_000))


def test_without_the_setting_nothing_is_kept(noisy: RunNoisy, store_folder: Path) -> None:
    """A step without STATIONMASTER_LOGS runs as one process and writes no chunks."""
    outcome, printed = noisy({"STATIONMASTER_LOGS": ""})

    assert outcome.exit_code == 0
    assert "the last word" in printed
    assert not store_folder.exists()
