"""What was found out about each region: the judge's input, and all of it."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ZoneProbe:
    """One zone's probe pod. `status`: reported | unschedulable | not-started | crashed | silent."""

    zone: str
    status: str
    detail: str = ""
    report: dict[str, Any] | None = None
    """The pod's JSON line (`verify.probe`), when status is "reported"."""


@dataclass(frozen=True, slots=True)
class PodState:
    """A CockroachDB pod as the API server shows it."""

    phase: str
    ready: bool
    reason: str
    address: str | None
    host: str | None


@dataclass(frozen=True, slots=True)
class RegionMeasurement:
    """`api`: ok | unreachable | refused | no-kubeconfig, with `api_error` in words.

    `pods` holds what exists, by ordinal; None where pods may not be listed. `dns_servers` is (ready, desired) over the
    cluster's own DNS workloads; None where they may not be read or are none of the cluster's (managed elsewhere).
    """

    region: str
    api: str
    api_error: str = ""
    zones: tuple[ZoneProbe, ...] = ()
    pods: dict[int, PodState] | None = None
    dns_servers: tuple[int, int] | None = None
    left_over: tuple[str, ...] = field(default=())
    """Runs whose objects were found and removed first."""

    @property
    def reports(self) -> tuple[dict[str, Any], ...]:
        """The zones' reports, where there are any."""
        return tuple(zone.report for zone in self.zones if zone.report is not None)
