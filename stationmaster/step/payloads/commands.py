"""The commands `stationmaster contracts learn | import | check | diff`."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer
import yaml

from stationmaster.step.errors import ContractBrokenError, MisconfiguredError
from stationmaster.step.payloads.checking import Checker
from stationmaster.step.payloads.diffing import differences
from stationmaster.step.payloads.document import PayloadContract
from stationmaster.step.payloads.findings import Finding, Severity, rendered
from stationmaster.step.payloads.importing import Importer, response_schema
from stationmaster.step.payloads.learning import Learner, confidence
from stationmaster.step.payloads.reading import BadLine, lines_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from stationmaster.step.payloads.fields import Field

__all__ = ["app", "check", "diff", "import_schema", "learn"]

app = typer.Typer(
    help="Learn what a source sends, check payloads against it, compare two contracts.",
    no_args_is_help=True,
)

_Out = Annotated[Path | None, typer.Option(help="Write the contract here, not to the screen.")]
_Source = Annotated[str, typer.Option(help="Name of the source, for the contract.")]
_Endpoint = Annotated[str, typer.Option(help="Name of the endpoint or kind of file.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def learn(
    samples: Annotated[
        Path, typer.Argument(help="JSON lines, plain or gzipped; - for standard input.")
    ],
    *,
    out: _Out = None,
    source: _Source = "source",
    endpoint: _Endpoint = "payload",
    refine: Annotated[
        Path | None,
        typer.Option(help="Keep this contract; add only how often optional fields are there."),
    ] = None,
) -> None:
    """Draft a contract from samples: only what all of them keep."""
    learner = Learner()
    known = PayloadContract.read(refine) if refine is not None else None
    checker = Checker(known) if known is not None else None
    bad = 0
    for line in lines_of(samples):
        if isinstance(line, BadLine):
            bad += 1
            continue
        learner.add(line.value)
        if checker is not None:
            checker.add(line.value, line.number)
    if not learner.records:
        raise MisconfiguredError(
            where=f"{samples}",
            expected="at least one line that is a JSON document",
            got=f"none, and {bad:,} lines that cannot be read",
            hint="Give samples of some hundred payloads, one a line.",
        )
    drafted = learner.field()
    how = f"{learner.records:,} samples"
    contract = PayloadContract(
        source=source,
        endpoint=endpoint,
        root=drafted,
        time_field=_time_field(drafted),
        description=f"Learned from {how}; confidence {confidence(learner.records)}.",
    )
    if known is not None and checker is not None:
        contract = replace(known, root=checker.refined())
    _write(contract, out)
    sys.stderr.write(
        f"{how}, {bad:,} lines set aside, confidence {confidence(learner.records)}; "
        f"{_weak(drafted)} fields were seen too rarely for more than low confidence\n"
    )


@app.command("import")
def import_schema(  # noqa: PLR0913 (each is a word on the command line)
    schema: Annotated[Path, typer.Argument(help="JSON Schema or OpenAPI, JSON or YAML.")],
    *,
    out: _Out = None,
    source: _Source = "source",
    endpoint: _Endpoint = "payload",
    component: Annotated[str, typer.Option(help="A schema of OpenAPI's components.")] = "",
    operation: Annotated[str, typer.Option(help="An operation: `GET /users/{name}`.")] = "",
    status: Annotated[str, typer.Option(help="The operation's answer.")] = "200",
) -> None:
    """Make a contract of a JSON Schema, or of a part of an OpenAPI document."""
    document = _document(schema)
    if operation:
        method, _, path = operation.partition(" ")
        part: Any = response_schema(document, method, path.strip(), status)
    else:
        part = {"$ref": f"#/components/schemas/{component}"} if component else document
    root = Importer(document).field(part)
    _write(PayloadContract(source=source, endpoint=endpoint, root=root), out)


@app.command()
def check(
    contract: Annotated[Path, typer.Argument(help="The contract.")],
    payloads: Annotated[
        Path, typer.Argument(help="JSON lines, plain or gzipped; - for standard input.")
    ],
    *,
    as_json: _Json = False,
    bad_lines: Annotated[
        Path | None, typer.Option(help="Write lines that are no payloads here, as they came.")
    ] = None,
) -> None:
    """Check payloads; exit code 65 where something breaks, 78 where nothing could be read."""
    promised = PayloadContract.read(contract)
    checker = Checker(promised)
    shown: list[dict[str, object]] = []
    for bad in _kept(checker.add_all(lines_of(payloads)), bad_lines):
        if len(shown) < 5:  # noqa: PLR2004 (enough to look at)
            shown.append({"line": bad.number, "why": bad.why})
    findings = checker.findings()
    told: dict[str, object] = {
        "source": promised.source,
        "endpoint": promised.endpoint,
        "records": checker.records,
        "bad_lines": checker.bad_lines,
        "first_bad_lines": shown,
    }
    _report(findings, told, _counted(checker), as_json=as_json)
    if checker.bad_lines and not checker.records:
        raise typer.Exit(MisconfiguredError.exit_code)
    _exit(findings)


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="The contract that readers rely on.")],
    new: Annotated[Path, typer.Argument(help="The one that comes after it.")],
    *,
    as_json: _Json = False,
) -> None:
    """Compare two contracts; exit code 65 where readers of the old one break."""
    findings = differences(PayloadContract.read(old).root, PayloadContract.read(new).root)
    _report(findings, {"old": str(old), "new": str(new)}, f"{old} and {new}", as_json=as_json)
    _exit(findings)


def _counted(checker: Checker) -> str:
    """Say how much was looked at: that nothing was found in nothing is no good news."""
    payloads = f"{checker.records:,} payload{'' if checker.records == 1 else 's'}"
    aside = f"{checker.bad_lines:,} line{'' if checker.bad_lines == 1 else 's'} set aside"
    empty = "nothing was checked" if not checker.records else ""
    return ", ".join(filter(None, (payloads, aside if checker.bad_lines else "", empty)))


def _report(
    findings: Sequence[Finding], told: dict[str, object], what: str, *, as_json: bool
) -> None:
    if as_json:
        listed = [finding.as_json() for finding in findings]
        typer.echo(json.dumps({**told, "findings": listed}, ensure_ascii=False))
        return
    breaking = sum(finding.severity is Severity.BREAKING for finding in findings)
    changes = "1 change breaks" if breaking == 1 else f"{breaking} changes break"
    others = len(findings) - breaking
    typer.echo(f"{what}: {changes}, {others} {'does' if others == 1 else 'do'} not.")
    if findings:
        typer.echo(rendered(findings))


def _exit(findings: Sequence[Finding]) -> None:
    if any(finding.severity is Severity.BREAKING for finding in findings):
        raise typer.Exit(ContractBrokenError.exit_code)


def _kept(lines: Iterator[BadLine], path: Path | None) -> Iterator[BadLine]:
    """Write bad lines away while they pass."""
    if path is None:
        yield from lines
        return
    with _writable(path) as file:
        for line in lines:
            file.write(line.raw if line.raw.endswith(b"\n") else line.raw + b"\n")
            yield line


def _write(contract: PayloadContract, out: Path | None) -> None:
    if out is None:
        typer.echo(contract.text(), nl=False)
    else:
        with _writable(out) as file:
            file.write(contract.text().encode())


def _writable(path: Path) -> BinaryIO:
    """Open a file for what a command writes.

    Raises:
        MisconfiguredError: It cannot be written.
    """
    try:
        return path.open("wb")
    except OSError as error:
        raise MisconfiguredError(
            where=f"{path}",
            expected="a file that can be written",
            got=error.strerror or str(error),
            hint="Name a file in a folder that is there and yours.",
        ) from error


def _document(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        found = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
        if not isinstance(found, dict):
            raise TypeError(f"{type(found).__name__}, no object")  # noqa: EM102, TRY003, TRY301 (one way out)
    except (OSError, ValueError, TypeError, yaml.YAMLError) as error:
        raise MisconfiguredError(
            where=f"{path}",
            expected="a JSON Schema or an OpenAPI document, JSON or YAML",
            got=" ".join(str(error).split()),
            hint="Check the path, and that the file is whole.",
        ) from error
    return found


def _time_field(field: Field) -> str:
    """Return the one field of the payload that is always a time, the first by name's likelihood."""
    times = [
        name
        for name, part in field.properties.items()
        if part.required and any(form.startswith("date-time") for form in part.formats)
    ]
    likely = [name for name in times if "creat" in name or "placed" in name or name == "time"]
    return (likely or times or [""])[0]


def _weak(field: Field) -> int:
    """Count fields whose promise rests on few values."""
    below = [*field.properties.values(), *field.variants.values(), field.items, field.additional]
    parts = [part for part in below if part is not None]
    return sum(confidence(part.seen) == "low" for part in parts) + sum(map(_weak, parts))
