"""Who is told of what, where and when: teams, channels and routes, the part `alerts` of the file.

alerts:
channels:
data-chat: {kind: apprise, secret: data-chat, format: markdown}
on-call: {kind: apprise, secret: on-call}
teams:
analytics: {to: [data-chat], zone: Europe/London, quiet: {from: "19:00", until: "07:30"}}
routes:
- {owner: analytics, severity: critical, to: [data-chat],
escalate: [{after_minutes: 15, to: [on-call]}], repeat_hours: 4}
"""

from __future__ import annotations

import datetime as dt
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from stationmaster.monitor.checks.finding import Layer, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from stationmaster.monitor.checks.finding import Finding

__all__ = ["LOG_CHANNEL", "Alerting", "Channel", "Escalation", "QuietHours", "Route", "Team"]

LOG_CHANNEL = "log"
"""Always there: the watcher's own log."""

_Name = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=63)]
_Names = tuple[_Name, ...]


def _as_written(value: object) -> object:
    """Refuse 19:00 without quotes: YAML 1.1 reads it as the number 1140."""
    if isinstance(value, int) and not isinstance(value, bool):
        message = f'a time in quotes: "{value // 60:02}:{value % 60:02}"'
        raise ValueError(message)  # noqa: TRY004 (pydantic turns only a ValueError into its own)
    return value


_Clock = Annotated[dt.time, BeforeValidator(_as_written)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Channel(_Part):
    """Hold where messages go."""

    kind: Literal["apprise", "alertmanager", "file", "log"] = Field(
        description="apprise: mail, Slack, Teams, PagerDuty, webhooks and a hundred others by one "
        "URL; alertmanager; file: one JSON line a message; log: the watcher's log."
    )
    secret: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9._-]*$",
        description="Name of the file below STATIONMASTER_SECRETS that holds apprise's URL.",
    )
    url: str = Field(default="", description="Of Alertmanager; no password belongs here.")
    path: Path = Field(default=Path(), description="Of the file; below STATIONMASTER_HOME.")
    format: Literal["auto", "text", "markdown", "html"] = Field(
        default="auto", description="How messages are written; auto: as the service likes it."
    )
    repeats: bool = Field(default=True, description="Whether it is reminded.")
    closes: bool = Field(default=True, description="Whether it is told that an incident is over.")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        needed = {"apprise": "secret", "alertmanager": "url"}.get(self.kind)
        if needed is not None and not getattr(self, needed):
            message = f"a channel of kind {self.kind} needs `{needed}`"
            raise ValueError(message)
        if self.path.is_absolute() or ".." in self.path.parts:
            message = f"`path` is below STATIONMASTER_HOME, not {self.path}"
            raise ValueError(message)
        return self


class QuietHours(_Part):
    """Hold when a team is not at work: what is not critical waits for the end."""

    begins: _Clock = Field(alias="from", description="On the team's clock, for example 19:00.")
    ends: _Clock = Field(alias="until", description="On the team's clock, for example 07:30.")
    weekends: bool = Field(default=True, description="Saturday and Sunday too, all day.")


class Team(_Part):
    """Hold whom an owner's findings reach, and when they are at work."""

    to: _Names = Field(default=(), description="Channels, where no route says otherwise.")
    zone: str = Field(default="", description="Time zone; the business's own by default.")
    quiet: QuietHours | None = None
    digest: _Clock | None = Field(
        default=None,
        description="When each day one message tells what nobody acknowledged; never by default.",
    )

    @model_validator(mode="after")
    def _is_on_earth(self) -> Self:
        try:
            ZoneInfo(self.zone or "UTC")
        except (ZoneInfoNotFoundError, ValueError) as error:
            message = f"`zone` is a name such as Europe/London, not {self.zone!r}"
            raise ValueError(message) from error
        return self


class Escalation(_Part):
    """Hold who is told next when nobody has acknowledged an incident."""

    after_minutes: float = Field(gt=0, description="Since it was opened.")
    to: _Names = Field(min_length=1, description="Channels.")


