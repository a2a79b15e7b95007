"""The troubles of a made-up morning, and of the weeks before it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from stationmaster.monitor.checks.finding import Finding, Layer, Severity, Subject, SubjectKind
from stationmaster.monitor.dashboard.sample.shop import NOW

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["INCIDENTS", "LONE_FINDINGS", "Trouble"]

TODAY: Final = NOW.date()
YESTERDAY: Final = TODAY - dt.timedelta(days=1)
RUN: Final = f"scheduled__{TODAY}T06:15:00+00:00"


class Trouble(NamedTuple):
    """Hold one made-up incident.

    Args:
        findings: What belongs to it, the cause first.
        told: What happened to it after it was opened: minutes after, kind, who, sentence.
        minutes: How long it stood; None: it is open.
        judged: What people said of it.
    """

    findings: Sequence[Finding]
    told: Sequence[tuple[int, str, str, str]] = ()
    minutes: int | None = None
    judged: str = ""


def _at(hour: int, minute: int, days: int = 0) -> dt.datetime:
    return NOW.replace(hour=hour, minute=minute) - dt.timedelta(days=days)


def _finding(check: str, layer: Layer, severity: Severity, **fields: Any) -> Finding:  # noqa: ANN401 (Finding's fields)
    return Finding(check=check, layer=layer, severity=severity, **fields)


PAYMENTS: Final = Trouble(
    findings=(
        _finding(
            "contract-broken",
            Layer.PIPELINE,
            Severity.CRITICAL,
            subject=Subject(SubjectKind.SOURCE, "payments"),
            owner="finance-data",
            what="Payments changed: `customer_id` is gone, `customerId` is new and looks the same "
            "in 98 % of records.",
            next_action="Ask the payments team (payments@example.com), or add `customerId` to "
            "jobs/extract-payments' contract and clear extract_payments.",
            since=_at(6, 16),
            business_date=YESTERDAY,
            affected=("finance figures", "finance", "management"),
            pipeline="finance_close",
            run_id=RUN,
            step="extract_payments",
            expected="field `customer_id`, text, in each record",
            got="no such field in 1,490 of 1,490 records",
        ),
        _finding(
            "run-late",
            Layer.PIPELINE,
            Severity.CRITICAL,
            subject=Subject(SubjectKind.PIPELINE, "finance_close"),
            owner="finance-data",
            what="The finance figures were due at 07:00 and are not here.",
            next_action="Mend extract_payments first: it is what the run waits for.",
            since=_at(7, 0),
            business_date=YESTERDAY,
            affected=("finance figures", "finance", "management"),
            pipeline="finance_close",
            run_id=RUN,
        ),
    ),
    told=(
        (0, "opened", "", "Payments changed: `customer_id` is gone."),
        (4, "acknowledged", "mara@example.com", "mara@example.com looks after it."),
        (9, "commented", "mara@example.com", "Payments say that they deploy a fix at 07:30."),
        (44, "grew", "", "The finance figures were due at 07:00 and are not here."),
    ),
)
DISAGREE: Final = Trouble(
    findings=(
        _finding(
            "sources-disagree",
            Layer.BUSINESS,
            Severity.WARNING,
            subject=Subject(SubjectKind.FIGURE, "app/orders"),
            owner="analytics",
            what="The app has 9 orders more than delivery knows of (2.1 %; 0.5 % is allowed).",
            next_action="Compare the app's orders of 9 March after 22:00 with delivery's: the app "
            "may have sent its last file before midnight.",
            since=_at(6, 21),
            business_date=YESTERDAY,
            affected=("morning report", "management"),
            pipeline="morning_analytics",
            run_id=f"scheduled__{TODAY}T06:00:00+00:00",
            step="extract_delivery",
            expected="app orders = orders in delivery, within 0.5 %",
            got="9 apart (2.1 %)",
        ),
    ),
    told=((0, "opened", "", "The app has 9 orders more than delivery knows of."),),
)
MEMORY: Final = Trouble(
    findings=(
        _finding(
            "memory-outgrown",
            Layer.PIPELINE,
            Severity.WARNING,
            subject=Subject(SubjectKind.STEP, "marketing_audiences/score_customers"),
            owner="marketing-data",
            what="score_customers needs 2.8 % more memory each day: out of its 6 GiB in 1 to 2 "
            "days.",
            next_action="Give it 8 GiB in jobs/score-customers/job.yaml.",
            since=_at(7, 0, days=2),
            affected=("marketing audiences",),
            pipeline="marketing_audiences",
            step="score_customers",
            foretold=True,
        ),
    ),
    told=((0, "opened", "", "score_customers outgrows its memory."),),
)


def _old(  # noqa: PLR0913, PLR0917 (a row of a table)
    days: int, check: str, what: str, minutes: int, judged: str, severity: Severity
) -> Trouble:
    since = _at(6, 20, days=days)
    cause = _finding(
        check,
        Layer.PIPELINE,
        severity,
        subject=Subject(SubjectKind.PIPELINE, "morning_analytics"),
        owner="analytics",
        what=what,
        next_action="Nothing: it is over.",
        since=since,
        business_date=since.date() - dt.timedelta(days=1),
        affected=("morning report",),
        pipeline="morning_analytics",
    )
    return Trouble((cause,), ((0, "opened", "", what),), minutes, judged)


INCIDENTS: Final = (
    _old(
        26, "source-late", "Delivery sent its day 52 minutes late.", 58, "real", Severity.CRITICAL
    ),
    _old(
        20,
        "step-slower",
        "merge_customers took 2.1 times as long as usual.",
        35,
        "",
        Severity.WARNING,
    ),
    _old(
        17,
        "step-failed",
        "match_payments ran out of memory, and went on with 6 GiB.",
        12,
        "real",
        Severity.WARNING,
    ),
    _old(
        11,
        "volume-off",
        "Web sent 31 % fewer orders than on other Fridays.",
        240,
        "false-alarm",
        Severity.WARNING,
    ),
    _old(
        9,
        "object-store-unreachable",
        "The object store did not answer for 4 minutes.",
        9,
        "real",
        Severity.CRITICAL,
    ),
    MEMORY,
    PAYMENTS,
    DISAGREE,
)
"""In the order in which they were opened."""

LONE_FINDINGS: Final = (
    _finding(
        "contract-changed",
        Layer.PIPELINE,
        Severity.INFO,
        subject=Subject(SubjectKind.SOURCE, "support"),
        owner="analytics",
        what="Support sends a new field, `channel`; nothing breaks.",
        next_action="Add it to the contract if somebody needs it.",
        since=_at(6, 12, days=3),
        pipeline="morning_analytics",
        step="extract_support",
        expected="no field `channel`",
        got="text, in 96 of 96 records",
    ),
    _finding(
        "latency-creeping",
        Layer.PIPELINE,
        Severity.INFO,
        subject=Subject(SubjectKind.STEP, "morning_analytics/extract_support"),
        owner="analytics",
        what="Support's API answers 1.1 % slower each day: twice as slow in 60 days.",
        next_action="Tell the support system's team while there is time.",
        since=_at(6, 12, days=5),
        pipeline="morning_analytics",
        step="extract_support",
        foretold=True,
    ),
)
