"""Faults of pipelines and data: what is broken, and what must be found."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from tests.monitor_drill import breaking, misreporting
from tests.monitor_drill.judging import Expected
from tests.monitor_drill.plans import Trip
from tests.monitor_drill.scene import Course, Fault, Scene

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FAULTS"]


def _fault(  # noqa: PLR0913 (one column each)
    name: str,
    inject: Callable[[Scene], Course],
    check: str,
    subject: str,
    *,
    layer: str = "pipeline",
    minutes: float = 10,
    says: tuple[str, ...] = (),
    does: tuple[str, ...] = (),
) -> Fault:
    return Fault(
        name=name,
        inject=inject,
        expected=Expected(
            check=tuple(check.split(" or ")),
            subject=subject,
            layer=layer,
            within=dt.timedelta(minutes=minutes),
            says=says,
            does=does,
        ),
    )


MORNING: Final = "morning_analytics"
WEB: Final = f"step:{MORNING}/extract_web"
OOM: Final = Trip(
    verdict="out_of_memory",
    exit_code=137,
    seconds=40,
    sentence="extract-web needed more than 1.0 GiB of memory.",
    hint="Give the job a larger size, or let sizing apply what it recommends.",
)
BUG: Final = Trip(
    verdict="step_failed",
    seconds=50,
    sentence="merge-customers: ZeroDivisionError: division by zero.",
    hint="Read the end of its log.",
)

FAULTS: Final = (
    _fault(
        "late file",
        breaking.late_file,
        "source-late",
        "source:web",
        layer="business",
        does=("web",),
    ),
    _fault("missing file", breaking.missing_file, "source-late", "source:app", layer="business"),
    _fault("late API", breaking.support_late, "source-late", "source:support", layer="business"),
    _fault(
        "renamed field",
        breaking.broken("web", "renamed"),
        "contract-broken",
        "*web*",
        says=("placed_at",),
    ),
    _fault(
        "type change",
        breaking.broken("support", "retyped"),
        "contract-broken",
        "*support*",
        says=("ticket_id",),
    ),
    _fault(
        "file cut",
        breaking.broken("app", "cut-at-source"),
        "contract-broken or step-failed",
        "*app*",
    ),
    _fault(
        "API refusing", breaking.broken("support", "500", 4), "step-failed", "*support*", minutes=30
    ),
    _fault(
        "halved volume",
        breaking.volume("delivery", 0.5),
        "volume-off",
        "dataset:delivery_events",
        does=("Ask the source",),
    ),
    _fault("doubled volume", breaking.volume("delivery", 2.0), "volume-off", "*delivery*"),
    _fault("no rows", breaking.no_rows, "volume-off", "dataset:delivery_events"),
    _fault(
        "API 3x slower",
        breaking.slower(f"{MORNING}/extract_support", 3.0),
        "step-slower",
        f"step:{MORNING}/extract_support",
    ),
    _fault(
        "slower than usual",
        breaking.slower(f"{MORNING}/merge_customers", 3.0),
        "step-slower",
        f"step:{MORNING}/merge_customers",
        minutes=20,
    ),
    _fault(
        "memory growing 10 % a day",
        breaking.memory_grows,
        "memory-outgrown",
        f"step:{MORNING}/merge_customers",
        minutes=6 * 24 * 60,
    ),
    _fault(
        "out of memory",
        breaking.fails(f"{MORNING}/extract_web", OOM),
        "step-failed",
        WEB,
        minutes=30,
    ),
    _fault(
        "quarantine creeping",
        breaking.quarantine_creeps,
        "quarantine-creeping or quarantine-growing",
        "*web*",
        minutes=9 * 24 * 60,
    ),
    _fault(
        "step failing",
        breaking.fails(f"{MORNING}/merge_customers", BUG),
        "step-failed",
        f"step:{MORNING}/merge_customers",
        minutes=40,
    ),
    _fault(
        "retrying too often",
        breaking.retries,
        "step-retrying",
        "step:nightly_finance/load_payments",
        minutes=4 * 60,
    ),
    _fault("stuck", breaking.stuck, "run-stuck", "step:nightly_finance/load_payments", minutes=40),
    _fault(
        "skipped", breaking.skipped, "run-late or step-skipped or report-stale", "*", minutes=45
    ),
    _fault(
        "report not written",
        misreporting.report(forgets_report=True),
        "run-late",
        "pipeline:morning_analytics",
        minutes=45,
    ),
    _fault(
        "report of the wrong day",
        misreporting.report(stale_report=True),
        "report-unread",
        "report:morning_report",
        layer="business",
        minutes=45,
    ),
    _fault(
        "unit change (pence for pounds)",
        misreporting.money(100),
        "total-off",
        "figure:morning_report/revenue",
        layer="business",
    ),
    _fault(
        "wrong totals",
        misreporting.figure(f"{MORNING}/report_morning", "morning_report/revenue", 0.7),
        "sources-disagree",
        "figure:morning_report/revenue",
        layer="business",
        says=("web_orders/revenue",),
    ),
    _fault(
        "web and delivery disagree",
        misreporting.figure(
            f"{MORNING}/report_morning", "morning_report/web_picked_up_day_before", 0.6
        ),
        "sources-disagree",
        "figure:morning_report/web_picked_up_day_before",
        layer="business",
    ),
    _fault("cost doubled", misreporting.dearer, "cost-off", "pipeline:nightly_finance", minutes=60),
    _fault(
        "deadline at risk", breaking.at_risk, "deadline-at-risk", f"pipeline:{MORNING}", minutes=25
    ),
)
