"""What a check can say: a fault in one layer between two regions, how bad it is, and what likely mends it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from . import fixes
from .target import Target


class Severity(IntEnum):
    """Ordered: the worst of several is their maximum. `DEGRADED`: works, but a redundant part is missing."""

    GREEN = 0
    DEGRADED = 1
    RED = 2

    @property
    def word(self) -> str:
        return self.name.lower()


class Layer(StrEnum):
    """Where a fault lies, from the ground up."""

    API_SERVER = "API server"
    PROBE = "probe"
    ROUTE = "route"
    FIREWALL = "firewall"
    SNAT = "SNAT"
    MTU = "MTU"
    DNS = "DNS"
    BALANCER = "balancer"
    TLS = "TLS"
    NODE = "node"
    CLOCK = "clock"
    MEMBERSHIP = "membership"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One fault. `source` None: seen from everywhere; `target` None: whatever is asked; both: the whole cluster."""

    severity: Severity
    layer: Layer
    code: str
    """Names the kind of fault; the key of its fix."""
    source: str | None
    target: str | None
    subject: str
    """The addresses, names or nodes that it's about."""
    symptom: str
    fix: str


def finding(
    target: Target,
    severity: Severity,
    layer: Layer,
    code: str,
    source: str | None,
    destination: str | None,
    subject: str,
    symptom: str,
) -> Finding:
    """A finding with the fix that fits the platform of the region that has to change."""
    at = destination or source
    region = target.region(at) if at is not None else None
    fix = fixes.fix(
        code,
        strategy=target.strategy,
        platform=region.platform if region else None,
        dns_kind=target.region(source).dns_kind if source else (region.dns_kind if region else None),
        source=source or "every region",
        target=destination or "every region",
        subject=subject,
    )
    return Finding(severity, layer, code, source, destination, subject, symptom, fix)


def worst(findings: Iterable[Finding]) -> Severity:
    """The severity of the worst; green where there is none."""
    return max((one.severity for one in findings), default=Severity.GREEN)


def listing(words: Iterable[object], most: int = 4) -> str:
    """`a, b, c` or `a, b, c, d and 5 more`, without repetitions, in the order given."""
    unique = list(dict.fromkeys(str(word) for word in words))
    shown = ", ".join(unique[:most])
    return shown if len(unique) <= most else f"{shown} and {len(unique) - most} more"
