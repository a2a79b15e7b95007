"""A source's broken promise as the error that ends an extract step, and what is only noted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from stationmaster.step.errors import ContractBrokenError
from stationmaster.step.payloads.findings import BREAKING, Change, Finding, in_order, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stationmaster.step.payloads.document import PayloadContract

__all__ = ["broken", "noted", "serious"]

_VALUES: Final = frozenset(
    {
        Change.ENUM_VALUE,
        Change.VARIANT,
        Change.UNIT_OR_SCALE,
        Change.DATE_FORMAT,
        Change.FORMAT,
        Change.ENCODING,
    }
)
"""Changes that one odd value shows as well."""
_NEW_WORDS: Final = frozenset({Change.ENUM_VALUE, Change.VARIANT})
_ACCIDENTS: Final = 10
"""So many records with the same odd value are no accident any more."""
_NAMED: Final = 3
_LONGEST_EXPECTED: Final = 90
_LONGEST_SENTENCE: Final = 260
_LONGEST_AFFECTED: Final = 300


def serious(findings: Iterable[Finding], max_bad_share: float) -> list[Finding]:
    """Return the findings that are a change of the source, not a few bad records.

    A field that is gone, null or of another type is a change when more than the tolerated share
    of records show it; an odd value, too, when ten records do. A word that is new to an
    enumeration is one when ten records have it, whatever their share: readers of an enumeration
    do not tolerate others.
    """
    return [one for one in findings if _is_serious(one, max_bad_share)]


def _is_serious(finding: Finding, max_bad_share: float) -> bool:
    if finding.change not in BREAKING:
        return False
    if finding.change in _VALUES and finding.count < _ACCIDENTS:
        return False
    return finding.change in _NEW_WORDS or finding.count > max_bad_share * finding.of


def broken(
    findings: Sequence[Finding], contract: PayloadContract, *, where: str, hint: str
) -> ContractBrokenError:
    """Return the error that names source, endpoint, each field, how often, and who is affected.

    It is short enough for a result of 4,096 bytes, which holds it twice.

    Args:
        findings: What broke, at least one.
        contract: What was promised.
        where: The delivery: source, file or address, and day.
        hint: What to do about it.
    """
    named = in_order(findings)[:_NAMED]
    more = len(findings) - len(named)
    told = "; ".join(_cut(_with_since(one), _LONGEST_SENTENCE) for one in named)
    return ContractBrokenError(
        f"{where} (source {contract.source}, endpoint {contract.endpoint})",
        expected=", ".join(
            f"`{shown(one.path)}` ({_cut(one.expected, _LONGEST_EXPECTED)})" for one in named
        ),
        got=told + (f"; and {more} more changes" if more > 0 else ""),
        hint=f"{hint} {_affected(contract)}".strip(),
    )


def noted(findings: Iterable[Finding], where: str, unit: str = "") -> tuple[str, ...]:
    """Return findings that do not end the step as notes; `unit` says of which records."""
    return tuple(
        (f"{where}: " if where else "")
        + f"{_cut(one.sentence, _LONGEST_SENTENCE)}{unit}"
        + ("; it is not read" if one.change is Change.ADDED else "")
        for one in in_order(findings)
    )


def _with_since(finding: Finding) -> str:
    return f"{finding.sentence}, first seen {finding.since}" if finding.since else finding.sentence


def _affected(contract: PayloadContract) -> str:
    """Say which datasets and reports wait for this source."""
    datasets, reports = contract.affected_datasets, contract.affected_reports
    told = f"datasets {', '.join(datasets)}" if datasets else ""
    if reports:
        told += f"{' and ' if told else ''}reports {', '.join(reports)}"
    return f"Affected: {_cut(told, _LONGEST_AFFECTED)}." if told else ""


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
