"""Compare two contracts in the words that payloads are checked with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from stationmaster.step.payloads.findings import (
    Change,
    Finding,
    Severity,
    described,
    format_change,
    in_order,
)
from stationmaster.step.payloads.fitting import is_allowed_kind
from stationmaster.step.payloads.formats import covers
from stationmaster.step.payloads.renames import Candidate, paired
from stationmaster.step.payloads.shifts import LEAST_FACTOR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.step.payloads.fields import Field

__all__ = ["differences"]

_OPEN: Final = "anything"


def differences(old: Field, new: Field, path: str = "$", when: str = "") -> list[Finding]:
    """Return what a reader of the old contract meets in payloads of the new one.

    Args:
        old: What was promised.
        new: What is promised now.
        path: Where both stand.
        when: Of which kind of object both are, where several may stand there.
    """
    if old == new or (not old.kinds and old.nullable):
        return []
    found = [*_kinds(old, new, path), *_texts(old, new, path), *_numbers(old, new, path)]
    found = [replace(one, when=when) for one in found]
    if "object" in old.kinds and "object" in new.kinds:
        found += _objects(old, new, path, when)
    if old.items is not None and new.items is not None:
        found += differences(old.items, new.items, f"{path}[]", when)
    return in_order(dict.fromkeys(found))


def _kinds(old: Field, new: Field, path: str) -> Iterator[Finding]:
    if new.nullable and not old.nullable:
        yield Finding(path, Change.NULLABLE, described(old, null=False), "null at times")
    # Of what was observed, no kind means that it was always null.
    if not old.kinds or (not new.kinds and new.seen):
        return
    others = sorted(kind for kind in new.kinds if not is_allowed_kind(old.kinds, kind))
    if others or not new.kinds:
        yield Finding(path, Change.TYPE, described(old), " or ".join(others) or _OPEN)
    elif gone := sorted(old.kinds - new.kinds):
        yield Finding(path, Change.NARROWED, described(old), f"never {' or '.join(gone)}")


def _texts(old: Field, new: Field, path: str) -> Iterator[Finding]:
    if not (old.kinds & new.kinds & {"string", "integer", "number"}):
        return
    if old.values:
        more = [value for value in new.values if value not in old.values]
        for value in more if new.values else ["any other"]:
            yield Finding(path, Change.ENUM_VALUE, described(old), f'"{value}"')
        if new.values and (less := [value for value in old.values if value not in new.values]):
            got = f"never {', '.join(map(str, less))}"
            yield Finding(path, Change.NARROWED, described(old), got)
    elif "string" in old.kinds & new.kinds and not new.values:
        others = [form for form in new.formats if not covers(old.formats, form)]
        if old.formats and (others or not new.formats):
            got = " or ".join(others) or "any text"
            yield Finding(
                path, format_change(old.formats, others[0] if others else ""), described(old), got
            )
        if _longer(old, new):
            yield Finding(path, Change.FORMAT, described(old), described(new))
    for name in sorted(set(new.encodings) - set(old.encodings)):
        yield Finding(path, Change.ENCODING, "plain text", f"text with {name}")


def _longer(old: Field, new: Field) -> bool:
    longest, shortest = old.max_length, old.min_length or 0
    return (new.min_length or 0) < shortest or (
        longest is not None and (new.max_length is None or new.max_length > longest)
    )


def _numbers(old: Field, new: Field, path: str) -> Iterator[Finding]:
    if not (old.kinds & new.kinds & {"integer", "number"}):
        return
    low = old.minimum is not None and (new.minimum is None or new.minimum < old.minimum)
    high = old.maximum is not None and (new.maximum is None or new.maximum > old.maximum)
    if low or high:
        yield Finding(path, Change.UNIT_OR_SCALE, described(old), described(new))
    if old.scale is not None and (new.scale or 0) > old.scale:
        got = f"{new.scale} digits behind the point"
        yield Finding(path, Change.UNIT_OR_SCALE, f"{old.scale} digits behind the point", got)
    if old.typical and new.typical and old.typical.median and new.typical.median:
        factor = new.typical.median / old.typical.median
        apart = new.typical.low > old.typical.high or new.typical.high < old.typical.low
        if apart and not 1 / LEAST_FACTOR < factor < LEAST_FACTOR:
            was, now = (f"a median of {one.typical.median:,}" for one in (old, new) if one.typical)
            yield Finding(path, Change.UNIT_OR_SCALE, was, now)


def _objects(old: Field, new: Field, path: str, when: str) -> Iterator[Finding]:
    if old.variants and old.tag and old.tag == new.tag:
        yield from _tagged(old, new, path, when)
        return
    choices = list(old.variants.values()) or [old]
    for kind in new.variants.values() or [new]:
        told = [_fields(choice, kind, path, when) for choice in choices]
        yield from min(told, key=_weight)


def _weight(found: list[Finding]) -> tuple[int, int]:
    breaking = sum(one.severity is Severity.BREAKING for one in found)
    return breaking, len(found)


def _tagged(old: Field, new: Field, path: str, when: str) -> Iterator[Finding]:
    for name, kind in new.variants.items():
        told = ", ".join(filter(None, (when, f"{old.tag}={name}")))
        if name in old.variants:
            yield from _fields(old.variants[name], kind, path, told)
        else:
            known = f"one of {', '.join(sorted(old.variants))}"
            yield Finding(path, Change.VARIANT, known, f'`{old.tag}` "{name}"', when=when)
    for name in old.variants.keys() - new.variants.keys():
        yield Finding(path, Change.NARROWED, f"`{old.tag}` {name}", "never", when=when)


def _fields(old: Field, new: Field, path: str, when: str) -> list[Finding]:
    if old.free or new.free:
        return []
    found: list[Finding] = []
    if old.additional is not None and new.additional is not None:
        found += differences(old.additional, new.additional, f"{path}.*", when)
    gone = [name for name in old.properties if name not in new.properties]
    fresh = [name for name in new.properties if name not in old.properties]
    if new.additional is not None:
        gone = []
    if old.additional is not None:
        fresh = []
    renamed = {pair.gone: pair.new for pair in paired(_candidates(old, new, gone, fresh))}
    for name in gone:
        promised, where = old.properties[name], f"{path}.{name}"
        other = renamed.get(name, "")
        change = Change.RENAMED if other else Change.REMOVED
        told = f"`{path}.{other}`: {described(new.properties[other])}" if other else "nothing"
        found.append(
            Finding(
                where,
                change,
                described(promised),
                told,
                when=when,
                new_name=f"{path}.{other}" if other else "",
                alike=1.0 if other else 0.0,
            )
        )
    for name in fresh:
        if name not in renamed.values():
            told = described(new.properties[name])
            found.append(Finding(f"{path}.{name}", Change.ADDED, "nothing", told, when=when))
    for name, part in old.properties.items():
        if name in new.properties:
            found += _field(part, new.properties[name], f"{path}.{name}", when)
    return found


def _field(old: Field, new: Field, path: str, when: str) -> list[Finding]:
    found = differences(old, new, path, when)
    if old.required and not new.required:
        found.append(Finding(path, Change.OPTIONAL, described(old), "missing at times", when=when))
    return found


def _candidates(old: Field, new: Field, gone: list[str], fresh: list[str]) -> Iterator[Candidate]:
    for name in gone:
        was = old.properties[name]
        for other in fresh:
            now = new.properties[other]
            broken, _ = _weight(differences(was, now))
            yield Candidate(
                gone=name,
                new=other,
                alike=0.0 if broken or was.kinds != now.kinds else 1.0,
                together=1.0 if was.required == now.required else 0.0,
                instead=1.0,
                distinct=bool(was.formats or was.values or len(was.properties) > 1),
            )
