"""Wait until a source has delivered the business date; name what is missing, and since when."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from airflow.sdk import BaseOperator
from airflow.triggers.base import BaseTrigger, TriggerEvent

from stationmaster.airflow.dates import (
    business_date_template,
    day_bounds,
    parse_business_date,
    upstream_days,
)
from stationmaster.airflow.exceptions import SourceMissingError, StepMisconfiguredError
from stationmaster.airflow.sources import missing_from_api, missing_from_landing
from stationmaster.airflow.volumes import Source, tell
from stationmaster.step.errors import BusinessDateError
from stationmaster.step.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from airflow.sdk import Context

    from stationmaster.airflow.sources import Missing

__all__ = ["SourceTrigger", "WaitForSource"]

FIRST_REMINDER_SECONDS: Final = 60.0
LAST_REMINDER_SECONDS: Final = 3600.0


class WaitForSource(BaseOperator):
    """Wait, without holding a worker, until a source has delivered the business date.

    A source with files has delivered when every calendar day of its own that overlaps the
    business date has a `_SUCCESS`; one with an API when its status is complete through the end
    of the business date.

    Args:
        source: Name of the source, which is its landing folder's too.
        zone: The zone whose calendar days the source delivers.
        api: It has no files but a REST API, at the setting STATIONMASTER_SUPPORT_API_URL; its
            token is the secret `<source>-api-token`.
        business_date: The day needed, templated; the day before the run by default.
        affects: What cannot be made without it, named in the alert.
        poll_seconds: Time between two looks.
        timeout: How long to wait before giving up.
        splits: Task id of a step that splits what the source delivers, what is counted of it
            (the names of such files begin with that), and how much of that a shard gets. The
            wait then pushes `shards`, `units` and, where it is told, `bytes`
            (`stationmaster.airflow.volumes`).
    """

    template_fields = ("business_date", "source", "affects")
    ui_color = "#f6f1e4"

    def __init__(  # noqa: PLR0913 (one keyword for each thing an author may choose)
        self,
        *,
        source: str,
        zone: str = "UTC",
        api: bool = False,
        business_date: str | None = None,
        affects: Sequence[str] = (),
        poll_seconds: float = 30.0,
        timeout: dt.timedelta = dt.timedelta(hours=18),
        splits: tuple[str, str, int] | None = None,
        **kwargs: Any,  # noqa: ANN401 (Airflow's own arguments, of many types)
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.zone = zone
        self.api = api
        self.business_date = business_date or business_date_template(Settings().zone)
        self.affects = affects
        self.poll_seconds = poll_seconds
        self.timeout = timeout
        self.splits = splits

    @property
    def shards(self) -> str:
        """Return the template for `shards=` of the step that is split."""
        return f"{{{{ ti.xcom_pull('{self.task_id}', key='shards') or 1 }}}}"

    @property
    def split(self) -> dict[str, Any]:
        """Return the arguments of the step that is split: its shards, and what they read."""
        told = f"{{{{ ti.xcom_pull('{self.task_id}', key='bytes') }}}}"
        return {"shards": self.shards, "input_bytes": told}

    def execute(self, context: Context) -> None:
        """Look once; hand the rest of the wait to the triggerer.

        Raises:
            SourceMissingError: Waiting cannot help.
            StepMisconfiguredError: The business date is none.
        """
        look = self._look()
        missing = look.missing()
        if missing is None:
            self._arrived(context)
            return
        self._refuse_hopeless(missing)
        self.log.warning("%s", look.sentence(missing))
        self.defer(
            trigger=SourceTrigger(
                **look.arguments(),
                poll_seconds=self.poll_seconds,
                give_up_at=time.time() + self.timeout.total_seconds(),
            ),
            method_name=self.resume.__name__,
        )

    def resume(self, context: Context, event: dict[str, Any]) -> None:
        """End the wait as the trigger says.

        Raises:
            SourceMissingError: The source had not delivered in time.
        """
        if event["arrived"]:
            self._arrived(context)
            return
        raise SourceMissingError(self._alert(event))

    def _look(self) -> _Look:
        settings = Settings()
        try:
            day = parse_business_date(self.business_date, where=self.task_id)
        except BusinessDateError as error:
            raise StepMisconfiguredError(str(error), exit_code=error.exit_code) from error
        upstream = ZoneInfo(self.zone)
        return _Look(
            source=self.source,
            days=[
                (each.isoformat(), day_bounds(each, upstream)[1].isoformat())
                for each in upstream_days(day, settings.zone, upstream)
            ],
            until=day_bounds(day, settings.zone)[1].isoformat(),
            landing="" if self.api else settings.landing_location,
            api=settings.support_api_url if self.api else "",
            token_file=str(settings.secrets_folder / f"{self.source}-api-token"),
            s3_endpoint=settings.s3_endpoint,
        )

    def _arrived(self, context: Context) -> None:
        self.log.info("%s has delivered everything of %s.", self.source, self.business_date)
        if self.splits is None:
            return
        step, unit, a_shard = self.splits
        source = Source(self.source, ZoneInfo(self.zone), unit, api=self.api)
        day = parse_business_date(self.business_date, where=self.task_id)
        volume, found = source.fanout(day, context["ti"].dag_id, step, units_a_shard=a_shard)
        self.log.info("%s: %s", step, found.why)
        tell(context, volume, found)

    def _refuse_hopeless(self, missing: Missing) -> None:
        if missing.hopeless:
            event = _event(missing)
            raise SourceMissingError(self._alert(event))

    def _alert(self, event: dict[str, Any]) -> str:
        affected = ", ".join(self.affects) or f"all steps after {self.task_id}"
        advice = event["advice"] or (
            f"Ask the owner of {self.source} to deliver {event['what']}, then clear {self.task_id}."
        )
        return (
            f"{self.source} has not delivered {event['what']}, due since "
            f"{dt.datetime.fromisoformat(event['since']):%Y-%m-%d %H:%M} UTC: {event['detail']}. "
            f"Affected: {affected} of {self.business_date}; what was published before stays up. "
            f"Next: {advice}"
        )


class _Look:
    """Hold where to look and for what, as plain values that travel to the triggerer."""

    def __init__(  # noqa: PLR0913 (the plain values of one look)
        self,
        *,
        source: str,
        days: Sequence[tuple[str, str]],
        until: str,
        landing: str,
        api: str,
        token_file: str,
        s3_endpoint: str,
    ) -> None:
        self.source = source
        self.days = days
        self.until = until
        self.landing = landing
        self.api = api
        self.token_file = token_file
        self.s3_endpoint = s3_endpoint

    def arguments(self) -> dict[str, Any]:
        """Return the values as keywords."""
        return dict(vars(self))

    def missing(self) -> Missing | None:
        """Look; blocking, up to ten seconds for an API."""
        if self.api:
            return missing_from_api(
                self.api, self.token_file, dt.datetime.fromisoformat(self.until)
            )
        days = [
            (dt.date.fromisoformat(day), dt.datetime.fromisoformat(over)) for day, over in self.days
        ]
        return missing_from_landing(self.landing, self.source, days, s3_endpoint=self.s3_endpoint)

    def sentence(self, missing: Missing) -> str:
        """Return what the task's log says while it waits."""
        return (
            f"Waiting for {self.source}: {missing.what} is missing, due since "
            f"{missing.since:%Y-%m-%d %H:%M} UTC; {missing.detail}."
        )


