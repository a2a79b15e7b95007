"""Take what is due from the outbox and bring it to its channels, as often as that needs."""

from __future__ import annotations

import datetime as dt
import functools
import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy.exc import DBAPIError

from stationmaster.monitor.alerts.channels import Batch, ChannelError
from stationmaster.monitor.alerts.deadlines import in_time
from stationmaster.monitor.alerts.pacing import as_told, came_late, is_over_untold, is_urgent, pause

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from stationmaster.monitor.alerts.channels import Delivers
    from stationmaster.monitor.alerts.outbox import Outbox, Waiting
    from stationmaster.monitor.alerts.plan import AlertPlan

__all__ = ["Sender", "Sent"]

SECONDS_A_BATCH: Final = 30.0
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
        self._taken: deque[tuple[list[Waiting], dt.datetime]] = deque()

    @property
    def _outbox(self) -> Outbox:
        return self._ready()

    def send(self, now: dt.datetime) -> Sent:
        """Send what is due at a moment; a channel that fails stops no other."""
        done = Sent()
        self._write_down_taken()
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
            if fresh and is_over_untold(fresh, told=last > 0):
                needless += fresh
            elif fresh:
                needed.append(fresh)
        self._outbox.not_needed(needless)
        done.not_needed += len(needless)
        # What was tried least comes first: one that is never taken holds up no other.
        return sorted(needed, key=lambda group: group[-1].attempts)

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
            urgent = any(is_urgent(each[-1]) for each in needed)
            if now - recent[-1] < BETWEEN_FULL and not urgent:
                done.held += sum(len(each) for each in needed)
                return []
            return [needed]
        late = [each for each in needed if came_late(each[-1])]
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
        if down:
            self._failed(everything, down, now, done, tried=False)
            return down
        error = self._hand_over(name, groups, now, done)
        if error is None:
            return ""
        again = all(group[-1].attempts for group in groups)
        if len(groups) > 1 and again and not isinstance(error.__cause__, TimeoutError):
            return self._apart(name, groups, now, done)
        self._failed(everything, str(error), now, done)
        return str(error)

    def _apart(self, name: str, groups: list[list[Waiting]], now: dt.datetime, done: Sent) -> str:
        """Deliver in halves what was not taken together: one of them may be why.

        Returns why nothing was taken, "" if something was.
        """
        middle = len(groups) // 2
        halves = [groups[:middle], groups[middle:]]
        errors = [self._hand_over(name, half, now, done) for half in halves]
        works = None in errors
        for half, error in zip(halves, errors, strict=True):
            if error is not None and works and len(half) > 1:
                self._apart(name, half, now, done)
            elif error is not None:
                mine = [each for group in half for each in group]
                self._failed(mine, str(error), now, done)
        return "" if works else str(errors[0])

    def _hand_over(
        self, name: str, groups: list[list[Waiting]], now: dt.datetime, done: Sent
    ) -> ChannelError | None:
        """Hand claimed messages to their channel as one; return why it did not take them."""
        newest = [group[-1] for group in groups]
        batch = Batch(
            messages=tuple(as_told(group) for group in groups),
            key=f"{newest[-1].event_id}:{name}",
            zone=self._plan.zone_of(newest[0].message.owner),
        )
        try:
            self._through(name, batch)
        except ChannelError as error:
            return error
        everything = [each for group in groups for each in group]
        self._recent(name, now).append(now)
        self._taken.append((everything, now))
        self._write_down_taken()
        done.sent += len(everything)
        return None

    def _write_down_taken(self) -> None:
        """Write down what channels took; what cannot be written now is before the next look.

        Else a database that is away for a moment would have it sent twice.
        """
        while self._taken:
            self._outbox.sent(*self._taken[0])
            self._taken.popleft()

    def _through(self, name: str, batch: Batch) -> None:
        channel = self._channels.get(name)
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

    def _failed(
        self,
        waiting: Iterable[Waiting],
        error: str,
        now: dt.datetime,
        done: Sent,
        *,
        tried: bool = True,
    ) -> None:
        alerting = self._plan.alerting
        for each in waiting:
            age = now - each.made_at
            over = age >= dt.timedelta(hours=alerting.give_up_hours)
            again_at = now + pause(each.attempts + 1)
            attempts = each.attempts + tried
            self._outbox.failed([each], error, again_at=again_at, given_up=over, attempts=attempts)
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
            except DBAPIError:
                raise
            except Exception as error:  # noqa: BLE001 (its text may hold a URL; the others are told)
                log.warning("Channel %s cannot be told again: %s", name, type(error).__name__)
