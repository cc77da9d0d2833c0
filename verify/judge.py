"""Measurements → verdict: which cell of the matrix has which colour, and what to do about it. Pure.

Each check looks for one kind of fault and says nothing about others; together they are `CHECKS`, and a verdict is no
more than their findings. What is green is therefore exactly what none of them objects to.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from . import cluster_checks, path_checks, region_checks
from .evidence import Evidence
from .findings import Finding, Severity, worst
from .measurements import RegionMeasurement
from .target import Target

Check = Callable[[Evidence], Iterable[Finding]]

CHECKS: tuple[Check, ...] = (
    region_checks.api_server,
    region_checks.probes,
    region_checks.dns_replicas,
    region_checks.down_nodes,
    region_checks.hosts,
    region_checks.unmeasured,
    path_checks.route,
    path_checks.resolver,
    path_checks.names,
    path_checks.fresh_names,
    path_checks.stale_names,
    path_checks.dns_addresses,
    path_checks.dns_servers_are_right,
    path_checks.sql_port,
    path_checks.http_port,
    path_checks.balancers,
    path_checks.certificates,
    path_checks.expiry,
    path_checks.clients_expiry,
    path_checks.source_address,
    path_checks.large_packets,
    path_checks.clocks,
    cluster_checks.login,
    cluster_checks.one_cluster,
    cluster_checks.members,
    cluster_checks.quorum,
)


@dataclass(frozen=True, slots=True)
class Cell:
    """What `source` sees of `target`. `measured` is False where the source had no probe to look with."""

    source: str
    target: str
    severity: Severity
    measured: bool
    findings: tuple[Finding, ...]

    @property
    def word(self) -> str:
        return self.severity.word if self.measured else "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """All of it. `severity` is the worst of every finding; a cell without a probe is never green."""

    severity: Severity
    cells: tuple[Cell, ...]
    findings: tuple[Finding, ...]
    """Worst first, then by layer from the ground up."""

    def cell(self, source: str, target: str) -> Cell:
        """The cell of a pair. Raises KeyError."""
        for cell in self.cells:
            if (cell.source, cell.target) == (source, target):
                return cell
        raise KeyError((source, target))


def judge(target: Target, measurements: Iterable[RegionMeasurement], checks: Iterable[Check] = CHECKS) -> Verdict:
    """The verdict on a target's measurements, one per region of the target."""
    evidence = Evidence(target, tuple(measurements))
    draining = {region.name for region in target.regions if region.draining}
    findings = sorted(
        {_softened(found, draining) for check in checks for found in check(evidence)},
        key=lambda found: (
            -found.severity,
            found.target is not None,
            _layer_order(found),
            found.source or "",
            found.target or "",
            found.subject,
        ),
    )
    cells = tuple(
        _cell(evidence, findings, source.name, destination.name)
        for source in target.regions
        for destination in target.regions
    )
    severity = max(worst(findings), Severity.GREEN if all(cell.measured for cell in cells) else Severity.RED)
    return Verdict(severity, cells, tuple(findings))


def _cell(evidence: Evidence, findings: list[Finding], source: str, target: str) -> Cell:
    about = tuple(
        found
        for found in findings
        if (found.source is not None or found.target is not None)
        and found.source in (None, source)
        and found.target in (None, target)
    )
    return Cell(source, target, worst(about), bool(evidence.measured(source).reports), about)


def _softened(found: Finding, draining: set[str]) -> Finding:
    """A region on its way out can't make a stack red: its faults are shown, as degraded at worst."""
    if found.severity is Severity.RED and draining & {found.source, found.target}:
        return replace(found, severity=Severity.DEGRADED)
    return found


def _layer_order(found: Finding) -> int:
    return list(type(found.layer)).index(found.layer)
