"""What an Alertmanager holds: what Prometheus found by the chart's rules, or by rules of others.

https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Final, Protocol

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from stationmaster.monitor.facts.missing import FactsNotHereError, FactsUnavailableError
from stationmaster.monitor.facts.once import Once
from stationmaster.monitor.facts.trouble import Streaks, Trouble, TroubleKind, kind_of

__all__ = [
    "AlertmanagerApi",
    "AlertmanagerFacts",
    "AlertmanagerLook",
    "GivenAlertmanager",
    "PrometheusAlert",
]

TIMEOUT: Final = httpx.Timeout(10.0, connect=3.0)
FILTER: Final = {"active": "true", "silenced": "false", "inhibited": "false"}


class PrometheusAlert(BaseModel):
    """Hold one alert that fires."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    labels: dict[str, str]
    annotations: dict[str, str] = Field(default_factory=dict)
    starts_at: AwareDatetime = Field(alias="startsAt")
    url: str = Field(default="", alias="generatorURL")

    @property
    def name(self) -> str:
        """Return its rule's name."""
        return self.labels.get("alertname", "")


class AlertmanagerFacts(Protocol):
    """Ask an Alertmanager; each answer is of one look.

    Every method raises FactsNotHereError where none is named (STATIONMASTER_ALERTMANAGER_URL).
    """

    def trouble(self) -> Trouble | None:
        """Return why it cannot be asked; None where it answers."""

    def alerts(self) -> tuple[PrometheusAlert, ...]:
        """Return what fires, and is neither silenced nor inhibited there.

        Raises:
            FactsUnavailableError: It does not answer.
        """


class AlertmanagerApi:
    """Ask one Alertmanager; keeps its connections between looks. Safe in threads.

    Args:
        url: Where it is; empty: there is none.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._client = httpx.Client(timeout=TIMEOUT)
        self._streaks = Streaks()
        self._read = TypeAdapter(tuple[PrometheusAlert, ...])
        self.last_trouble: Trouble | None = None

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def alerts(self) -> tuple[PrometheusAlert, ...]:
        """Return what fires.

        Raises:
            FactsNotHereError: No Alertmanager is named.
            FactsUnavailableError: It does not answer as one.
        """
        if not self.url:
            message = "no Alertmanager is named (STATIONMASTER_ALERTMANAGER_URL)"
            raise FactsNotHereError(message)
        try:
            answer = self._client.get(f"{self.url}/api/v2/alerts", params=FILTER)
            answer.raise_for_status()
            found = self._read.validate_json(answer.content)
        except httpx.HTTPStatusError as error:
            said = f"status {error.response.status_code}"
            raise self._unavailable(TroubleKind.OTHER, "question", said) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            said = f"{type(error).__name__}: {error}"
            raise self._unavailable(kind_of(error), "connect", said) from error
        except ValidationError as error:
            said = f"an answer that is none of Alertmanager's API v2 ({error.error_count()} errors)"
            raise self._unavailable(TroubleKind.OTHER, "answer", said) from error
        self.last_trouble = None
        self._streaks.answered(self.url)
        return found

    def _unavailable(self, kind: TroubleKind, during: str, sentence: str) -> FactsUnavailableError:
        since = self._streaks.failed(self.url, dt.datetime.now(dt.UTC))
        self.last_trouble = Trouble(kind=kind, during=during, sentence=sentence, since=since)
        return FactsUnavailableError(f"Alertmanager at {self.url} does not answer: {sentence}")


class AlertmanagerLook:
    """Answer as `AlertmanagerFacts`; asks once."""

    def __init__(self, api: AlertmanagerApi) -> None:
        self._api = api
        self.alerts: Once[tuple[PrometheusAlert, ...]] = Once(api.alerts)

    def trouble(self) -> Trouble | None:
        """Return why it cannot be asked."""
        try:
            self.alerts()
        except FactsUnavailableError:
            return self._api.last_trouble
        return None


@dataclass(frozen=True, kw_only=True)
class GivenAlertmanager:
    """Answer as `AlertmanagerFacts` with what is given: for tests of checks."""

    given: tuple[PrometheusAlert, ...] = ()
    away: Trouble | None = None

    def trouble(self) -> Trouble | None:
        """Return why it does not answer."""
        return self.away

    def alerts(self) -> tuple[PrometheusAlert, ...]:
        """Return the given alerts."""
        if self.away is not None:
            raise FactsUnavailableError(self.away.sentence)
        return self.given
