"""What sources promised: broken, or more than was promised."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.check import check
from stationmaster.monitor.checks.finding import Finding, Layer, Severity, Subject, SubjectKind
from stationmaster.monitor.checks.pipeline.running import FORGOTTEN_DAYS, last_words
from stationmaster.monitor.checks.saying import day_text, owner_of, run_links, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.monitor.facts.attempts import Attempt
    from stationmaster.monitor.facts.facts import Facts

__all__ = ["contract_broken", "contract_changed"]

PLACE: Final = re.compile(r"\(source (?P<source>[^,()]+), endpoint (?P<endpoint>[^()]+)\)")
"""How a payload contract's error says where (`stationmaster.step.payloads.breaking`)."""

FIRST_SEEN: Final = re.compile(
    r"first seen (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))"
)
ADDED: Final = "; it is not read"
"""How such a note says that a source sends more than it promised."""

CHANGED_DAYS: Final = 2


@check("contract-broken", layer=Layer.PIPELINE, severity=Severity.CRITICAL, owner="platform")
def contract_broken(facts: Facts) -> Iterator[Finding]:
    """A source, or a dataset, does not keep what was promised, and its step has stopped."""
    since = facts.now - dt.timedelta(days=FORGOTTEN_DAYS)
    for mine in last_words(facts):
        failed = mine.failed
        if failed is None or failed.verdict != "contract_broken":
            continue
        ended = failed.ended_at or failed.recorded_at
        if ended < since:
            continue
        subject = _subject(facts, failed)
        error = failed.error
        affected = facts.lineage.affected(subject)
        yield contract_broken.finding(
            subject,
            severity=_severity(facts, failed),
            owner=_owner(facts, subject, failed),
            what=f"{_who(subject)}{_endpoint(failed)} broke its contract for "
            f"{day_text(mine.business_date)}: "
            f"{sentence(_why(failed))}",
            next_action=_action(facts, subject, failed),
            since=_first_seen(failed) or ended,
            business_date=mine.business_date,
            affected=affected.readers,
            pipeline=mine.pipeline,
            run_id=mine.run_id,
            step=mine.step,
            links=run_links(facts, mine.pipeline, mine.run_id, mine.step),
            expected=error.expected if error else "",
            got=error.got if error else "",
            evidence={"where": error.where if error else ""},
        )


@check("contract-changed", layer=Layer.PIPELINE, severity=Severity.INFO, owner="platform")
def contract_changed(facts: Facts) -> Iterator[Finding]:
    """A source sends something new, beside all that it promised."""
    since = facts.now - dt.timedelta(days=CHANGED_DAYS)
    newest: dict[tuple[str, str], Attempt] = {}
    for each in facts.ledger.every_attempt:
        if each.is_done and (each.ended_at or each.recorded_at) >= since:
            newest[each.pipeline, each.step] = each
    for each in newest.values():
        told = [note for note in each.notes if note.endswith(ADDED)]
        source = _source_of(facts, each)
        if not told or source is None:
            continue
        yield contract_changed.finding(
            source,
            owner=_owner(facts, source, each),
            what=f"{_who(source)} sends something new: "
            f"{sentence(told[0])}" + (f" And {len(told) - 1} more." if len(told) > 1 else ""),
            next_action="Take it into the contract where it is of use: `stationmaster contracts "
            "learn`; else there is nothing to do.",
            since=each.ended_at or each.recorded_at,
            pipeline=each.pipeline,
            run_id=each.run_id,
            step=each.step,
            links=run_links(facts, each.pipeline, each.run_id, each.step),
        )


def _why(failed: Attempt) -> str:
    """Return what came; with what was expected, where that says no field by itself."""
    error = failed.error
    if error is None or not error.got:
        return failed.sentence
    if "`" in error.got or not error.expected:
        return error.got
    return f"expected {error.expected}, got {error.got}"


def _action(facts: Facts, subject: Subject, failed: Attempt) -> str:
    """Return what to do, and whom to ask by name where that is known."""
    hint = failed.hint or f"Read the log of {failed.step}: it names the field."
    source = facts.monitoring.sources.get(subject.name)
    if source is not None and source.contact:
        hint = hint.replace("the owner of the source", source.contact)
    hint = hint.replace("clear the step", f"clear {failed.step}")
    return hint if "clear" in hint else f"{hint} Then clear {failed.step}."


def _subject(facts: Facts, failed: Attempt) -> Subject:
    """Return who broke the contract: the source that is named, else what the step writes."""
    found = PLACE.search(failed.error.where if failed.error else failed.sentence)
    if found:
        return Subject(SubjectKind.SOURCE, found["source"])
    where = failed.error.where if failed.error else ""
    step = Subject(SubjectKind.STEP, f"{failed.pipeline}/{failed.step}")
    written = [each for each, causes in facts.lineage.causes.items() if step in causes]
    named = [each for each in written if re.search(rf"\b{re.escape(each.name)}\b", where)]
    datasets = [each for each in named if each.kind is SubjectKind.DATASET]
    return datasets[0] if datasets else _source_of(facts, failed) or step


def _source_of(facts: Facts, each: Attempt) -> Subject | None:
    """Return the one source that a step reads, None where there is none or there are several."""
    step = Subject(SubjectKind.STEP, f"{each.pipeline}/{each.step}")
    causes = facts.lineage.causes.get(step, frozenset())
    sources = [cause for cause in causes if cause.kind is SubjectKind.SOURCE]
    return sources[0] if len(sources) == 1 else None


def _severity(facts: Facts, failed: Attempt) -> Severity:
    expected = facts.monitoring.pipelines.get(failed.pipeline)
    return Severity.CRITICAL if expected and expected.urgent else Severity.WARNING


def _owner(facts: Facts, subject: Subject, each: Attempt) -> str:
    source = facts.monitoring.sources.get(subject.name)
    named = source.owner if source and subject.kind is SubjectKind.SOURCE else ""
    return owner_of(facts, pipeline=each.pipeline, named=named)


def _who(subject: Subject) -> str:
    return f"The source {subject.name}" if subject.kind is SubjectKind.SOURCE else subject.name


def _endpoint(failed: Attempt) -> str:
    """Return which of a source's endpoints it was, as the error says; nothing else has any."""
    found = PLACE.search(failed.error.where if failed.error else failed.sentence)
    return f" ({found['endpoint']})" if found else ""


def _first_seen(failed: Attempt) -> dt.datetime | None:
    """Return when the first payload was that broke it, as far as the error says."""
    text = f"{failed.sentence} {failed.error.got if failed.error else ''}"
    moments = [dt.datetime.fromisoformat(each) for each in FIRST_SEEN.findall(text)]
    return min(moments, default=None)
