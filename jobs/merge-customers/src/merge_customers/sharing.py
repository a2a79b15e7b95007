"""Compare the pairs of a day in the shards of a step; the one that comes last joins them.

Only comparing is split. Who is one customer with whom hangs together across all pairs, and the
rule for names alone looks at the whole: that is for one process, which needs all scores for it.
A score is a function of its pair alone, so it is the same whoever works it out.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from merge_customers.unify import Linked, Unscored
    from stationmaster.step import Inputs, Outputs
    from stationmaster.step.protocol import Shard

__all__ = ["compared"]

_TOPIC = "pair_scores"
_OF = "of"


def compared(unscored: Unscored, inputs: Inputs, outputs: Outputs) -> Linked | None:
    """Compare this shard's pairs; give all of them, compared, to the shard that comes last.

    The last one compares again what a shard compared by other extracts, or another model.
    """
    of = _basis(unscored, inputs)
    mine = unscored.scores(_own(unscored.pairs, outputs.shard))
    shares = outputs.hand_in(_TOPIC, mine, {_OF: of})
    if shares is None:
        return None
    scores = pl.concat(share.frame for share in shares if share.told[_OF] == of)
    if scores.height < unscored.pairs.height:
        rest = unscored.pairs.join(scores, on=["left", "right"], how="anti")
        scores = pl.concat([scores, unscored.scores(rest)])
    return unscored.linked(scores)


def _own(pairs: pl.DataFrame, shard: Shard) -> pl.DataFrame:
    first, end = (pairs.height * place // shard.count for place in (shard.index, shard.index + 1))
    return pairs.slice(first, end - first)


def _basis(unscored: Unscored, inputs: Inputs) -> str:
    """Name what the numbers of contacts stand for: the snapshots that were read, and the model."""
    facts = [inputs.snapshots, unscored.parameters]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
