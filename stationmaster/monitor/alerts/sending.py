"""Take what is due from the outbox and bring it to its channels, as often as that needs."""

from __future__ import annotations

import datetime as dt
import functools
import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.alerts.channels import Batch, ChannelError
from stationmaster.monitor.alerts.deadlines import in_time
from stationmaster.monitor.checks.finding import Severity
from stationmaster.monitor.incidents.events import EventKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from stationmaster.monitor.alerts.channels import Delivers
    from stationmaster.monitor.alerts.outbox import Outbox, Waiting
    from stationmaster.monitor.alerts.plan import AlertPlan

__all__ = ["Sender", "Sent"]

SECONDS_A_BATCH: Final = 30.0
FIRST_PAUSE: Final = dt.timedelta(seconds=30)
LONGEST_PAUSE: Final = dt.timedelta(minutes=15)
HOUR: Final = dt.timedelta(hours=1)
BETWEEN_FULL: Final = dt.timedelta(minutes=10)
"""A channel that had its messages of the hour gets one with all that waits, so often."""

log = logging.getLogger(__name__)


@dataclass
class Sent:
    """Count what one pass did: messages of the outbox, not mails."""

    sent: int = 0
    failed: int = 0
    given_up: int = 0
    not_needed: int = 0
    held: int = 0


