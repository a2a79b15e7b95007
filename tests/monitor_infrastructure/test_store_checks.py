"""Databases, object stores and the network: what each trouble is called, and what to do."""

from __future__ import annotations

import datetime as dt
from typing import Any

from stationmaster.monitor.checks.infrastructure.databases import (
    database_connections_running_out,
    database_slow,
    database_transaction_open,
    database_unreachable,
)
from stationmaster.monitor.checks.infrastructure.network import (
    certificate_expiring,
    network_broken,
)
from stationmaster.monitor.checks.infrastructure.objectstores import (
    object_store_refused,
    object_store_unreachable,
)
from stationmaster.monitor.facts.given import GivenStores
from stationmaster.monitor.facts.stores import (
    DatabaseState,
    Hop,
    LongTransaction,
    ObjectStoreState,
)
from stationmaster.monitor.facts.trouble import Trouble, TroubleKind
from tests.monitor_infrastructure.infrastructure import (
    NOW,
    airflow,
    away,
    cluster,
    condition,
    found,
    minutes,
    node,
    outcome,
    part,
    pod,
)


def databases(**fields: Any) -> GivenStores:  # noqa: ANN401 (DatabaseState's)
    """Return stores with one database server."""
    own = {"server": "postgres:5432", "names": ("airflow", "ledger")}
    return GivenStores(given_databases=(DatabaseState(**own | fields),))


def bucket(trouble: Trouble | None) -> GivenStores:
    """Return stores with one bucket."""
    own = ObjectStoreState(
        name="warehouse", server="s3:8333", uses=("warehouse",), trouble=trouble, seconds=0.1
    )
    return GivenStores(given_object_stores=(own,))


def test_a_database_that_is_away_is_one_finding_for_all_that_is_in_it() -> None:
    """The server is the subject: three databases in it are not three troubles."""
    (finding,) = found(database_unreachable, stores=databases(trouble=away()))

    assert str(finding.key) == "database-unreachable database:postgres:5432"
    assert finding.since == NOW - minutes(5)
    assert "(airflow and ledger) has not answered for 5 min" in finding.what
    assert finding.next_action == REMEDY_CLOSED
    assert finding.caused_by == ()


REMEDY_CLOSED = "Start it, or see why it does not stay up: read its log."


def test_a_broken_network_is_why_a_database_is_away() -> None:
    """A name that is not known is the network's finding, and the database's cause."""
    (finding,) = found(database_unreachable, stores=databases(trouble=away(TroubleKind.NAME)))

    assert [str(each) for each in finding.caused_by] == ["network:postgres:5432"]


def test_the_node_of_a_database_within_the_cluster_is_why_it_is_away() -> None:
    """A node that is lost with a database on it is one incident; another pod explains nothing."""
    mine = {"namespace": "stationmaster", "owner_kind": "StatefulSet", "owner": "sm-postgres"}
    on_lost = pod("sm-postgres-0", node="n1", leaving=True, **mine)
    other = pod("other-0", node="n2", owner_kind="StatefulSet", owner="other")
    lost = (node("n1", condition("Ready", "Unknown")), node("n2", condition("Ready", "False")))

    (finding,) = found(
        database_unreachable,
        stores=databases(server="sm-postgres.stationmaster.svc:5432", trouble=away()),
        cluster=cluster(on_lost, other, nodes=lost),
    )

    assert [str(each) for each in finding.caused_by] == ["node:n1"]


def test_the_pod_of_a_bucket_within_the_cluster_is_why_it_is_away() -> None:
    """What Kubernetes says of the server behind it and what we see of it are one incident."""
    unready = (condition("PodScheduled", "True"), condition("Ready", "False", 3))
    server = pod("s3-0", owner_kind="StatefulSet", owner="s3", conditions=unready)

    (finding,) = found(object_store_unreachable, stores=bucket(away()), cluster=cluster(server))

    assert [str(each) for each in finding.caused_by] == ["pod:airflow/s3"]


def test_airflows_own_word_counts_where_we_cannot_look() -> None:
    """Without its URI we know of Airflow's database what Airflow says."""
    cut_off = airflow(part("metadatabase", healthy=False))

    (finding,) = found(database_unreachable, stores=GivenStores(), airflow=cut_off)

    assert str(finding.subject) == "database:airflow"
    assert found(database_unreachable, stores=databases(), airflow=cut_off) == []


def test_a_database_that_answers_is_clear() -> None:
    """All four checks say nothing of one that is well."""
    well = databases(round_trip_seconds=0.002, connections=20, most_connections=97)

    for check in (
        database_unreachable,
        database_slow,
        database_transaction_open,
        database_connections_running_out,
    ):
        assert found(check, stores=well) == []
        assert outcome(check).outcome == "not-here"


