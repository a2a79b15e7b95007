"""The network between parts: a name that is not known, a way that is closed, a certificate."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from stationmaster.monitor.checks.check import check
from stationmaster.monitor.checks.finding import Finding, Layer, Severity, Subject, SubjectKind
from stationmaster.monitor.checks.infrastructure.wording import OWNER, ago
from stationmaster.monitor.checks.saying import duration, listed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stationmaster.monitor.facts.facts import Facts

__all__ = ["certificate_expiring", "network_broken"]

HOPS: Final = {"dns": "its name is not found", "tcp": "no connection comes", "tls": "TLS fails"}
SOON: Final = dt.timedelta(days=14)
VERY_SOON: Final = dt.timedelta(days=3)
REMEDIES: Final = {
    "dns": "Ask DNS from where we run (`getent hosts {host}`); look whether the service {host} "
    "still exists, and at CoreDNS.",
    "tcp": "Look whether anything runs there, and which network policy, security group or firewall "
    "is between.",
    "tls": "Look at what it presents: `openssl s_client -connect {target} -servername {host}`.",
}


@check(
    "network-broken",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.CRITICAL,
    owner=OWNER,
    hold=dt.timedelta(seconds=90),
    clear_after=dt.timedelta(minutes=2),
)
def network_broken(facts: Facts) -> Iterator[Finding]:
    """There is no way to another part: its name, the connection or TLS fails."""
    for hop in facts.stores.hops():
        trouble = hop.trouble
        if trouble is None or not trouble.kind.is_network:
            continue
        host, how = hop.target.rpartition(":")[0], HOPS[trouble.during]
        yield network_broken.finding(
            Subject(SubjectKind.NETWORK, hop.target),
            what=f"{listed(hop.uses)} at {hop.target} cannot be reached "
            f"{ago(trouble.since, facts.now)}: {how} ({trouble.sentence.rstrip('. ')}).",
            next_action=REMEDIES[trouble.during].format(host=host, target=hop.target),
            since=trouble.since,
            got=trouble.sentence,
            evidence={"hop": trouble.during, "uses": list(hop.uses)},
        )


@check(
    "certificate-expiring",
    layer=Layer.INFRASTRUCTURE,
    severity=Severity.WARNING,
    owner=OWNER,
)
def certificate_expiring(facts: Facts) -> Iterator[Finding]:
    """A certificate is over, or will be within two weeks: whoever renews it has not."""
    for hop in facts.stores.hops():
        ends = hop.certificate_ends_at
        if ends is None or ends - facts.now > SOON:
            continue
        over, left = ends <= facts.now, ends - facts.now
        yield certificate_expiring.finding(
            Subject(SubjectKind.NETWORK, hop.target),
            severity=Severity.CRITICAL if left < VERY_SOON else Severity.WARNING,
            what=f"The certificate of {hop.target} ({listed(hop.uses)}) "
            + (f"is over since {ends:%d %b %H:%M} UTC." if over else f"ends in {duration(left)}."),
            next_action="Renew it, and find out why it was not renewed by itself.",
            since=ends if over else ends - SOON,
            foretold=not over,
            evidence={"ends_at": ends.isoformat()},
        )
