"""Faults that upstream systems have, put into one source's day on purpose."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from typing import TYPE_CHECKING, Final

from stationmaster.sources.days import SOURCES, support_file, support_folder
from stationmaster.sources.landing import day_folder, gzipped
from stationmaster.sources.plan import PLAN_FILE, Plan, load_plan, save_plan
from stationmaster.step.errors import MisconfiguredError, UpstreamUnavailableError

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from pathlib import Path

    from stationmaster.step.settings import Settings

__all__ = ["ANSWER_FAULTS", "FAULTS", "FILE_FAULTS", "clear", "inject", "parse"]

FILE_FAULTS: Final = {
    "late": "no _SUCCESS yet",
    "truncated": "the first file is cut on its way; _SUCCESS still promises all of it",
    "cut-at-source": "the first file is cut, and _SUCCESS agrees with what is left",
    "renamed": "a field has another name since this day",
    "retyped": "a field has another type since this day",
    "duplicated": "one record in ten comes twice",
    "empty": "the files are there, without records",
    "malformed": "one record in fifty cannot be read",
}
"""Faults of a day that is delivered as files."""

ANSWER_FAULTS: Final = {
    "late": "/v1/status says that the day is not complete",
    "renamed": "a field has another name",
    "retyped": "a field has another type",
    "duplicated": "one ticket in ten comes twice",
    "empty": "no tickets on this day",
    "429": "/v1/tickets answers 429 with Retry-After",
    "500": "/v1/tickets answers 500",
    "hanging": "/v1/tickets does not answer",
    "malformed": "/v1/tickets answers JSON that ends early",
}
"""Faults of the support API; the last four take a number of calls: `support:500:2`."""

FAULTS: Final = {source: FILE_FAULTS for source in SOURCES if source != "support"} | {
    "support": ANSWER_FAULTS
}
"""Names of the faults each source can have, with what they do."""

_RENAMED: Final = {
    "web": ("placed_at", "placedAt"),
    "app": ("ts", "timestamp"),
    "delivery": ("event_time", "event_timestamp"),
    "support": ("created_at", "createdAt"),
}
_RETYPED: Final = {
    "web": "placed_at",
    "app": "ts",
    "delivery": "event_time",
    "support": "ticket_id",
}
_FIRST_KIND: Final = {"web": "orders-", "app": "orders-", "delivery": "events-"}


def parse(text: str) -> tuple[str, str, int | None]:
    """Read `source:fault` or `support:fault:calls`.

    Raises:
        MisconfiguredError: There is no such source or fault.
    """
    source, _, rest = text.partition(":")
    fault, _, calls = rest.partition(":")
    known = ", ".join(f"{name}:{kind}" for name, kinds in FAULTS.items() for kind in kinds)
    if fault not in FAULTS.get(source, {}) or (calls and not calls.isdigit()):
        raise MisconfiguredError(
            where=f"--fault {text}",
            expected=f"one of {known}",
            got=repr(text),
            hint="Write it as source:fault, or support:500:2 for the first two calls.",
        )
    return source, fault, int(calls) if calls else None


def inject(
    settings: Settings, fault: str, source: str, day: dt.date, calls: int | None = None
) -> str:
    """Put one fault into one source's day and return what was done; generating the day repairs it.

    Args:
        settings: Where the day lies.
        fault: A name of FAULTS[source].
        source: web, app, delivery or support.
        day: The source's own day.
        calls: For what the API answers: how many calls it lasts; None: always.

    Raises:
        UpstreamUnavailableError: The day has not been generated.
    """
    parse(f"{source}:{fault}")
    path = support_file(settings, day) if source == "support" else day_folder(settings, source, day)
    if not path.exists():
        raise UpstreamUnavailableError(
            where=f"source {source}, day {day}",
            expected=f"{path}",
            got="nothing there",
            hint=f"Run `stationmaster sources generate --from {day} --to {day}` first.",
        )
    if source == "support":
        _answer(settings, fault, day, calls)
        return f"support {day}: {ANSWER_FAULTS[fault]}"
    _damage(path, fault, source)
    return f"{source} {day}: {FILE_FAULTS[fault]}"


def clear(settings: Settings) -> None:
    """Let the support API answer properly again; file faults go when a day is generated anew."""
    (support_folder(settings) / PLAN_FILE).unlink(missing_ok=True)


def _answer(settings: Settings, fault: str, day: dt.date, calls: int | None) -> None:
    if fault in {"duplicated", "empty"}:
        path = support_file(settings, day)
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        path.write_bytes(gzipped(_text(_CHANGES[fault](lines))))
        return
    name, other = _RENAMED["support"]
    changes: dict[str, dict[str, object]] = {
        "late": {"late_from": day},
        "renamed": {"renamed": {name: other}},
        "retyped": {"retyped": (_RETYPED["support"],)},
        "hanging": {"answer": "hang", "calls": calls},
    }
    change = changes.get(fault, {"answer": fault, "calls": calls})
    folder = support_folder(settings)
    save_plan(folder, Plan.model_validate(load_plan(folder).model_dump() | change))


def _damage(folder: Path, fault: str, source: str) -> None:
    success = folder / "_SUCCESS"
    if fault == "late":
        success.unlink(missing_ok=True)
        return
    files = sorted(file for file in folder.iterdir() if not file.name.startswith("_"))
    first = next(file for file in files if file.name.startswith(_FIRST_KIND[source]))
    if fault in {"truncated", "cut-at-source"}:
        data = first.read_bytes()
        first.write_bytes(data[: len(data) // 2])
        if fault == "cut-at-source":
            _promise(success, [first])
        return
    changed = files if fault == "empty" else [first]
    for file in changed:
        _rewrite(file, fault, source)
    _promise(success, changed)


def _rewrite(file: Path, fault: str, source: str) -> None:
    if file.suffix == ".csv":
        header, *lines = file.read_text().splitlines()
        file.write_bytes(_text(_csv_changed(header, lines, fault)))
        return
    lines = gzip.decompress(file.read_bytes()).decode().splitlines()
    if fault in _CHANGES:
        changed = _CHANGES[fault](lines)
    else:
        changed = [_json_changed(line, fault, source) for line in lines]
    file.write_bytes(gzipped(_text(changed)))


def _promise(success: Path, files: list[Path]) -> None:
    """Bring `_SUCCESS` in line with what the files hold now."""
    document = json.loads(success.read_text())
    for file in files:
        data = file.read_bytes()
        entry = document["files"][file.name]
        entry |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        entry["records"] = _records(file, data, entry["records"])
    success.write_text(json.dumps(document, indent=1) + "\n")


def _records(file: Path, data: bytes, before: int) -> int:
    """Count the records of a file; one that cannot be read keeps its promise."""
    if file.suffix == ".csv":
        return max(0, data.count(b"\n") - 1)
    try:
        return gzip.decompress(data).count(b"\n")
    except EOFError:
        return before


def _json_changed(line: str, fault: str, source: str) -> str:
    record = json.loads(line)
    if fault == "renamed":
        name, other = _RENAMED[source]
        record = {other if key == name else key: value for key, value in record.items()}
    else:
        name = _RETYPED[source]
        value = record[name]
        record[name] = str(value) if isinstance(value, int) else {"value": value}
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False)


def _csv_changed(header: str, lines: list[str], fault: str) -> list[str]:
    if fault in _CHANGES:
        return [header, *_CHANGES[fault](lines)]
    name, other = _RENAMED["delivery"]
    if fault == "renamed":
        return [header.replace(name, other), *lines]
    place = header.split(",").index(_RETYPED["delivery"])
    rows = list(csv.reader(lines))
    for row in rows:
        day, month, rest = row[place].split("/")
        row[place] = f"{rest[:4]}-{month}-{day}T{rest[5:]}"
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return [header, *text.getvalue().splitlines()]


def _twice(lines: list[str]) -> list[str]:
    return [line for place, line in enumerate(lines) for _ in range(2 if place % 10 == 0 else 1)]


def _garbled(lines: list[str]) -> list[str]:
    return [line[: len(line) // 2] if place % 50 == 0 else line for place, line in enumerate(lines)]


def _nothing(_lines: list[str]) -> list[str]:
    return []


_CHANGES: Final[dict[str, Callable[[list[str]], list[str]]]] = {
    "duplicated": _twice,
    "malformed": _garbled,
    "empty": _nothing,
}


def _text(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