def test_a_slow_database_is_found_by_its_best_answer() -> None:
    """A quarter of a second for SELECT 1 is slow."""
    (finding,) = found(database_slow, stores=databases(round_trip_seconds=0.9))

    assert finding.got == "900 ms"


def test_connections_are_counted_before_none_is_left() -> None:
    """Many are a warning, nearly all are critical, and so is being turned away."""
    many = databases(connections=84, most_connections=97)
    nearly_all = databases(connections=95, most_connections=97)
    none_left = databases(trouble=away(TroubleKind.FULL, sentence="too many clients"))

    severities = [
        found(database_connections_running_out, stores=each)[0].severity
        for each in (many, nearly_all, none_left)
    ]

    assert severities == ["warning", "critical", "critical"]
    assert found(database_unreachable, stores=none_left) == []


def test_a_forgotten_transaction_is_named_with_the_way_to_end_it() -> None:
    """Idle for half an hour is forgotten; one that works may take hours."""

    def state(ago: float, what: str) -> GivenStores:
        began = NOW - minutes(ago)
        longest = LongTransaction(
            pid=77, user="ann", application="psql", began_at=began, state=what
        )
        return databases(longest=longest)

    (finding,) = found(database_transaction_open, stores=state(31, "idle in transaction"))

    assert finding.since == NOW - minutes(31)
    assert "pg_terminate_backend(77)" in finding.next_action
    assert found(database_transaction_open, stores=state(300, "active")) == []
    assert len(found(database_transaction_open, stores=state(361, "active"))) == 1


def test_a_store_that_is_away_and_one_that_refuses_are_two_checks() -> None:
    """Each kind of trouble is found by one of them, and by one only."""
    refusals = {
        kind for kind in TroubleKind if found(object_store_refused, stores=bucket(away(kind)))
    }
    unreachable = {
        kind for kind in TroubleKind if found(object_store_unreachable, stores=bucket(away(kind)))
    }

    assert refusals == {"login", "forbidden", "missing", "full", "read-only"}
    assert refusals | unreachable == set(TroubleKind)
    assert refusals & unreachable == set()
    assert found(object_store_refused, stores=bucket(None)) == []


def test_one_server_that_is_away_is_one_cause() -> None:
    """However many buckets are on it: the others come of the first."""
    states = [
        ObjectStoreState(name=name, server=server, uses=(), trouble=away(TroubleKind.CLOSED))
        for name, server in (("a", "s3:8333"), ("b", "s3:8333"), ("c", "other:8333"))
    ]
    stores = GivenStores(given_object_stores=tuple(states))

    causes = {
        finding.subject.name: [each.name for each in finding.caused_by]
        for finding in found(object_store_unreachable, stores=stores)
    }

    assert causes == {"a": [], "b": ["a"], "c": []}


def test_a_refusal_says_what_was_tried_and_what_to_do() -> None:
    """Access denied, a full store and a missing bucket need different things."""
    actions = {
        found(object_store_refused, stores=bucket(away(kind, during="put")))[0].next_action
        for kind in (
            TroubleKind.FORBIDDEN,
            TroubleKind.FULL,
            TroubleKind.MISSING,
            TroubleKind.LOGIN,
        )
    }
    (finding,) = found(object_store_refused, stores=bucket(away(TroubleKind.FULL, during="put")))

    assert len(actions) == 4
    assert "The bucket warehouse (warehouse) has refused us for 5 min (put:" in finding.what


def hop(trouble: Trouble | None = None, ends: dt.datetime | None = None) -> GivenStores:
    """Return stores with one way."""
    way = Hop(target="db.example:5432", uses=("ledger",), trouble=trouble, certificate_ends_at=ends)
    return GivenStores(given_hops=(way,))


def test_the_hop_that_fails_is_named() -> None:
    """DNS, the connection and TLS are told apart; a closed port is not the network's fault."""
    sentences = [
        found(network_broken, stores=hop(away(kind, during=during)))[0].what
        for kind, during in (
            (TroubleKind.NAME, "dns"),
            (TroubleKind.ROUTE, "tcp"),
            (TroubleKind.TLS, "tls"),
        )
    ]

    assert "its name is not found" in sentences[0]
    assert "no connection comes" in sentences[1]
    assert "TLS fails" in sentences[2]
    assert found(network_broken, stores=hop(away(TroubleKind.CLOSED, during="tcp"))) == []
    assert found(network_broken, stores=hop()) == []


def test_a_certificate_is_told_two_weeks_before_it_ends() -> None:
    """Foretold until it is over; the last three days wake somebody."""

    def told(days: float) -> list[tuple[str, bool]]:
        stores = hop(ends=NOW + dt.timedelta(days=days))
        return [(f.severity, f.foretold) for f in found(certificate_expiring, stores=stores)]

    assert told(15) == []
    assert told(13) == [("warning", True)]
    assert told(2) == [("critical", True)]
    assert told(-1) == [("critical", False)]