class Sender:
    """Send what is due.

    Args:
        outbox: Where messages wait; asked for when it is needed, for its database may be away.
        plan: It knows routes, teams and limits.
        channels: By name; those that the file of routes names, and the log.
    """

    def __init__(
        self, outbox: Callable[[], Outbox], plan: AlertPlan, channels: Mapping[str, Delivers]
    ) -> None:
        self._ready = outbox
        self._plan = plan
        self._channels = channels
        self._sent_at: dict[str, deque[dt.datetime]] = {}

    @property
    def _outbox(self) -> Outbox:
        return self._ready()

    def send(self, now: dt.datetime) -> Sent:
        """Send what is due at a moment; a channel that fails stops no other."""
        done = Sent()
        due = self._outbox.due(now)
        sent = self._outbox.newest_sent(each.message.incident_id for each in due)
        for name in sorted({each.channel for each in due}):
            mine = [each for each in due if each.channel == name]
            needed = self._needed(mine, sent, done)
            down = ""
            for batch in self._batches(name, needed, now, done):
                # A channel that just did not take one is not waited for by each of the others.
                down = self._deliver(name, batch, now, done, down=down)
        self._refresh()
        return done

    def _needed(
        self, mine: Sequence[Waiting], sent: Mapping[tuple[int, str], int], done: Sent
    ) -> list[list[Waiting]]:
        """Return messages by incident, without those that a later one makes needless."""
        by_incident: dict[int, list[Waiting]] = {}
        for each in mine:
            by_incident.setdefault(each.message.incident_id, []).append(each)
        needed, needless = [], []
        for number, group in by_incident.items():
            last = sent.get((number, group[0].channel), 0)
            fresh = [each for each in group if each.id > last]
            needless += [each for each in group if each.id <= last]
            if fresh and _is_over_untold(fresh, told=last > 0):
                needless += fresh
            elif fresh:
                needed.append(fresh)
        self._outbox.not_needed(needless)
        done.not_needed += len(needless)
        return needed

    def _batches(
        self, name: str, needed: list[list[Waiting]], now: dt.datetime, done: Sent
    ) -> list[list[list[Waiting]]]:
        """Return what goes together: an incident each; in a storm, all as one."""
        if not needed:
            return []
        if not self._groups(name):
            return [[each] for each in needed]
        recent = self._recent(name, now)
        if len(recent) >= self._plan.alerting.most_an_hour:
            urgent = any(_is_urgent(each[-1]) for each in needed)
            if now - recent[-1] < BETWEEN_FULL and not urgent:
                done.held += sum(len(each) for each in needed)
                return []
            return [needed]
        late = [each for each in needed if _came_late(each[-1])]
        if len(needed) >= self._plan.alerting.storm or len(late) == len(needed):
            return [needed]
        fresh = [[each] for each in needed if each not in late]
        return [late, *fresh] if late else fresh

    def _deliver(
        self,
        name: str,
        groups: list[list[Waiting]],
        now: dt.datetime,
        done: Sent,
        *,
        down: str,
    ) -> str:
        """Deliver what goes together; return why the channel did not take it, "" if it did.

        Args:
            name: Of the channel.
            groups: Messages by incident.
            now: The moment.
            done: Counts.
            down: Why the channel did not take what came before.
        """
        waiting = [each for group in groups for each in group]
        everything = self._outbox.claim(waiting, now)
        if len(everything) < len(waiting):  # another sender has some of them: theirs, all of them
            return down
        newest = [group[-1] for group in groups]
        batch = Batch(
            messages=tuple(each.message for each in newest),
            key=f"{newest[-1].event_id}:{name}",
            zone=self._plan.zone_of(newest[0].message.owner),
        )
        try:
            self._through(name, batch, down=down)
        except ChannelError as error:
            self._failed(everything, str(error), now, done)
            return str(error)
        self._recent(name, now).append(now)
        self._outbox.sent(everything, now)
        done.sent += len(everything)
        return ""

    def _through(self, name: str, batch: Batch, *, down: str) -> None:
        channel = self._channels.get(name)
        if down:
            raise ChannelError(down)
        if channel is None:
            message = f"the file of routes names no channel {name} any more"
            raise ChannelError(message)
        try:
            in_time(lambda: channel.deliver(batch), SECONDS_A_BATCH, name=f"channel-{name}")
        except ChannelError:
            raise
        except TimeoutError as error:
            message = f"it did not answer within {SECONDS_A_BATCH:g} s"
            raise ChannelError(message) from error
        except Exception as error:
            # Its text may hold the URL: only its kind is told.
            log.warning("channel %s failed: %s", name, type(error).__name__)
            message = f"it failed: {type(error).__name__}"
            raise ChannelError(message) from error

    def _failed(self, waiting: Iterable[Waiting], error: str, now: dt.datetime, done: Sent) -> None:
        alerting = self._plan.alerting
        for each in waiting:
            age = now - each.made_at
            over = age >= dt.timedelta(hours=alerting.give_up_hours)
            again_at = now + _pause(each.attempts + 1)
            self._outbox.failed([each], error, again_at=again_at, given_up=over)
            done.given_up += over
            done.failed += not over
            lost = over or age >= dt.timedelta(minutes=alerting.lost_after_minutes)
            if lost and not each.passed_on:
                self._pass_on(each, now)
        log.warning("Message not taken by channel %s: %s", each.channel, error)

    def _pass_on(self, each: Waiting, now: dt.datetime) -> None:
        route = self._plan.route_of(each.message)
        others = [name for name in route.next_channels if name != each.channel]
        given = self._outbox.pass_on(each, others, now)
        if given:
            log.warning(
                "Channel %s takes nothing; incident %s goes to %s instead.",
                each.channel,
                each.message.incident_id,
                ", ".join(given),
            )

    def _groups(self, name: str) -> bool:
        channel = self._channels.get(name)
        try:
            return channel is not None and channel.groups
        except ChannelError:
            return True  # to deliver will say why

    def _recent(self, name: str, now: dt.datetime) -> deque[dt.datetime]:
        recent = self._sent_at.setdefault(name, deque())
        while recent and now - recent[0] >= HOUR:
            recent.popleft()
        return recent

    def _refresh(self) -> None:
        for name, channel in self._channels.items():
            if self._groups(name):
                continue
            try:
                again = functools.partial(channel.refresh, self._outbox.told(name))
                in_time(again, SECONDS_A_BATCH, name=f"channel-{name}")
            except (ChannelError, TimeoutError) as error:
                log.warning("Channel %s cannot be told again: %s", name, error)


def _is_urgent(waiting: Waiting) -> bool:
    message = waiting.message
    return message.severity is Severity.CRITICAL and not message.ends


def _is_over_untold(fresh: Sequence[Waiting], *, told: bool) -> bool:
    """Tell whether it began and ended before anybody was told: nothing to do, and no news.

    What is critical is told nevertheless: it was there, and only the channel was not.
    """
    newest = fresh[-1].message
    return newest.ends and not told and newest.severity is not Severity.CRITICAL


def _came_late(waiting: Waiting) -> bool:
    """Tell whether it waited for the morning, for its channel, or only reminds: it can be shared.

    What waited together comes as one message.
    """
    waited = waiting.due_at - waiting.made_at
    return waited > FIRST_PAUSE or waiting.message.kind is EventKind.REMINDED


def _pause(attempts: int) -> dt.timedelta:
    """Return how long to wait after so many tries: 30 s, 1, 2, 4, 8 min, then a quarter."""
    doublings: int = 2 ** min(attempts - 1, 10)
    return min(FIRST_PAUSE * doublings, LONGEST_PAUSE)