class Route(_Part):
    """Hold which findings it is for, and where they go; the first that fits is taken."""

    owner: str | None = Field(default=None, description="The team; * and ? as in files.")
    severity: Severity = Field(default=Severity.WARNING, description="At least so severe.")
    layer: Layer | None = None
    pipeline: str | None = Field(default=None, description="Name of the pipeline; * and ?.")
    check: str | None = Field(default=None, description="Name of the check; * and ?.")
    to: _Names = Field(description="Channels; none: it is only shown.")
    if_lost: _Names = Field(
        default=(),
        description="Channels that are told where one of the others does not take it; by default "
        "those of the next escalation.",
    )
    escalate: tuple[Escalation, ...] = ()
    repeat_hours: float | None = Field(
        default=None, gt=0, description="Tell again while it is open and not acknowledged."
    )

    @model_validator(mode="after")
    def _goes_up(self) -> Self:
        minutes = [each.after_minutes for each in self.escalate]
        if minutes != sorted(set(minutes)):
            message = f"`escalate` must rise in `after_minutes`, not {minutes}"
            raise ValueError(message)
        return self

    def fits(
        self, *, owner: str, severity: Severity, layer: Layer, pipeline: str, check: str
    ) -> bool:
        """Tell whether it is for an incident of this cause and severity."""
        return (
            severity.rank >= self.severity.rank
            and _like(self.owner, owner)
            and self.layer in {None, layer}
            and _like(self.pipeline, pipeline)
            and _like(self.check, check)
        )

    @property
    def next_channels(self) -> _Names:
        """Return who is told where a channel is lost."""
        return self.if_lost or (self.escalate[0].to if self.escalate else ())


class Alerting(_Part):
    """Hold all of it; as it comes, everything goes to the watcher's log."""

    channels: dict[_Name, Channel] = Field(default_factory=dict)
    teams: dict[str, Team] = Field(default_factory=dict)
    routes: tuple[Route, ...] = ()
    otherwise: _Names = Field(
        default=(), description="Channels of what no route and no team is for; by default the log."
    )
    storm: int = Field(
        default=4, ge=2, description="So many incidents at once are one message in a channel."
    )
    most_an_hour: int = Field(
        default=20, ge=1, description="Messages an hour and channel; more wait, and come as one."
    )
    update_minutes: float | None = Field(
        default=15,
        gt=0,
        description="An incident that reaches more datasets, reports or readers is told again, at "
        "most once in so many minutes; null: never.",
    )
    lost_after_minutes: float = Field(
        default=10, gt=0, description="When the next channels are told for one that takes nothing."
    )
    give_up_hours: float = Field(
        default=24, gt=0, description="When a message is given up that no try has delivered."
    )

    @model_validator(mode="after")
    def _names_are_known(self) -> Self:
        if LOG_CHANNEL in self.channels and self.channels[LOG_CHANNEL].kind != "log":
            message = "the channel `log` is the watcher's log; give yours another name"
            raise ValueError(message)
        for where, names in self._named():
            for name in names:
                if name not in self.channels and name != LOG_CHANNEL:
                    known = ", ".join(sorted(self.channels)) or "none"
                    message = f"{where} names the channel `{name}`; `channels` has {known}"
                    raise ValueError(message)
        return self

    def _named(self) -> Iterable[tuple[str, _Names]]:
        yield "`otherwise`", self.otherwise
        for owner, team in self.teams.items():
            yield f"team `{owner}`", team.to
        for number, route in enumerate(self.routes, start=1):
            yield f"route {number}", (*route.to, *route.if_lost)
            for each in route.escalate:
                yield f"route {number}, `escalate`", each.to

    def channel(self, name: str) -> Channel | None:
        """Return a channel; None for one that the file does not name any more."""
        return self.channels.get(name) or (Channel(kind="log") if name == LOG_CHANNEL else None)

    def team(self, owner: str) -> Team:
        """Return an owner's team, one without quiet hours where the file does not name it."""
        return self.teams.get(owner) or Team()

    def route(self, finding: Finding, severity: Severity) -> Route:
        """Return where an incident of this cause and severity goes."""
        return self.route_for(
            owner=finding.owner,
            severity=severity,
            layer=finding.layer,
            pipeline=finding.pipeline,
            check=finding.check,
        )

    def route_for(
        self, *, owner: str, severity: Severity, layer: Layer, pipeline: str, check: str
    ) -> Route:
        """Return where an incident goes whose cause is so."""
        for each in self.routes:
            if each.fits(
                owner=owner, severity=severity, layer=layer, pipeline=pipeline, check=check
            ):
                return each
        return Route(to=self.team(owner).to or self.otherwise or (LOG_CHANNEL,))


def _like(wanted: str | None, value: str) -> bool:
    return wanted is None or fnmatchcase(value, wanted)
