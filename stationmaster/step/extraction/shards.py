"""Write one dataset's business day, in one piece or in the parts of a step's shards.

A shard reads whole files, so what a file is refused for and what of it is kept aside is the same
however many shards there are. Only a record's key may lie in files of two shards: so each shard
hands in the keys it has, and the last one looks whether any meet. If none do, the shards' rows
together are the day. If some do, the last one makes the day anew, in one piece.

Heavy (polars): import it from a job, not from what a DAG file loads.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import polars as pl

from stationmaster.step.deliveries import delivered
from stationmaster.step.extraction.days import extract, say_figures, stage
from stationmaster.step.landing import own_files

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stationmaster.step.extraction.days import Extracted, Recipe
    from stationmaster.step.inputs import Inputs
    from stationmaster.step.landing import LandingFile
    from stationmaster.step.outputs import Outputs
    from stationmaster.step.shares import Share

__all__ = ["write_day"]

_LISTING: Final = "listing"


def write_day(
    recipe: Recipe, files: Sequence[LandingFile], inputs: Inputs, outputs: Outputs
) -> None:
    """Extract one dataset from a source's landing files, stage it, and note the account.

    Args:
        recipe: How the files are read.
        files: All files of the source's days, also those of its other datasets.
        inputs: Tell the business day.
        outputs: Where it goes.

    Raises:
        ContractBrokenError: A file does not keep what was promised.
        UpstreamUnavailableError: A file is not as its writer made it.
    """

    def of(some: Iterable[LandingFile]) -> Extracted:
        return extract(recipe, delivered(some, recipe.prefix), inputs.utc_bounds())

    if outputs.shard.count == 1:
        stage(recipe, of(files), inputs, outputs)
        return
    mine = of(own_files(files, outputs.shard))
    inputs.count_read(rows=mine.account.records)
    for note in mine.notes if mine.account.files else ():
        outputs.note(note)
    outputs.write_part(recipe.dataset, mine.frame, mine.rejected)
    say_figures(recipe, mine.frame, outputs, part=True)
    told = {_LISTING: _listing(files)}
    shares = outputs.hand_in(recipe.dataset, mine.frame.select(recipe.key), told)
    if shares is None:
        outputs.leave(recipe.dataset)
    elif why := _why_whole(shares, told):
        outputs.note(f"{recipe.dataset}: {why}, so the last shard made the day in one piece")
        stage(recipe, of(files), inputs, outputs)


def _keys_meet(shares: Iterable[pl.DataFrame]) -> bool:
    """Tell whether a row is in more than one of the frames."""
    together = pl.concat(shares)
    return bool(together.height != together.select(pl.struct(pl.all()).n_unique()).item())


def _why_whole(shares: Sequence[Share], told: dict[str, str]) -> str:
    if any(share.told != told for share in shares):
        return "the source delivered anew while it was read"
    return "two shards had the same key" if _keys_meet(share.frame for share in shares) else ""


def _listing(files: Iterable[LandingFile]) -> str:
    """Name the files as they lie there: a delivery that is put in place of another is another."""
    facts = [f"{file.path} {file.size_bytes} {file.promise}" for file in files]
    return hashlib.sha256("\n".join(sorted(facts)).encode()).hexdigest()
