"""What a fake API server may be told to do wrong."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field

__all__ = ["Faults", "Refusal"]


@dataclass(frozen=True)
class Refusal:
    """Hold an answer that is given instead of the right one."""

    code: int
    reason: str = ""
    message: str = "told to by the test"
    retry_after: int | None = None
    after_the_fact: bool = False
    """Do what was asked, then answer this: the client's answer got lost."""


@dataclass
class Faults:
    """Hold the faults to come; verbs are create, get, list, watch, patch, delete, events."""

    refusals: dict[str, list[Refusal]] = field(default_factory=dict)
    drop: asyncio.Event = field(default_factory=asyncio.Event)
    dropped: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    """Requests that came, by verb."""

    def refuse(self, verb: str, *refusals: Refusal) -> None:
        """Answer the next requests of a verb with these, one each."""
        self.refusals.setdefault(verb, []).extend(refusals)

    def drop_watches(self) -> None:
        """Cut all open watches, without a word."""
        self.dropped += 1
        self.drop.set()
        self.drop = asyncio.Event()

    def next_of(self, verb: str) -> Refusal | None:
        """Count a request, and return what is to be answered instead of the right thing."""
        self.answered[verb] += 1
        waiting = self.refusals.get(verb)
        return waiting.pop(0) if waiting else None