class SourceTrigger(BaseTrigger):
    """Look again and again from the triggerer, and end the wait with one event.

    Says what is missing when that changes, and else after 1, 2, 4 … minutes, up to every hour.

    Args:
        poll_seconds: Time between two looks.
        give_up_at: Moment (Unix time) after which the wait ends without the data.
        look: What `_Look` takes. Nothing is checked here: an exception in a trigger's
            constructor would stop the triggerer for everyone.
    """

    def __init__(self, *, poll_seconds: float, give_up_at: float, **look: Any) -> None:  # noqa: ANN401
        super().__init__()  # type: ignore[no-untyped-call]
        self.poll_seconds = poll_seconds
        self.give_up_at = give_up_at
        self.look = look

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's path and its plain arguments."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {"poll_seconds": self.poll_seconds, "give_up_at": self.give_up_at, **self.look},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event: arrived, or what is missing when the wait is over."""
        look = _Look(**self.look)
        reminders = _Reminders()
        while True:
            # In a thread: a slow disk or API must not hold up the triggerer's other triggers.
            missing = await asyncio.to_thread(look.missing)
            if missing is None:
                yield TriggerEvent({"arrived": True})  # type: ignore[no-untyped-call]
                return
            if missing.hopeless or time.time() >= self.give_up_at:
                yield TriggerEvent(_event(missing))  # type: ignore[no-untyped-call]
                return
            if reminders.due(missing):
                self.log.warning("%s", look.sentence(missing))
            await asyncio.sleep(min(self.poll_seconds, max(self.give_up_at - time.time(), 0.05)))


class _Reminders:
    """Decide when a wait is worth another line in the log."""

    def __init__(self) -> None:
        self._said: Missing | None = None
        self._pause = FIRST_REMINDER_SECONDS
        self._next = time.monotonic() + self._pause

    def due(self, missing: Missing) -> bool:
        """Tell whether to say it: something changed, or the pause since the last time is over."""
        changed = self._said is not None and missing != self._said
        self._said = missing
        if changed:
            self._pause = FIRST_REMINDER_SECONDS
        elif time.monotonic() < self._next:
            return False
        else:
            self._pause = min(self._pause * 2, LAST_REMINDER_SECONDS)
        self._next = time.monotonic() + self._pause
        return True


def _event(missing: Missing) -> dict[str, Any]:
    return {
        "arrived": False,
        "what": missing.what,
        "since": missing.since.isoformat(),
        "detail": missing.detail,
        "advice": missing.advice,
    }
