"""A step checks what it is told before it does any work."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from stationmaster.step import (
    BusinessDateError,
    MisconfiguredError,
    Params,
    ProtocolVersionError,
    Settings,
)
from stationmaster.step.incoming import check_business_date, parse_context, validate_params
from stationmaster.step.resultfile import read_result

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.step.conftest import RunHello

GOOD: dict[str, Any] = {
    "protocol": 1,
    "pipeline": "p",
    "run_id": "r",
    "step": "s",
    "job": "hello-files",
    "try_id": "t",
    "business_date": "2011-11-21",
}


def test_a_whole_context_is_read_and_unknown_fields_are_left_for_later_versions() -> None:
    """A field that a later minor release adds does not break an older image."""
    context = parse_context(json.dumps({**GOOD, "news": [1]}))

    assert context.business_date == dt.date(2011, 11, 21)


@pytest.mark.parametrize(
    ("text", "kind", "sentence"),
    [
        (None, MisconfiguredError, "expected the step's context as JSON, got nothing"),
        ("", MisconfiguredError, "got an empty text"),
        ("{oops", MisconfiguredError, "expected JSON, got '{oops'"),
        ("[1]", MisconfiguredError, "expected a JSON object, got '[1]'"),
        (json.dumps({**GOOD, "protocol": 2}), ProtocolVersionError, "expected 1, got 2"),
        (json.dumps({**GOOD, "protocol": True}), ProtocolVersionError, "expected 1, got true"),
        (json.dumps({"step": "s"}), ProtocolVersionError, "expected 1, got none"),
        (
            json.dumps({k: v for k, v in GOOD.items() if k != "try_id"}),
            MisconfiguredError,
            "field `try_id` of STATIONMASTER_CONTEXT: expected a value, got nothing",
        ),
        (
            json.dumps({**GOOD, "shard": {"index": -1}}),
            MisconfiguredError,
            "field `shard.index` of STATIONMASTER_CONTEXT",
        ),
        (
            json.dumps({**GOOD, "business_date": "yesterday"}),
            BusinessDateError,
            'a day of the calendar written like 2011-11-21, got "yesterday"',
        ),
        (json.dumps({**GOOD, "business_date": "2011-02-30"}), BusinessDateError, '"2011-02-30"'),
        (json.dumps({**GOOD, "business_date": 20111121}), BusinessDateError, "got 20111121"),
    ],
)
def test_a_context_that_cannot_be_used_is_named(
    text: str | None, kind: type[MisconfiguredError], sentence: str
) -> None:
    """Each wrong context has its own error with what was expected and what came."""
    with pytest.raises(kind) as caught:
        parse_context(text)

    assert type(caught.value) is kind
    assert sentence in str(caught.value)
    assert caught.value.exit_code == 78


def test_a_future_business_date_is_refused_by_the_business_clock() -> None:
    """A day that has not begun in the business's zone cannot be worked on; today can."""
    settings = Settings(business_timezone="Pacific/Kiritimati")
    today = dt.datetime.now(ZoneInfo("Pacific/Kiritimati")).date()

    check_business_date(today, settings)
    with pytest.raises(BusinessDateError) as caught:
        check_business_date(today + dt.timedelta(days=3), settings)

    assert f"no later than today, {today} in Pacific/Kiritimati" in str(caught.value)
    assert "got a date 3 days ahead" in str(caught.value)


class _Known(Params):
    share: float = 0.01
    name: str


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"name": "a", "shaer": 1}, "param `shaer` of _Known: expected only known names, got 1"),
        ({"name": "a", "share": "much"}, "param `share` of _Known: expected Input should be"),
        ({}, "param `name` of _Known: expected a value, got nothing"),
    ],
)
def test_a_param_that_does_not_fit_is_named_beside_the_known_ones(
    given: dict[str, Any], sentence: str
) -> None:
    """A misspelt, missing or mistyped param is a sentence, and the known params stand in it."""
    with pytest.raises(MisconfiguredError) as caught:
        validate_params(_Known, given)

    assert sentence in str(caught.value)
    assert "known params: share, name" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("STATIONMASTER_BUSINESS_TIMEZONE", "Mars/Base", "expected the name of a time zone"),
        ("STATIONMASTER_RUNTIME", "abacus", "Input should be 'process' or 'kubernetes'"),
    ],
)
def test_a_setting_that_makes_no_sense_is_misconfigured(
    hello: RunHello, variables: dict[str, str], name: str, value: str, sentence: str
) -> None:
    """Exit code 78, and the message tells which value does not fit."""
    variables[name] = value

    outcome, _ = hello()

    assert outcome.exit_code == 78
    assert outcome.failure is not None
    assert sentence in outcome.failure.message


def test_the_error_of_a_wrong_context_reaches_the_result_file(
    tmp_path: Path, variables: Mapping[str, str]
) -> None:
    """`python -m <job>` without a context exits with 78 and says why in log and result."""
    result = tmp_path / "result.json"

    ended = subprocess.run(
        [sys.executable, "-m", "hello_files"],
        env={**variables, "STATIONMASTER_RESULT": str(result)},
        capture_output=True,
        text=True,
        check=False,
    )
    left = read_result(result)

    assert ended.returncode == 78
    assert "ERROR   MisconfiguredError: environment variable STATIONMASTER_CONTEXT" in ended.stdout
    assert left is not None
    assert left.error is not None
    assert left.error.got == "nothing"
