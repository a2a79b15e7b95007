"""Several recorders of the same attempts, at the same time."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING

import sqlalchemy as sa

from stationmaster.ledger.engine import make_engine, transaction
from stationmaster.ledger.store import Ledger
from tests.ledger.attempts import record

if TYPE_CHECKING:
    from stationmaster.ledger.records import AttemptKey, AttemptRecord

RECORDERS, SHARDS = 4, 12
VERDICTS = ("succeeded", "evicted", "node_lost", "pod_deleted")


def run_at_once(
    uri: str, batches: list[list[list[AttemptRecord]]]
) -> list[dict[AttemptKey, str | None]]:
    """Write each recorder's batches in a thread and a connection of its own; return the answers."""
    start = threading.Barrier(len(batches))
    answers: list[dict[AttemptKey, str | None]] = [{} for _ in batches]

    def run(number: int) -> None:
        ledger = Ledger.open(uri)
        start.wait()
        for batch in batches[number]:
            answers[number].update(ledger.record_all(batch))
        ledger.close()

    threads = [threading.Thread(target=run, args=[number]) for number in range(len(batches))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_contradicting_recorders_agree_on_one_verdict(uri: str, ledger: Ledger) -> None:
    """Each recorder is told the same standing verdict, and the row has it, with its own words."""
    plan = random.Random(7)  # noqa: S311 (an order of arrival)
    batches = []
    for verdict in VERDICTS:
        mine = [record(shard=n, verdict=verdict, sentence=verdict) for n in range(SHARDS)]
        plan.shuffle(mine)
        batches.append([mine[:4], mine[4:], mine])

    answers = run_at_once(uri, batches)

    rows = ledger.attempts_of_try(record().try_id)
    assert len(rows) == SHARDS
    assert all(row.sentence == row.verdict for row in rows)
    for answer in answers:
        assert answer == {row.key: row.verdict for row in rows}


def test_parts_known_to_different_recorders_become_one_whole(uri: str, ledger: Ledger) -> None:
    """Recorders that each know a part leave every part, in every row."""
    parts = [{"node": "a"}, {"image": "i"}, {"pod_uid": "u"}, {"verdict": "succeeded"}]
    batches = [[[record(shard=n, **part) for n in range(SHARDS)]] for part in parts]

    run_at_once(uri, batches)

    rows = ledger.attempts_of_try(record().try_id)
    assert len(rows) == SHARDS
    assert {(row.node, row.image, row.pod_uid, row.verdict) for row in rows} == {
        ("a", "i", "u", "succeeded")
    }


def test_a_second_connection_waits_for_the_first_ones_verdict(uri: str, ledger: Ledger) -> None:
    """A verdict whose transaction is still open wins over one that comes meanwhile."""
    ledger.record(record(node="a"))
    answer: list[str | None] = []
    late = threading.Thread(target=lambda: answer.append(ledger.record(record(verdict="evicted"))))
    with transaction(make_engine(uri), writes=True) as connection:
        connection.execute(sa.text("UPDATE attempt SET verdict = 'succeeded'"))
        late.start()
        late.join(timeout=0.5)
        assert answer == []
    late.join()

    assert answer == ["succeeded"]
