"""What a staged frame is of its partition; light, since every job imports it."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Portion"]


class Portion(StrEnum):
    """Tell what a frame is of its partition."""

    OWN = "own"
    """The shard's part, which is the whole where the step is not split."""
    UNCHECKED = "unchecked"
    """The shard's part, which is checked with the others' only to publish them."""
    WHOLE = "whole"
    """The whole, also where the step is split: one shard writes it for all."""
