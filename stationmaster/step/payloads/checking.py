"""Check payloads against a contract, one after the other; memory does not grow with them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from stationmaster.step.payloads.findings import Change, Finding, in_order
from stationmaster.step.payloads.place import Place
from stationmaster.step.payloads.presence import with_presence
from stationmaster.step.payloads.reading import BadLine
from stationmaster.step.payloads.renames import Candidate, paired
from stationmaster.step.payloads.shifts import shifted
from stationmaster.step.payloads.tally import Tally
from stationmaster.step.payloads.times import sortable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from stationmaster.step.payloads.document import PayloadContract
    from stationmaster.step.payloads.fields import Field
    from stationmaster.step.payloads.reading import Line
    from stationmaster.step.payloads.tally import Difference

__all__ = ["Checker"]

_CHANCE: Final = 1e-6
"""Below this chance, that an optional field is nowhere is no chance."""


class Checker:
    """Look at payloads and tell what is not as promised.

    What it tells does not depend on the order of the payloads; only `first_seen` names a line.

    Args:
        contract: What was promised.
    """

    def __init__(self, contract: PayloadContract) -> None:
        self._tally = Tally()
        self._root = Place(contract.root, "$", self._tally, self._tally)
        self._time_field = contract.time_field
        self.bad_lines = 0
        self._encodings: Counter[str] = Counter()
        self._first_bad: dict[str, int] = {}

    @property
    def records(self) -> int:
        """Return how many payloads were looked at."""
        return self._tally.record

    def add_all(self, lines: Iterable[Line | BadLine]) -> Iterator[BadLine]:
        """Look at lines as they come, and hand on those that are no payloads."""
        for line in lines:
            if isinstance(line, BadLine):
                self.add_bad(line)
                yield line
            else:
                self.add(line.value, line.number)

    def add(self, value: object, line: int = 0) -> None:
        """Look at one payload."""
        told = value.get(self._time_field) if isinstance(value, dict) else None
        self._tally.begin(line, sortable(told))
        self._root.look(value)

    def add_bad(self, line: BadLine) -> None:
        """Count a line that is no payload."""
        self.bad_lines += 1
        if line.encoding:
            self._encodings[line.encoding] += 1
            first = self._first_bad.setdefault(line.encoding, line.number)
            self._first_bad[line.encoding] = min(first, line.number)

    def findings(self) -> list[Finding]:
        """Return what was not as promised so far, with what breaks first."""
        found = {key: self._tally.finding(key) for key in self._tally}
        for place in _objects(self._root):
            _settle_fields(place, self._tally, found)
        extra = [one for place in _places(self._root) for one in shifted(place)]
        return in_order([*found.values(), *extra, *self._not_utf_8()])

    def refined(self) -> Field:
        """Return what was promised, and how often optional fields were there in these payloads."""
        return with_presence(self._root)

    def _not_utf_8(self) -> Iterator[Finding]:
        total = self.records + self.bad_lines
        for name, count in self._encodings.items():
            yield Finding(
                path="$",
                change=Change.ENCODING,
                expected="UTF-8",
                got=name,
                count=count,
                of=total,
                first_line=self._first_bad[name],
            )


def _places(place: Place) -> Iterator[Place]:
    yield place
    for below in (place.fields, place.inside, place.variants):
        for one in below.values():
            yield from _places(one)


def _objects(root: Place) -> Iterator[Place]:
    return (place for place in _places(root) if place.objects)


def _settle_fields(place: Place, tally: Tally, found: dict[Difference, Finding]) -> None:
    """Tell fields of an object that are gone from those missing at times, and from renamed ones."""
    gone: dict[str, Finding] = {}
    for name, field in place.field.properties.items():
        key = place.absence(name)
        finding = found.pop(key, None) or _surely_gone(place, name, field)
        if finding is None:
            continue
        visited = name in place.fields and place.fields[name].visits
        gone[name] = replace(finding, change=Change.OPTIONAL if visited else Change.REMOVED)
        found[key] = gone[name]
    for name, kinds in place.unknown.items():
        key = place.addition(name)
        if key in found:
            found[key] = replace(found[key], got=" or ".join(sorted(kinds)))
    for pair in paired(_candidates(place, gone, tally)):
        new = found.pop(place.addition(pair.new), None)
        if new is not None:
            found[place.absence(pair.gone)] = replace(
                gone[pair.gone],
                change=Change.RENAMED,
                got=f"`{new.path}`: {new.got}",
                new_name=new.path,
                alike=pair.alike,
                example=new.example,
            )


def _surely_gone(place: Place, name: str, field: Field) -> Finding | None:
    """Return that an optional field is gone where it was seen too often for chance."""
    if field.required or field.presence is None or place.child(name).visits:
        return None
    if (1 - field.presence) ** place.objects > _CHANCE:
        return None
    key = place.absence(name)
    share = f"{key.expected} in at least {field.presence:.0%}"
    return Finding(
        path=key.path,
        change=Change.REMOVED,
        expected=share,
        got="nothing",
        count=place.records,
        of=place.records,
        first_line=place.came.first_line,
        first_time=place.came.first_time,
        when=key.when,
    )


def _candidates(place: Place, gone: dict[str, Finding], tally: Tally) -> Iterator[Candidate]:
    for (name, new), (both, alike) in place.alike.items():
        if name in gone and both:
            field = place.field.properties[name]
            missing = tally.times(place.absence(name)) or place.objects
            yield Candidate(
                gone=name,
                new=new,
                alike=alike / both,
                together=both / missing,
                instead=both / place.unknown[new].total(),
                distinct=bool(field.formats or field.values or len(field.properties) > 1),
            )
